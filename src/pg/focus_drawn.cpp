// Prepaid commitments are drawn down by all usage, whoever asks, and everybody sees their own charges of it only. So
// the draw-down runs with the rights of the extension's owner, and its charges are sifted with those of the caller.

#include <map>

#include "pg/access.hpp"
#include "pg/owner.hpp"
#include "pg/set_result.hpp"
#include "pg/values.hpp"

extern "C" {
#include "executor/spi.h"
}

namespace spend {

namespace {

struct Answers {
  SPITupleTable* charges;
  std::uint64_t charge_count;
  SPITupleTable* scopes;
  std::uint64_t scope_count;
};

SPITupleTable* select(const char* query, std::uint64_t& count) {
  // Read-only: under the snapshot of the statement that asks.
  if (SPI_execute(query, true, 0) != SPI_OK_SELECT) {
    elog(ERROR, "unexpected result of \"%s\"", query);
  }
  count = SPI_processed;
  return SPI_tuptable;
}

/// Opens SPI, which the caller closes. The queries name no operator: they are looked up in the path of whoever calls.
Answers ask_as_owner(Oid function) {
  Answers answers = {};
  Oid user;
  int context;
  GetUserIdAndSecContext(&user, &context);
  SetUserIdAndSecContext(owner_of(function), context | SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  answers.charges = select("SELECT * FROM spend._draw_down()", answers.charge_count);
  answers.scopes = select("SELECT c.commitment_id, c.scope FROM spend.commitments AS c", answers.scope_count);
  SetUserIdAndSecContext(user, context);
  return answers;
}

/// The commitments all of whose usage the current role may see.
std::map<std::int64_t, bool> visible_commitments(const Answers& answers) {
  std::map<std::int64_t, bool> visible;
  for (std::uint64_t i = 0; i < answers.scope_count; ++i) {
    bool is_null = false;
    HeapTuple tuple = answers.scopes->vals[i];
    const std::int64_t id = DatumGetInt64(heap_getattr(tuple, 1, answers.scopes->tupdesc, &is_null));
    const Datum scope = heap_getattr(tuple, 2, answers.scopes->tupdesc, &is_null);
    visible.emplace(id, may_see_all_of(take(Scope::from_json(jsonb_text(scope)))));
  }
  return visible;
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_focus_drawn) {
  spend::begin_set(fcinfo);
  const Oid function = fcinfo->flinfo->fn_oid;
  const spend::Answers answers = spend::pg_call([&] { return spend::ask_as_owner(function); });
  const std::map<std::int64_t, bool> commitments = spend::visible_commitments(answers);
  TupleDesc shape = answers.charges->tupdesc;
  struct Columns {
    int meter, attribution, commitment;
  };
  const Columns at = spend::pg_call([&] {
    return Columns{SPI_fnumber(shape, "meter"), SPI_fnumber(shape, "attribution_id"),
                   SPI_fnumber(shape, "commitment_id")};
  });
  for (std::uint64_t i = 0; i < answers.charge_count; ++i) {
    HeapTuple tuple = answers.charges->vals[i];
    bool is_null = false;
    const Datum meter = heap_getattr(tuple, at.meter, shape, &is_null);
    // What was bought is for those who see all that it may pay for.
    const bool is_commitment = !is_null && spend::text_view(meter).starts_with('#');
    bool visible = false;
    if (is_commitment) {
      const auto known = commitments.find(DatumGetInt64(heap_getattr(tuple, at.commitment, shape, &is_null)));
      visible = known != commitments.end() && known->second;
    } else {
      visible = spend::may_see_attribution(spend::uuid_bytes(heap_getattr(tuple, at.attribution, shape, &is_null)));
    }
    if (visible) {
      auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
      spend::pg_call([&] { tuplestore_puttuple(result->setResult, tuple); });
    }
  }
  spend::pg_call([] { SPI_finish(); });
  PG_RETURN_NULL();
}

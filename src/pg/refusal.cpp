#include "pg/refusal.hpp"

#include "pg/guard.hpp"
#include "pg/limits.hpp"
#include "pg/shared_counters.hpp"
#include "pg/shared_memory.hpp"
#include "pg/values.hpp"

extern "C" {
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
}

namespace spend {

namespace {

constexpr int budget_exceeded = MAKE_SQLSTATE('S', 'P', '0', '0', '1');
constexpr int unpriced_refused = MAKE_SQLSTATE('S', 'P', '0', '0', '3');

std::string quoted(const std::string& name) {
  return '"' + name + '"';
}

/// "in the period from 2026-11-01 00:00:00+00", or "" for a budget without end.
std::string in_period(const Period& period) {
  if (period.start == timestamp_min) {
    return {};
  }
  const Timestamp start = period.start;
  const char* text = pg_call([&] { return timestamptz_to_str(start); });
  return std::string(" in the period from ") + text;
}

Datum without_nulls(Datum json) {
#if PG_VERSION_NUM >= 180000
  return DirectFunctionCall2(json_strip_nulls, json, BoolGetDatum(false));
#else
  return DirectFunctionCall1(json_strip_nulls, json);
#endif
}

/// One line, for the server's log only.
void log_refused(const char* code, const Budget& budget, const std::string& figures, const UsageRow& row) {
  if (!logs_refusals()) {
    return;
  }
  const UsageRow whole = row.clone();
  HeapTuple tuple = whole.form();
  pg_call([&] {
    StringInfoData name;
    initStringInfo(&name);
    escape_json(&name, budget.name.c_str());
    // That of a row in the executor's slot has no type that could be looked up by what is in a datum.
    const TupleDesc descriptor = BlessTupleDesc(CreateTupleDescCopy(whole.descriptor()));
    const Datum fields = DirectFunctionCall1(row_to_json, heap_copy_tuple_as_datum(tuple, descriptor));
    ereport(LOG_SERVER_ONLY,
            (errhidestmt(true), errhidecontext(true),
             errmsg_internal("pg_spend refused {\"code\": \"%s\", \"budget_id\": %lld, \"budget\": %s%s, \"row\": %s}",
                             code, static_cast<long long>(budget.budget_id), name.data, figures.c_str(),
                             TextDatumGetCString(without_nulls(fields)))));
  });
}

std::string in_group(const GroupKey& group) {
  return group.json == "{}" ? std::string() : ", group " + group.json;
}

}  // namespace

std::string with_unit(const Budget& budget, Atto amount) {
  const std::string unit = budget.measure == Measure::cost     ? budget.currency
                           : budget.measure == Measure::tokens ? "tokens"
                                                               : "calls";
  return atto_to_string(amount) + ' ' + unit;
}

void refuse_exceeded(const CounterUse& use, const Counters::Decision& decision, Atto asked, const RowFacts& facts,
                     const UsageRow& row) {
  if (SharedRefusals* const refusals = shared_refusals(); refusals != nullptr && !use.budget->is_own_uncommitted()) {
    refusals->note(use, SharedCounters::shared_key(use.key()), facts.is_priced ? facts.cost : 0, GetCurrentTimestamp());
  }
  log_refused("SP001", *use.budget,
              ", \"limit\": " + atto_to_string(limit_of(use)) + ", \"spent\": " + atto_to_string(decision.spent) +
                  ", \"held\": " + atto_to_string(decision.held) +
                  ", \"pending\": " + atto_to_string(decision.pending) + ", \"asked\": " + atto_to_string(asked),
              row);
  const Budget& budget = *use.budget;
  std::string detail;
  if (may_see_figures(budget)) {
    detail = "Budget " + quoted(budget.name) + ": limit " + with_unit(budget, limit_of(use)) + ", spent " +
             with_unit(budget, decision.spent) +
             (decision.held == 0 ? "" : ", held " + with_unit(budget, decision.held)) + ", asked " +
             with_unit(budget, asked) + in_period(use.period) + in_group(*use.group) + ".";
    if (decision.verdict == Counters::Verdict::others_in_the_way) {
      detail += " Pending in other transactions: " + with_unit(budget, decision.pending) + ".";
    }
  }
  raise(budget_exceeded, "budget " + quoted(budget.name) + " exceeded", std::move(detail),
        "Wait for the next period, or ask the budget's owner to raise its amount in spend.budgets.");
}

void refuse_unpriced(const CounterUse& use, const RowFacts& facts, const UsageRow& row) {
  const Budget& budget = *use.budget;
  log_refused("SP003", budget, {}, row);
  std::string detail = facts.is_priced ? "The row is priced in " + std::string(facts.currency) +
                                             " and the budget counts in " + budget.currency + "."
                                       : "Reason: " + std::string(row.text(row.columns().pricing_reason)) + ".";
  raise(unpriced_refused, "usage without a price is refused by budget " + quoted(budget.name), std::move(detail),
        "Add the price with spend.set_price(), or set on_unpriced = 'allow' on the budget.");
}

}  // namespace spend

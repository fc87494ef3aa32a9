// spend.authorize(): may this call run? Prices the row that the call would leave, holds it against every budget that
// covers it, and sets the amount aside.

#include "core/text_key.hpp"
#include "pg/gate_answer.hpp"
#include "pg/holds.hpp"
#include "pg/jsonb_builder.hpp"
#include "pg/pending_wait.hpp"
#include "pg/row_price.hpp"
#include "pg/tables.hpp"
#include "pg/tag_requirements.hpp"
#include "pg/tuple_builder.hpp"
#include "pg/values.hpp"

extern "C" {
#include "commands/sequence.h"
#include "utils/fmgrprotos.h"
}

namespace spend {

namespace {

constexpr Timestamp longest_hold = USECS_PER_DAY;

/// The models that budgets propose instead, each once, in the order of the budgets; never the one asked for.
std::vector<std::string> fallbacks_of(const Candidate& asked) {
  std::vector<std::string> models;
  std::vector<std::string> seen = {text_key(asked.call.model())};
  for (const GateLine& line : asked.lines) {
    const std::string& model = line.use.budget->fallback_model;
    if (!model.empty() && std::find(seen.begin(), seen.end(), text_key(model)) == seen.end()) {
      models.push_back(model);
      seen.push_back(text_key(model));
    }
  }
  return models;
}

const char* name_of(OnExceeded action) {
  return action == OnExceeded::reject ? "reject" : action == OnExceeded::halt ? "halt" : "alert";
}

const char* outcome_of(const GateLine& line) {
  return line.is_denied_unpriced() ? "unpriced"
         : line.is_exceeded()      ? "exceeded"
         : line.needs_approval()   ? "needs_approval"
                                   : "fits";
}

std::string_view unit_of(const Budget& budget) {
  return budget.measure == Measure::cost     ? std::string_view(budget.currency)
         : budget.measure == Measure::tokens ? "tokens"
                                             : "calls";
}

/// [{"budget": "…", "on_exceeded": "reject", "outcome": "fits", …}], one entry per budget; figures for those only who
/// may read the budget.
Datum budgets_jsonb(const Candidate& candidate) {
  std::vector<JsonbObject> budgets;
  budgets.reserve(candidate.lines.size());
  for (const GateLine& line : candidate.lines) {
    const Budget& budget = *line.use.budget;
    if (line.is_later_period && !line.stops()) {
      continue;
    }
    JsonbObject& json = budgets.emplace_back();
    if (may_see_figures(budget)) {
      json.numeric("held", atto_to_numeric(line.standing.held));
      json.text("unit", unit_of(budget));
      json.numeric("asked", atto_to_numeric(line.asked.amount));
      json.numeric("limit", atto_to_numeric(line.limit));
      json.numeric("spent", atto_to_numeric(line.standing.spent));
    }
    json.text("budget", budget.name);
    json.text("outcome", outcome_of(line));
    json.text("on_exceeded", name_of(budget.on_exceeded));
  }
  return jsonb_array_datum(budgets);
}

/// What fits; for roles that may not read every budget's figures at most what they asked for, from which nothing can
/// be read that the verdict does not say.
std::optional<std::int64_t> max_output_tokens(const Answer& answer) {
  const Candidate& candidate = *answer.candidate;
  const std::optional<std::int64_t> fitting = candidate.output_tokens_that_fit(answer.uses_approval);
  if (std::all_of(candidate.lines.begin(), candidate.lines.end(),
                  [](const GateLine& line) { return may_see_figures(*line.use.budget); })) {
    return fitting;
  }
  const Usage estimate = usage_of(candidate.call.estimate());
  const Decimal* const output = estimate.find("output_tokens");
  const Atto estimated = output == nullptr ? 0 : to_atto(*output) / atto_per_unit;
  return fitting.has_value() && *fitting < estimated ? *fitting : static_cast<std::int64_t>(estimated);
}

std::optional<Datum> cost_of(const Candidate& candidate) {
  return candidate.is_unpriced() ? std::nullopt : std::optional(candidate.row.get(candidate.row.columns().cost));
}

std::string currency_of(const Candidate& candidate) {
  return std::string(candidate.row.text(candidate.row.columns().currency));
}

/// What became of a call.
struct Outcome {
  std::optional<std::int64_t> hold_id;
  std::optional<std::int64_t> approval_id;
  bool is_known = false;  ///< it waits for an approval, as it was told before
};

void record_decision(const Answer& answer, const Candidate& asked, const Outcome& outcome, Timestamp now) {
  const OpenTable table(Table::decisions, RowExclusiveLock);
  TupleBuilder row(table);
  row.set("decision_id", Int64GetDatum(pg_call([&] {
            return nextval_internal(get_relname_relid("decisions_decision_id_seq", RelationGetNamespace(table.get())),
                                    false);
          })));
  row.set("decided_at", TimestampTzGetDatum(now));
  row.set("writer", text_datum(pg_call([] { return GetUserNameFromId(GetUserId(), false); })));
  row.set("verdict", text_datum(answer.verdict));
  row.set("reason", text_datum(answer.reason));
  if (answer.decided_by != nullptr) {
    row.set("budget_name", text_datum(answer.decided_by->use.budget->name));
  }
  if (!asked.call.provider().empty()) {
    row.set("provider", text_datum(asked.call.provider()));
  }
  row.set("requested_model", text_datum(asked.call.model()));
  row.set("model", text_datum(answer.candidate->call.model()));
  row.set("dimensions", asked.call.dimensions());
  row.set("context", asked.call.context());
  row.set("estimate", asked.call.estimate());
  if (const std::optional<Datum> cost = cost_of(asked)) {
    row.set("cost", *cost);
    row.set("currency", text_datum(currency_of(asked)));
  }
  if (outcome.hold_id.has_value()) {
    row.set("hold_id", Int64GetDatum(*outcome.hold_id));
  }
  if (outcome.approval_id.has_value()) {
    row.set("approval_id", Int64GetDatum(*outcome.approval_id));
  }
  row.insert();
}

std::int64_t take_hold_for(const Candidate& candidate, const Candidate& asked, Timestamp now, Timestamp until) {
  std::vector<HoldAmount> amounts;
  for (const GateLine& line : candidate.lines) {
    if (line.asked.amount > 0) {
      amounts.push_back({line.use, line.asked.amount, line.use.budget->locks_in_statement() ? line.asked.amount : 0});
    }
  }
  return take_hold({now, until, &candidate.call, asked.call.model(), cost_of(candidate), currency_of(candidate)},
                   amounts);
}

Timestamp end_of_hold(Timestamp now, Datum ttl) {
  const Timestamp until = pg_call(
      [&] { return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now), ttl)); });
  if (until <= now || until > now + longest_hold) {
    raise(Error{ErrorKind::invalid_value,
                "ttl must be positive and at most a day",
                {},
                "Choose the longest time that a call may take; a hold that is neither settled nor released blocks its "
                "amount for so long."});
  }
  return until;
}

/// A function that catches errors runs in a savepoint, which looks like a transaction block: then the statement tells,
/// which is the transaction's first only where there is none.
bool is_in_transaction_block() {
  return IsTransactionBlock() &&
         (!IsSubTransaction() || GetCurrentStatementStartTimestamp() != GetCurrentTransactionStartTimestamp());
}

void warn_of_open_transaction() {
  pg_call([] {
    if (is_in_transaction_block()) {
      ereport(WARNING, (errcode(ERRCODE_WARNING), errmsg("spend.authorize() runs inside a transaction block"),
                        errdetail("The hold counts for others only after COMMIT, and goes with a rollback."),
                        errhint("Commit before you call the provider.")));
    }
  });
}

/// Candidates under one set of budgets, with what stands against each. Again when the budgets change while a counter is
/// waited for: nobody is denied by a limit that has been raised, nor let through by one that is gone.
std::vector<Candidate> candidates_for(const ExpectedCall& call, Timestamp now, Timestamp until, bool counts_pending,
                                      std::shared_ptr<const BudgetSet>& budgets) {
  const OpenTable usage(Table::usage, AccessShareLock);
  for (;;) {
    budgets = budget_set();
    std::vector<Candidate> candidates;
    const auto add = [&](const ExpectedCall& other) {
      const UsageRow row = other.row(usage.get(), now);
      candidates.push_back({other, row, lines_of(row, now, until)});
    };
    add(call);
    refuse_missing_tags(candidates.front().row, attribution_of(candidates.front().row));
    for (const std::string& model : fallbacks_of(candidates.front())) {
      add(call.with_model(model));
    }
    find_standing(candidates, counts_pending);
    pg_call([] { AcceptInvalidationMessages(); });
    if (budget_set() == budgets) {
      return candidates;
    }
  }
}

/// A call with what is to be said of it. What may run has taken what it asks of the reject budgets.
struct Judged {
  std::shared_ptr<const BudgetSet> budgets;  ///< lives as long as what points into it
  std::vector<Candidate> candidates;
  Answer answer;
};

/// Nobody is denied for what others have not committed before these were waited for, and nobody let through because of
/// what was free a moment ago.
Judged judge(const ExpectedCall& call, const Approval* approval, Timestamp now, Timestamp until) {
  std::optional<Patience> patience;
  for (bool counts_pending = false;;) {
    Judged judged;
    judged.candidates = candidates_for(call, now, until, counts_pending, judged.budgets);
    judged.answer = answer(judged.candidates, approval);
    if (!judged.answer.may_run()) {
      return judged;
    }
    const std::vector<Asked> asked = judged.answer.candidate->asked_of_reject_budgets();
    const Admission admission = take_room(asked);
    if (admission.verdict == Counters::Verdict::fits) {
      return judged;
    }
    if (admission.verdict == Counters::Verdict::others_in_the_way && !counts_pending) {
      if (!patience.has_value()) {
        patience.emplace();
      }
      counts_pending = !counters().wait_for_others(admission.stopped_by->use, *patience);
    }
  }
}

/// Takes the hold of what may run, asks for the approval of what may not yet.
Outcome carry_out(const Answer& given, const std::vector<Candidate>& candidates, const Approval* approval,
                  Timestamp now, Timestamp until) {
  Outcome outcome;
  if (given.may_run()) {
    outcome.hold_id = take_hold_for(*given.candidate, candidates.front(), now, until);
    forget_held();
  }
  if (given.uses_approval) {
    use_approval(approval->approval_id, *outcome.hold_id);
    outcome.approval_id = approval->approval_id;
  } else if (given.is("needs_approval") && std::string_view(given.reason) == "approval_pending") {
    outcome.approval_id = approval->approval_id;
    outcome.is_known = true;
  } else if (given.is("needs_approval")) {
    const ApprovalRequest request = request_approval(candidates.front(), now);
    outcome.approval_id = request.approval_id;
    outcome.is_known = !request.is_new;
  } else if (approval != nullptr && approval->state == Approval::State::declined && given.is("deny")) {
    outcome.approval_id = approval->approval_id;
  }
  return outcome;
}

/// The columns of the result, looked up once: they are the function's own, whoever calls it.
TupleDesc result_columns(FunctionCallInfo fcinfo) {
  static TupleDesc columns = nullptr;
  if (columns == nullptr) {
    columns = pg_call([&] {
      TupleDesc found;
      if (get_call_result_type(fcinfo, nullptr, &found) != TYPEFUNC_COMPOSITE) {
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("a record is expected where none is accepted")));
      }
      const MemoryContext outer = MemoryContextSwitchTo(TopMemoryContext);
      TupleDesc kept = BlessTupleDesc(CreateTupleDescCopy(found));
      MemoryContextSwitchTo(outer);
      return kept;
    });
  }
  return columns;
}

Datum result(FunctionCallInfo fcinfo, const Answer& answer, const Outcome& outcome) {
  const TupleDesc descriptor = result_columns(fcinfo);
  const std::optional<std::int64_t> most = max_output_tokens(answer);
  std::array<Datum, 7> values = {text_datum(answer.verdict),
                                 text_datum(answer.reason),
                                 text_datum(answer.candidate->call.model()),
                                 Int64GetDatum(outcome.hold_id.value_or(0)),
                                 Int64GetDatum(most.value_or(0)),
                                 budgets_jsonb(*answer.candidate),
                                 Int64GetDatum(outcome.approval_id.value_or(0))};
  std::array<bool, 7> nulls = {
      false, false, false, !outcome.hold_id.has_value(), !most.has_value(), false, !outcome.approval_id.has_value()};
  return pg_call([&] { return HeapTupleGetDatum(heap_form_tuple(descriptor, values.data(), nulls.data())); });
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_authorize) {
  using namespace spend;
  for (const int required : {0, 1, 2, 4, 6}) {
    if (PG_ARGISNULL(required)) {
      raise(ERRCODE_NULL_VALUE_NOT_ALLOWED, "model, dimensions, estimate, ttl and context must not be null", {},
            "The estimate is the most that the call may use, its output tokens included.");
    }
  }
  pg_call([] {
    PreventCommandIfReadOnly("spend.authorize()");
    PreventCommandIfParallelMode("spend.authorize()");
  });
  warn_of_open_transaction();
  const Timestamp now = GetCurrentTimestamp();
  const Timestamp until = end_of_hold(now, PG_GETARG_DATUM(4));
  ExpectedCall call(PG_ARGISNULL(3) ? std::string() : text_of(PG_GETARG_DATUM(3)), text_of(PG_GETARG_DATUM(0)),
                    PG_GETARG_DATUM(1), PG_GETARG_DATUM(6));
  call.set_estimate(PG_GETARG_DATUM(2));
  std::optional<Approval> approval;
  if (!PG_ARGISNULL(5)) {
    approval = find_approval(PG_GETARG_INT64(5), call);
  }
  const Approval* const known = approval.has_value() ? &*approval : nullptr;
  const Judged judged = judge(call, known, now, until);
  const Answer& given = judged.answer;
  const Outcome outcome = carry_out(given, judged.candidates, known, now, until);
  if ((!given.is("allow") || given.uses_approval) && !outcome.is_known) {
    record_decision(given, judged.candidates.front(), outcome, now);
  }
  return result(fcinfo, given, outcome);
}

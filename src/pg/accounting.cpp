#include "pg/accounting.hpp"

#include <boost/container/small_vector.hpp>

#include "pg/accounting_state.hpp"
#include "pg/attributions.hpp"
#include "pg/holds.hpp"
#include "pg/limits.hpp"
#include "pg/pending_wait.hpp"
#include "pg/refusal.hpp"
#include "pg/rolling.hpp"
#include "pg/tables.hpp"
#include "pg/values.hpp"

namespace spend {

Accounting accounting;

bool is_counted_already(const Budget& budget, const Journal::Entry& entry) {
  const std::optional<std::int64_t>& occurred_in = entry.attribution->occurred_in;
  return occurred_in.has_value() && counts_once(budget, *occurred_in, entry.bucket);
}

namespace {

bool was_known_at_first_row(const Budget& budget) {
  return accounting.first_budgets == nullptr || accounting.first_budgets->saw(budget);
}

Atto from_journal(const CounterUse& use) {
  CounterDelta total;
  const Budget& budget = *use.budget;
  accounting.journal.for_each([&](const Journal::Entry& entry) {
    const Dimensions& dimensions = entry.attribution->dimensions;
    if (budget.valid.contains(entry.bucket) && period_of(budget, entry.bucket).start == use.period.start &&
        !is_counted_already(budget, entry) && budget.scope.matches(dimensions) &&
        group_key(budget.group_by, dimensions).hash == use.group->hash) {
      total += accounting.journal.delta_of(budget, entry);
    }
  });
  return total.amount;
}

/// What this transaction's rows before the current one have added to a reject counter.
Atto own_amount(const CounterUse& use) {
  // What is kept below lacks the rows that came before the budget; savepoints make it hard to add them once for all.
  if (!was_known_at_first_row(*use.budget)) {
    return from_journal(use);
  }
  const CounterKey key = use.key();
  Atto total = 0;
  for (const Accounting::Level& level : accounting.reject_levels) {
    const auto found = level.own.find(key);
    if (found != level.own.end()) {
      total += found->second;
    }
  }
  return total;
}

/// What the running level has added to its reject counters.
CounterMap<Atto>& own_of_level() {
  const int nesting = GetCurrentTransactionNestLevel();
  if (accounting.reject_levels.empty() || accounting.reject_levels.back().nesting < nesting) {
    accounting.reject_levels.push_back({nesting, {}});
  }
  return accounting.reject_levels.back().own;
}

/// What own_amount() says, and the place where the running level keeps its part, as long as the level runs.
struct OwnPlace {
  Atto total;
  Atto* of_level;
};
OwnPlace own_place(const CounterUse& use) {
  Atto* const of_level = &own_of_level()[use.key()];
  const bool is_all = accounting.reject_levels.size() == 1 && was_known_at_first_row(*use.budget);
  return {is_all ? *of_level : own_amount(use), of_level};
}

/// Whether these are still the budgets after what others have committed while we waited: nobody is refused by a limit
/// that has been raised.
bool are_latest(const std::shared_ptr<const BudgetSet>& budgets) {
  pg_call([] { AcceptInvalidationMessages(); });
  return budget_set() == budgets;
}

/// The committed total of a budget that this transaction has made.
Atto private_total(const CounterUse& use) {
  CounterKey period = use.key();
  period.group = {};
  const auto known = accounting.private_totals.find(period);
  if (known != accounting.private_totals.end() && known->second.complete) {
    return known->second.of(use.group->hash).amount;
  }
  const OpenTable table(Table::counters, AccessShareLock);
  return accounting.private_totals
      .insert_or_assign(period, totals_of_ledger(use, LatestState(table.get(), OwnChanges::ignored)))
      .first->second.of(use.group->hash)
      .amount;
}

/// What holds set aside of a counter that is locked.
Atto held_of_locked(const CounterKey& key) {
  const auto known = accounting.held.find(key);
  return known != accounting.held.end() ? known->second : accounting.held.emplace(key, held_on(key)).first->second;
}

/// A period that is over is history: recorded, never refused. What is never refused locks nothing before pre-commit,
/// where it cannot come between the locks of others.
bool may_refuse(const CounterUse& use) {
  return use.period.end > GetCurrentTransactionStartTimestamp();
}

void lock_expected() {
  if (accounting.expected.empty()) {
    return;
  }
  std::vector<std::pair<CounterKey, CounterUse>> in_order(accounting.expected.begin(), accounting.expected.end());
  std::sort(in_order.begin(), in_order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [key, use] : in_order) {
    if (!use.budget->is_own_uncommitted()) {
      counters().take(use);
    }
  }
  accounting.expected.clear();
}

}  // namespace

void expect_row(const UsageRow& row, Attribution& attribution) {
  // A row that settles a hold has to have the counters' locks before the clock is read.
  if (budget_set()->empty() || (!counters().takes_rows() && row.is_null(row.columns().hold_id))) {
    return;
  }
  const std::shared_ptr<const BudgetSet> budgets = budget_set();
  if (accounting.expected_from != budgets) {
    accounting.expected.clear();
    accounting.expected_from = budgets;
  }
  const UsageColumns& at = row.columns();
  const Timestamp occurred_at = row.timestamp(at.occurred_at, 0);
  const std::optional<Timestamp> enforced_at =
      row.is_null(at.enforced_at) ? std::nullopt : std::optional(row.timestamp(at.enforced_at, 0));
  const auto matches = budgets->matching(budgets->refine(row, attribution));
  for (const BudgetMatch& match : *matches) {
    if (!match.budget->locks_in_statement()) {
      continue;
    }
    for (const CounterUse& use : uses_of(match, occurred_at, enforced_at)) {
      if (may_refuse(use)) {
        accounting.expected.try_emplace(use.key(), use);
      }
    }
  }
}

namespace {

void add_to_journal(Attribution& counted, const RowFacts& facts, int sign) {
  accounting.journal.add(counted, facts, sign);
  if (facts.enforced_at.has_value()) {
    RowFacts second = facts;
    second.occurred_at = *facts.enforced_at;
    accounting.journal.add(remember_second_count(counted, floor_to_quarter_hour(facts.occurred_at)), second, sign);
  }
}

Counters::Decision decide(const Asked& asked) {
  const Atto limit = limit_of(asked.use);
  const bool is_private = asked.use.budget->is_own_uncommitted();
  Counters::Decision decision;
  if (is_private) {
    decision.spent = private_total(asked.use) + asked.own;
    decision.verdict = decision.spent + asked.amount > limit ? Counters::Verdict::exceeds : Counters::Verdict::fits;
  } else {
    decision = counters().admit(asked.use, asked.own, asked.amount, limit);
  }
  if (decision.verdict == Counters::Verdict::fits && (is_private || counters().leaves_holds_to_table(asked.use))) {
    const Atto room = limit - asked.amount - decision.spent;
    decision.held = held_of_locked(asked.use.key());
    if (decision.held > room) {
      forget_held();
      decision.held = held_of_locked(asked.use.key());
    }
    if (decision.held > room) {
      decision.verdict = Counters::Verdict::exceeds;
    }
  }
  return decision;
}

}  // namespace

Asked asked_of(const CounterUse& use, Atto amount) {
  return {use, amount, own_amount(use)};
}

/// What the first ones have reserved is given back if a later one does not admit it.
Admission take_room(std::span<const Asked> all) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Counters::Decision decision = decide(all[i]);
    if (decision.verdict != Counters::Verdict::fits) {
      for (std::size_t j = 0; j < i; ++j) {
        if (!all[j].use.budget->is_own_uncommitted()) {
          counters().set_own(all[j].use, all[j].own);
        }
      }
      return {decision.verdict, &all[i], decision};
    }
  }
  return {};
}

namespace {

/// All budgets admit the row, or none has. Whoever is refused for what others have not committed waits for them first.
Admission admit(std::span<const Asked> all) {
  std::optional<Patience> patience;
  for (;;) {
    const Admission admission = take_room(all);
    if (admission.verdict != Counters::Verdict::others_in_the_way) {
      return admission;
    }
    if (!patience.has_value()) {
      patience.emplace();
    }
    if (!counters().wait_for_others(admission.stopped_by->use, *patience)) {
      return admission;
    }
  }
}

}  // namespace

namespace {

/// Takes what a row asks of its reject budgets; raises when one refuses it. False: the budgets are others by now, and
/// nothing was taken.
bool take_from_budgets(const std::shared_ptr<const BudgetSet>& budgets, const std::vector<BudgetMatch>& matches,
                       const RowFacts& facts, const UsageRow& row, int sign, Arrival arrival) {
  struct Moved {
    Atto amount;
    Atto* of_level;
    std::optional<CounterUse> settled;  ///< what others have to know at once
  };
  boost::container::small_vector<Moved, 4> movements;
  boost::container::small_vector<Asked, 4> asked;
  for (const BudgetMatch& match : matches) {
    if (arrival == Arrival::settlement && !counters().takes_rows() && !match.budget->is_own_uncommitted()) {
      for (const CounterUse& use : uses_of(match, facts.occurred_at, facts.enforced_at)) {
        (void)counters().total(use);
      }
    }
    if (!match.budget->locks_in_statement()) {
      continue;
    }
    const Movement movement = movement_of(*match.budget, facts);
    auto uses = uses_of(match, facts.occurred_at, facts.enforced_at);
    for (CounterUse& use : uses) {
      const OwnPlace own = own_place(use);
      movements.push_back({sign * movement.amount, own.of_level, std::nullopt});
      if (arrival == Arrival::settlement && !use.budget->is_own_uncommitted()) {
        movements.back().settled = use;
      }
      if (arrival == Arrival::direct && sign > 0 && may_refuse(use)) {
        if (movement.unpriced && match.budget->denies_unpriced) {
          if (!are_latest(budgets)) {
            return false;
          }
          refuse_unpriced(use, facts, row);
        }
        if (movement.amount > 0) {
          asked.push_back({std::move(use), movement.amount, own.total});
        }
      }
    }
  }
  const Admission admission = admit({asked.data(), asked.size()});
  if (admission.verdict != Counters::Verdict::fits) {
    if (!are_latest(budgets)) {
      return false;
    }
    refuse_exceeded(admission.stopped_by->use, admission.decision, admission.stopped_by->amount, facts, row);
  }
  for (const Moved& moved : movements) {
    if (moved.settled.has_value()) {
      counters().set_own(*moved.settled, own_amount(*moved.settled) + moved.amount);
    }
    *moved.of_level += moved.amount;
  }
  return true;
}

}  // namespace

void account_row(const UsageRow& row, int sign, Arrival arrival) {
  Attribution& attribution = attribution_of(row);
  keep_attribution(attribution);
  account_row(row, attribution, sign, arrival);
}

void account_row(const UsageRow& row, Attribution& attribution, int sign, Arrival arrival) {
  const std::shared_ptr<const BudgetSet> budgets = budget_set();
  const RowFacts facts = facts_of(row);
  if (sign > 0) {
    store_attribution(attribution);
  }
  if (accounting.journal.empty()) {
    accounting.first_budgets = budgets;
  }
  Attribution& counted = budgets->empty() ? attribution : budgets->refine(row, attribution);
  if (!budgets->empty()) {
    const auto matches = budgets->matching(counted);
    lock_expected();
    if (!take_from_budgets(budgets, *matches, facts, row, sign, arrival)) {
      return account_row(row, attribution, sign, arrival);
    }
  }
  add_to_journal(counted, facts, sign);
}

bool account_at_once(const UsageRow& row, Attribution& attribution) {
  if (!await_attribution(attribution)) {
    return false;
  }
  if (const std::shared_ptr<const BudgetSet>& none = budget_set(); none->empty()) {
    if (accounting.journal.empty()) {
      accounting.first_budgets = none;
    }
    add_to_journal(attribution, facts_of(row), +1);
    return true;
  }
  const std::shared_ptr<const BudgetSet> budgets = budget_set();
  Attribution& counted = budgets->refine(row, attribution);
  const auto matches = budgets->matching(counted);
  const bool asks_budgets = std::any_of(matches->begin(), matches->end(),
                                        [](const BudgetMatch& match) { return match.budget->locks_in_statement(); });
  if (asks_budgets && counters().takes_rows()) {
    return false;
  }
  if (accounting.journal.empty()) {
    accounting.first_budgets = budgets;
  }
  const RowFacts facts = facts_of(row);
  if (asks_budgets && !take_from_budgets(budgets, *matches, facts, row, +1, Arrival::direct)) {
    return account_at_once(row, attribution);
  }
  add_to_journal(counted, facts, +1);
  return true;
}

Counters::Standing standing_of(const CounterUse& use) {
  if (use.budget->is_own_uncommitted()) {
    return {private_total(use) + (use.budget->locks_in_statement() ? own_amount(use) : from_journal(use)),
            held_on(use.key()), 0};
  }
  counters().expect_hold(use);
  if (use.budget->period.kind == PeriodKind::rolling) {
    Counters::Standing window;
    for (const CounterUse& day : counters_of_window(use)) {
      const Counters::Standing of_day = counters().stand(day);
      window.spent += of_day.spent + from_journal(day);
      window.held += of_day.held;
    }
    return window;
  }
  Counters::Standing standing = counters().stand(use);
  standing.spent += use.budget->locks_in_statement() ? own_amount(use) : from_journal(use);
  return standing;
}

void forget_held() {
  accounting.held.clear();
}

}  // namespace spend

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
  return occurred_in.has_value() && budget.valid.contains(*occurred_in) &&
         period_of(budget, *occurred_in).start == period_of(budget, entry.bucket).start;
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

void add_own(const CounterKey& key, Atto amount) {
  const int nesting = GetCurrentTransactionNestLevel();
  if (accounting.reject_levels.empty() || accounting.reject_levels.back().nesting < nesting) {
    accounting.reject_levels.push_back({nesting, {}});
  }
  accounting.reject_levels.back().own[key] += amount;
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
      .insert_or_assign(period, totals_from_rows(use, LatestState(table.get(), OwnChanges::ignored)))
      .first->second.of(use.group->hash)
      .amount;
}

/// What is committed of a reject budget's counter, which is this transaction's from here on.
Atto taken_total(const CounterUse& use) {
  return use.budget->is_own_uncommitted() ? private_total(use) : counters().take_row(use);
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
  const std::shared_ptr<const BudgetSet> budgets = budget_set();
  // A row that settles a hold has to have the counters' locks before the clock is read.
  if (budgets->empty() || (!counters().takes_rows() && row.is_null(row.columns().hold_id))) {
    return;
  }
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

/// What a row asks of one reject budget.
struct Asked {
  CounterUse use;
  Atto amount;
  Atto own;  ///< what this transaction's rows before it have added
};

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
  if (decision.verdict == Counters::Verdict::fits && (is_private || counters().has_row(asked.use))) {
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

struct Refusal {
  const Asked* by;
  Counters::Decision decision;
};

/// All budgets admit the row, or none has: what the first ones have reserved is given back before anybody is waited
/// for.
std::optional<Refusal> admit(std::span<const Asked> all) {
  std::optional<Patience> patience;
  for (;;) {
    std::size_t admitted = 0;
    Counters::Decision decision;
    for (; admitted < all.size(); ++admitted) {
      decision = decide(all[admitted]);
      if (decision.verdict != Counters::Verdict::fits) {
        break;
      }
    }
    if (admitted == all.size()) {
      return std::nullopt;
    }
    for (std::size_t i = 0; i < admitted; ++i) {
      if (!all[i].use.budget->is_own_uncommitted()) {
        counters().withdraw(all[i].use, all[i].own);
      }
    }
    if (decision.verdict == Counters::Verdict::exceeds) {
      return Refusal{&all[admitted], decision};
    }
    if (!patience.has_value()) {
      patience.emplace();
    }
    if (!counters().wait_for_others(all[admitted].use, *patience)) {
      return Refusal{&all[admitted], decision};
    }
  }
}

}  // namespace

void account_row(const UsageRow& row, int sign, Arrival arrival) {
  const std::shared_ptr<const BudgetSet> budgets = budget_set();
  const RowFacts facts = facts_of(row);
  Attribution& attribution = attribution_of(row);
  keep_attribution(attribution);
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
    boost::container::small_vector<std::pair<CounterKey, Atto>, 8> movements;
    boost::container::small_vector<Asked, 4> asked;
    for (const BudgetMatch& match : *matches) {
      if (!match.budget->locks_in_statement()) {
        continue;
      }
      const Movement movement = movement_of(*match.budget, facts);
      for (const CounterUse& use : uses_of(match, facts.occurred_at, facts.enforced_at)) {
        if (arrival == Arrival::direct && sign > 0 && may_refuse(use)) {
          if (movement.unpriced && match.budget->denies_unpriced) {
            if (!are_latest(budgets)) {
              return account_row(row, sign, arrival);
            }
            refuse_unpriced(use, facts, row);
          }
          if (movement.amount > 0) {
            asked.push_back({use, movement.amount, own_amount(use)});
          }
        }
        movements.emplace_back(use.key(), sign * movement.amount);
      }
    }
    if (const std::optional<Refusal> refusal = admit({asked.data(), asked.size()})) {
      if (!are_latest(budgets)) {
        return account_row(row, sign, arrival);
      }
      refuse_exceeded(refusal->by->use, refusal->decision, refusal->by->amount, facts, row);
    }
    for (const auto& [key, amount] : movements) {
      add_own(key, amount);
    }
  }
  add_to_journal(counted, facts, sign);
}

bool account_at_once(const UsageRow& row, Attribution& attribution) {
  const bool is_stored = attribution.stored_at != Attribution::absent_level;
  if (!is_stored && !attribution.is_awaited) {
    attribution.is_awaited = attribution.is_expected;
    return false;
  }
  const std::shared_ptr<const BudgetSet> budgets = budget_set();
  Attribution& counted = budgets->empty() ? attribution : budgets->refine(row, attribution);
  if (!budgets->empty()) {
    const auto matches = budgets->matching(counted);
    if (std::any_of(matches->begin(), matches->end(),
                    [](const BudgetMatch& match) { return match.budget->locks_in_statement(); })) {
      return false;
    }
  }
  if (accounting.journal.empty()) {
    accounting.first_budgets = budgets;
  }
  add_to_journal(counted, facts_of(row), +1);
  return true;
}

Standing standing_of(const CounterUse& use) {
  if (use.budget->period.kind == PeriodKind::rolling) {
    Standing window;
    for (const CounterUse& day : counters_of_window(use)) {
      window.spent += counters().total(day) + from_journal(day);
      window.held += held_on(day.key());
    }
    return window;
  }
  Standing standing;
  if (use.budget->locks_in_statement()) {
    standing.spent = taken_total(use) + own_amount(use);
  } else {
    standing.spent =
        (use.budget->is_own_uncommitted() ? private_total(use) : counters().total(use)) + from_journal(use);
  }
  standing.held = held_on(use.key());
  return standing;
}

void forget_held() {
  accounting.held.clear();
}

}  // namespace spend

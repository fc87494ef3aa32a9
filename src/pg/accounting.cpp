#include "pg/accounting.hpp"

#include <boost/container/small_vector.hpp>

#include "pg/alerts.hpp"
#include "pg/attributions.hpp"
#include "pg/holds.hpp"
#include "pg/journal.hpp"
#include "pg/limits.hpp"
#include "pg/own_rows.hpp"
#include "pg/refusal.hpp"
#include "pg/rolling.hpp"
#include "pg/tables.hpp"
#include "pg/values.hpp"

extern "C" {
#include "replication/logicalworker.h"
}

namespace spend {

namespace {

/// State of the running transaction. Everything in it ends with the transaction; at a savepoint's end the callbacks
/// below keep it true.
struct Transaction {
  Journal journal;
  /// The budgets that were known at the first accounted row: for a budget that was not, the reject check looks back
  /// into the journal.
  std::shared_ptr<const BudgetSet> first_budgets;
  /// Own movement of reject counters, per savepoint level.
  struct Level {
    int nesting;
    CounterMap<Atto> own;
  };
  std::vector<Level> reject_levels;
  /// Totals of budgets that this very transaction created, by period: nobody else knows them, so nothing is stored or
  /// locked.
  std::map<CounterKey, GroupTotals> private_totals;
  /// What holds set aside of the reject counters that this transaction has locked: nobody else can add to it, and what
  /// is given back meanwhile is seen before a row is refused.
  CounterMap<Atto> held;
  /// Reject counters that rows of the running command will need, and what keeps the budgets alive that it points into.
  CounterMap<CounterUse> expected;
  std::shared_ptr<const BudgetSet> expected_from;

  void clear() {
    journal.clear();
    first_budgets.reset();
    reject_levels.clear();
    private_totals.clear();
    held.clear();
    expected.clear();
    expected_from.reset();
  }
};

Transaction transaction;

bool was_known_at_first_row(const Budget& budget) {
  return transaction.first_budgets == nullptr || transaction.first_budgets->saw(budget);
}

/// Whether an entry of the journal is a second count of rows that the budget has counted in the same period already.
bool is_counted_already(const Budget& budget, const Journal::Entry& entry) {
  const std::optional<std::int64_t>& occurred_in = entry.attribution->occurred_in;
  return occurred_in.has_value() && budget.valid.contains(*occurred_in) &&
         period_of(budget, *occurred_in).start == period_of(budget, entry.bucket).start;
}

Atto from_journal(const CounterUse& use) {
  CounterDelta total;
  const Budget& budget = *use.budget;
  transaction.journal.for_each([&](const Journal::Entry& entry) {
    const Dimensions& dimensions = entry.attribution->dimensions;
    if (budget.valid.contains(entry.bucket) && period_of(budget, entry.bucket).start == use.period.start &&
        !is_counted_already(budget, entry) && budget.scope.matches(dimensions) &&
        group_key(budget.group_by, dimensions).hash == use.group->hash) {
      total += transaction.journal.delta_of(budget, entry);
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
  for (const Transaction::Level& level : transaction.reject_levels) {
    const auto found = level.own.find(key);
    if (found != level.own.end()) {
      total += found->second;
    }
  }
  return total;
}

void add_own(const CounterKey& key, Atto amount) {
  const int nesting = GetCurrentTransactionNestLevel();
  if (transaction.reject_levels.empty() || transaction.reject_levels.back().nesting < nesting) {
    transaction.reject_levels.push_back({nesting, {}});
  }
  transaction.reject_levels.back().own[key] += amount;
}

/// Whether these are still the budgets after what others have committed while we waited: nobody is refused by a limit
/// that has been raised.
bool are_latest(const std::shared_ptr<const BudgetSet>& budgets) {
  pg_call([] { AcceptInvalidationMessages(); });
  return budget_set() == budgets;
}

/// The committed total that a reject budget's decision starts from.
Atto committed_total(const CounterUse& use) {
  if (!use.budget->is_own_uncommitted()) {
    return counters().reserve(use);
  }
  CounterKey period = use.key();
  period.group = {};
  const auto known = transaction.private_totals.find(period);
  if (known != transaction.private_totals.end() && known->second.complete) {
    return known->second.of(use.group->hash).amount;
  }
  return transaction.private_totals.insert_or_assign(period, totals_from_rows(use))
      .first->second.of(use.group->hash)
      .amount;
}

/// What holds set aside of a counter that is locked.
Atto held_of_locked(const CounterKey& key) {
  const auto known = transaction.held.find(key);
  return known != transaction.held.end() ? known->second : transaction.held.emplace(key, held_on(key)).first->second;
}

/// A period that is over is history: recorded, never refused. What is never refused locks nothing before pre-commit,
/// where it cannot come between the locks of others.
bool may_refuse(const CounterUse& use) {
  return use.period.end > GetCurrentTransactionStartTimestamp();
}

void lock_expected() {
  if (transaction.expected.empty()) {
    return;
  }
  std::vector<std::pair<CounterKey, CounterUse>> in_order(transaction.expected.begin(), transaction.expected.end());
  std::sort(in_order.begin(), in_order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [key, use] : in_order) {
    committed_total(use);
  }
  transaction.expected.clear();
}

}  // namespace

void expect_row(const UsageRow& row, Attribution& attribution) {
  const std::shared_ptr<const BudgetSet> budgets = budget_set();
  if (budgets->empty()) {
    return;
  }
  if (transaction.expected_from != budgets) {
    transaction.expected.clear();
    transaction.expected_from = budgets;
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
        transaction.expected.try_emplace(use.key(), use);
      }
    }
  }
}

namespace {

void add_to_journal(Attribution& counted, const RowFacts& facts, int sign) {
  transaction.journal.add(counted, facts, sign);
  if (facts.enforced_at.has_value()) {
    RowFacts second = facts;
    second.occurred_at = *facts.enforced_at;
    transaction.journal.add(remember_second_count(counted, floor_to_quarter_hour(facts.occurred_at)), second, sign);
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
  if (transaction.journal.empty()) {
    transaction.first_budgets = budgets;
  }
  Attribution& counted = budgets->empty() ? attribution : budgets->refine(row, attribution);
  if (!budgets->empty()) {
    const auto matches = budgets->matching(counted);
    lock_expected();
    boost::container::small_vector<std::pair<CounterKey, Atto>, 8> movements;
    for (const BudgetMatch& match : *matches) {
      if (!match.budget->locks_in_statement()) {
        continue;
      }
      const Movement movement = movement_of(*match.budget, facts);
      for (const CounterUse& use : uses_of(match, facts.occurred_at, facts.enforced_at)) {
        if (arrival == Arrival::direct && sign > 0 && may_refuse(use)) {
          const bool lacks_price = movement.unpriced && match.budget->denies_unpriced;
          const Atto spent = lacks_price ? 0 : committed_total(use) + own_amount(use);
          const Atto room = limit_of(use) - movement.amount - spent;
          Atto held = lacks_price || room < 0 ? 0 : held_of_locked(use.key());
          if (held > room) {
            forget_held();
            held = held_of_locked(use.key());
          }
          if (lacks_price || (movement.amount > 0 && held > room)) {
            if (!are_latest(budgets)) {
              return account_row(row, sign, arrival);
            }
            if (lacks_price) {
              refuse_unpriced(use, facts, row.text(row.columns().pricing_reason));
            }
            refuse_exceeded(use, spent, held, movement.amount);
          }
        }
        movements.emplace_back(use.key(), sign * movement.amount);
      }
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
  if (transaction.journal.empty()) {
    transaction.first_budgets = budgets;
  }
  add_to_journal(counted, facts_of(row), +1);
  return true;
}

namespace {

/// What one stored row moves under these budgets.
std::vector<RowMovement> movements_under(const BudgetSet& budgets, const UsageRow& row) {
  const RowFacts facts = facts_of(row);
  std::vector<RowMovement> movements;
  Attribution& attribution = attribution_of(row);
  std::optional<Attribution> refined = budgets.refined(row, attribution);
  const auto matches = budgets.matching(refined.has_value() ? *refined : attribution);
  for (const BudgetMatch& match : *matches) {
    const Movement movement = movement_of(*match.budget, facts);
    for (CounterUse& use : uses_of(match, facts.occurred_at, facts.enforced_at)) {
      movements.push_back({std::move(use), {movement.amount, 1, movement.unpriced ? 1 : 0}});
    }
  }
  return movements;
}

struct Planned {
  CounterKey key;
  CounterUse use = {};
  CounterDelta delta;
  bool is_read = false;  ///< looked at even if it is not moved
};

void add_planned(CounterMap<Planned>& planned, const CounterUse& use, const CounterDelta& delta) {
  if (use.budget->is_own_uncommitted()) {
    return;
  }
  const auto [place, is_new] = planned.try_emplace(use.key());
  if (is_new) {
    place->second = {use.key(), use, {}};
  }
  place->second.delta += delta;
}

/// What a rolling budget allows is a matter of its whole window: the counters of its other days are looked at, too.
void add_windows(CounterMap<Planned>& planned) {
  std::vector<CounterUse> moved;
  for (const auto& [key, entry] : planned) {
    if (entry.use.budget->period.kind == PeriodKind::rolling && entry.delta.amount != 0) {
      moved.push_back(entry.use);
    }
  }
  for (const CounterUse& day : moved) {
    for (const CounterUse& use : counters_of_window(day)) {
      const auto [place, is_new] = planned.try_emplace(use.key());
      if (is_new) {
        place->second = {use.key(), use, {}};
      }
      place->second.is_read = true;
    }
  }
}

/// Whether a budget by row dimensions has appeared since rows were accounted: what they are is not in the journal then.
bool must_read_rows(const BudgetSet& budgets) {
  bool must = false;
  transaction.journal.for_each(
      [&](const Journal::Entry& entry) { must = must || !budgets.knows_rows_of(*entry.attribution); });
  return must;
}

/// What this transaction's rows move of the budgets by row dimensions, read from the ledger.
void plan_from_rows(const BudgetSet& budgets, CounterMap<Planned>& planned) {
  Period touched{timestamp_max, timestamp_min};
  transaction.journal.for_each([&](const Journal::Entry& entry) {
    touched.start = std::min(touched.start, entry.bucket);
    touched.end = std::max(touched.end, entry.bucket + quarter_hour);
  });
  for_each_own_row(touched, [&](const UsageRow& row, int sign) {
    for (const RowMovement& movement : movements_under(budgets, row)) {
      if (!movement.use.budget->row_dimensions.empty()) {
        add_planned(planned, movement.use, sign > 0 ? movement.delta : -movement.delta);
      }
    }
  });
}

/// Every counter that the journal moves under these budgets, in key order.
std::vector<Planned> plan(const BudgetSet& budgets) {
  CounterMap<Planned> planned;
  const bool reads_rows = must_read_rows(budgets);
  if (reads_rows) {
    plan_from_rows(budgets, planned);
  }
  transaction.journal.for_each([&](const Journal::Entry& entry) {
    const auto matches = budgets.matching(*entry.attribution);
    for (const BudgetMatch& match : *matches) {
      const bool is_planned = reads_rows && !match.budget->row_dimensions.empty();
      if (!is_planned && match.budget->valid.contains(entry.bucket) && !is_counted_already(*match.budget, entry)) {
        add_planned(planned, use_of(match, entry.bucket), transaction.journal.delta_of(*match.budget, entry));
      }
    }
  });
  add_windows(planned);
  std::vector<Planned> in_order;
  in_order.reserve(planned.size());
  for (const auto& [key, entry] : planned) {
    if (!entry.delta.is_zero() || entry.is_read) {
      in_order.push_back(entry);
    }
  }
  std::sort(in_order.begin(), in_order.end(), [](const Planned& a, const Planned& b) { return a.key < b.key; });
  return in_order;
}

void write_counters(AlertWriter::Mode mode) {
  for (;;) {
    pg_call([] { AcceptInvalidationMessages(); });
    const std::shared_ptr<const BudgetSet> budgets = budget_set();
    const std::vector<Planned> planned = plan(*budgets);
    // Reject counters first: who holds one since its statement must not wait for a counter that we have just created.
    for (const Planned& entry : planned) {
      if (entry.use.budget->locks_in_statement()) {
        counters().reserve(entry.use);
      }
    }
    for (const Planned& entry : planned) {
      if (!entry.use.budget->locks_in_statement()) {
        counters().prepare(entry.use);
      }
    }
    const Oid window = table_oid(Table::commit_window);
    pg_call([&] { LockRelationOid(window, RowExclusiveLock); });
    if (budget_set() != budgets) {
      pg_call([&] { UnlockRelationOid(window, RowExclusiveLock); });
      continue;
    }
    AlertWriter alerts(mode);
    WindowSums windows;
    for (const Planned& entry : planned) {
      const std::optional<Counters::State> state = counters().lock(entry.use);
      if (!state.has_value()) {
        continue;
      }
      if (entry.is_read) {
        windows.add(entry.use, state->spent, entry.delta.amount);
      }
      if (!entry.delta.is_zero()) {
        const Atto claimed = alerts.announce_crossings(entry.use, *state, entry.delta);
        counters().store(entry.use, entry.delta, claimed);
      }
    }
    for (const WindowMovement& movement : windows.movements()) {
      alerts.announce_window(movement);
    }
    alerts.finish();
    return;
  }
}

void flush(AlertWriter::Mode mode) {
  // DROP EXTENSION earlier in this transaction took the ledger with it: nothing is left to account.
  if (transaction.journal.empty() || !OidIsValid(table_oid_if_exists(Table::counters)) ||
      !OidIsValid(table_oid_if_exists(Table::budgets))) {
    return;
  }
  // In a loop that commits, the memory of this moment lives as long as the loop.
  const MemoryContext outer = CurrentMemoryContext;
  const MemoryContext context = pg_call([] {
    // Also keeps the row versions that are looked up below from being pruned before they are locked.
    PushActiveSnapshot(GetTransactionSnapshot());
    return AllocSetContextCreate(TopTransactionContext, "pg_spend flush", ALLOCSET_DEFAULT_SIZES);
  });
  // SET TRANSACTION READ ONLY after the rows is no reason to lose them: taking an alert's number would fail.
  const bool was_read_only = XactReadOnly;
  XactReadOnly = false;
  MemoryContextSwitchTo(context);
  write_counters(IsLogicalWorker() ? AlertWriter::Mode::silent : mode);
  MemoryContextSwitchTo(outer);
  XactReadOnly = was_read_only;
  pg_call([&] {
    MemoryContextDelete(context);
    PopActiveSnapshot();
  });
}

void end_transaction() {
  transaction.clear();
  counters().at_end();
  bound_budget_set();
}

void on_transaction_event(XactEvent event, [[maybe_unused]] void* argument) {
  switch (event) {
    case XACT_EVENT_PRE_COMMIT:
      guarded_callback([](void*) { flush(AlertWriter::Mode::announce); }, nullptr);
      break;
    case XACT_EVENT_PRE_PREPARE:
      guarded_callback([](void*) { flush(AlertWriter::Mode::without_notify); }, nullptr);
      break;
    case XACT_EVENT_COMMIT:
      attributions_at_commit();
      end_transaction();
      break;
    case XACT_EVENT_PREPARE:  // whether it will commit is not known here: what it appended is looked up again
    case XACT_EVENT_ABORT:
      attributions_at_abort(1);
      end_transaction();
      break;
    case XACT_EVENT_PARALLEL_COMMIT:
    case XACT_EVENT_PARALLEL_ABORT:
    case XACT_EVENT_PARALLEL_PRE_COMMIT:
      break;
  }
}

void on_subtransaction_event(SubXactEvent event, [[maybe_unused]] SubTransactionId own,
                             [[maybe_unused]] SubTransactionId parent, [[maybe_unused]] void* argument) {
  static int level;
  level = GetCurrentTransactionNestLevel();
  if (event == SUBXACT_EVENT_ABORT_SUB) {
    transaction.journal.at_subabort(level);
    while (!transaction.reject_levels.empty() && transaction.reject_levels.back().nesting >= level) {
      transaction.reject_levels.pop_back();
    }
    transaction.expected.clear();
    transaction.private_totals.clear();  // a budget may be defined in another way next
    transaction.held.clear();            // the locks are gone
    counters().at_subabort(level);
    attributions_at_abort(level);
  } else if (event == SUBXACT_EVENT_COMMIT_SUB) {
    guarded_callback(
        [](void*) {
          transaction.journal.at_subcommit(level);
          if (!transaction.reject_levels.empty() && transaction.reject_levels.back().nesting >= level) {
            Transaction::Level ended = std::move(transaction.reject_levels.back());
            transaction.reject_levels.pop_back();
            if (transaction.reject_levels.empty() || transaction.reject_levels.back().nesting < level - 1) {
              ended.nesting = level - 1;
              transaction.reject_levels.push_back(std::move(ended));
            } else {
              for (const auto& [key, amount] : ended.own) {
                transaction.reject_levels.back().own[key] += amount;
              }
            }
          }
          counters().at_subcommit(level);
          attributions_at_subcommit(level);
        },
        nullptr);
  }
}

}  // namespace

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
    standing.spent = committed_total(use) + own_amount(use);
  } else {
    standing.spent =
        (use.budget->is_own_uncommitted() ? committed_total(use) : counters().total(use)) + from_journal(use);
  }
  standing.held = held_on(use.key());
  return standing;
}

void forget_held() {
  transaction.held.clear();
}

std::vector<RowMovement> movements_of(const UsageRow& row) {
  static std::shared_ptr<const BudgetSet> budgets;  // outlives the pointers handed out
  budgets = budget_set();
  return movements_under(*budgets, row);
}

std::vector<PendingMovement> pending_movements() {
  std::vector<PendingMovement> pending;
  for (const Planned& entry : plan(*budget_set())) {
    if (!entry.delta.is_zero()) {
      pending.push_back({entry.key, entry.delta});
    }
  }
  return pending;
}

void watch_transactions() {
  RegisterXactCallback(on_transaction_event, nullptr);
  RegisterSubXactCallback(on_subtransaction_event, nullptr);
}

}  // namespace spend

// What a transaction has accounted, written down at its end, and the callbacks that follow its savepoints.

#include "pg/accounting.hpp"
#include "pg/accounting_state.hpp"
#include "pg/alerts.hpp"
#include "pg/attributions.hpp"
#include "pg/limits.hpp"
#include "pg/own_rows.hpp"
#include "pg/rolling.hpp"
#include "pg/shared_refusals.hpp"
#include "pg/tables.hpp"

extern "C" {
#include "replication/logicalworker.h"
}

namespace spend {

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

Planned& planned_for(CounterMap<Planned>& planned, const CounterUse& use) {
  const auto [place, is_new] = planned.try_emplace(use.key());
  if (is_new) {
    place->second = {use.key(), use, {}};
  }
  return place->second;
}

void add_planned(CounterMap<Planned>& planned, const CounterUse& use, const CounterDelta& delta) {
  if (!use.budget->is_own_uncommitted()) {
    planned_for(planned, use).delta += delta;
  }
}

/// Where the last entry that had the same answer of the same budgets went: a long journal moves few counters, one entry
/// after the other.
class PlannedLately {
 public:
  /// The delta for rows of that time, or nullptr when it has to be looked up.
  CounterDelta* find(const BudgetMatch& match, Timestamp bucket) const {
    const auto known = places_.find(&match);
    return known != places_.end() && known->second.period.contains(bucket) ? known->second.delta : nullptr;
  }
  /// Hours are looked up each time: two of them overlap where clocks are set back by less than one.
  void remember(const BudgetMatch& match, const Period& period, CounterDelta& delta) {
    if (match.budget->period.kind != PeriodKind::hour) {
      places_.insert_or_assign(&match, PlaceOfPeriod{period, &delta});
    }
  }

 private:
  struct PlaceOfPeriod {
    Period period;
    CounterDelta* delta;
  };
  std::unordered_map<const BudgetMatch*, PlaceOfPeriod> places_;
};

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
  accounting.journal.for_each(
      [&](const Journal::Entry& entry) { must = must || !budgets.knows_rows_of(*entry.attribution); });
  return must;
}

/// What this transaction's rows move of the budgets by row dimensions, read from the ledger.
void plan_from_rows(const BudgetSet& budgets, CounterMap<Planned>& planned) {
  Period touched{timestamp_max, timestamp_min};
  accounting.journal.for_each([&](const Journal::Entry& entry) {
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
  if (budgets.empty()) {
    return {};
  }
  CounterMap<Planned> planned;
  const bool reads_rows = must_read_rows(budgets);
  if (reads_rows) {
    plan_from_rows(budgets, planned);
  }
  PlannedLately lately;
  accounting.journal.for_each([&](const Journal::Entry& entry) {
    const std::vector<BudgetMatch>& matches = *budgets.matching(*entry.attribution);
    for (const BudgetMatch& match : matches) {
      const bool is_planned = reads_rows && !match.budget->row_dimensions.empty();
      if (is_planned || match.budget->is_own_uncommitted() || !match.budget->valid.contains(entry.bucket) ||
          is_counted_already(*match.budget, entry)) {
        continue;
      }
      CounterDelta* delta = lately.find(match, entry.bucket);
      if (delta == nullptr) {
        const CounterUse use = use_of(match, entry.bucket);
        delta = &planned_for(planned, use).delta;
        lately.remember(match, use.period, *delta);
      }
      *delta += accounting.journal.delta_of(*match.budget, entry);
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
    for (const bool in_statement : {true, false}) {
      for (const Planned& entry : planned) {
        if (entry.use.budget->locks_in_statement() == in_statement) {
          counters().prepare(entry.use, entry.delta);
        }
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
      if (entry.delta.is_zero()) {
        if (const std::optional<Counters::State> state = counters().look(entry.use)) {
          windows.add(entry.use, state->spent, 0);
        }
      } else if (const std::optional<Counters::State> before = counters().move(entry.use, entry.delta)) {
        if (entry.is_read) {
          windows.add(entry.use, before->spent, entry.delta.amount);
        }
        alerts.announce_crossings(entry.use, *before, entry.delta);
      }
    }
    for (const WindowMovement& movement : windows.movements()) {
      alerts.announce_window(movement);
    }
    counters().finish_moves();
    alerts.finish();
    return;
  }
}

void flush(AlertWriter::Mode mode) {
  // DROP EXTENSION earlier in this transaction took the ledger with it: nothing is left to account.
  if (accounting.journal.empty() || !OidIsValid(table_oid_if_exists(Table::counters)) ||
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

void end_transaction(TransactionEnd end) {
  counters_at_end(end);
  refusals_at_end(end);
  accounting.clear();
  bound_budget_set();
}

void on_transaction_event(XactEvent event, [[maybe_unused]] void* argument) {
  switch (event) {
    case XACT_EVENT_PRE_COMMIT:
      guarded_callback([](void*) { flush(AlertWriter::Mode::announce); }, nullptr);
      break;
    case XACT_EVENT_PRE_PREPARE:
      guarded_callback(
          [](void*) {
            require_preparable_counters();
            flush(AlertWriter::Mode::without_notify);
          },
          nullptr);
      break;
    case XACT_EVENT_COMMIT:
      attributions_at_commit();
      end_transaction(TransactionEnd::committed);
      break;
    case XACT_EVENT_PREPARE:  // whether it will commit is not known here: what it appended is looked up again
      attributions_at_abort(1);
      end_transaction(TransactionEnd::prepared);
      break;
    case XACT_EVENT_ABORT:
      attributions_at_abort(1);
      end_transaction(TransactionEnd::aborted);
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
    accounting.journal.at_subabort(level);
    while (!accounting.reject_levels.empty() && accounting.reject_levels.back().nesting >= level) {
      accounting.reject_levels.pop_back();
    }
    accounting.expected.clear();
    accounting.private_totals.clear();  // a budget may be defined in another way next
    accounting.held.clear();            // the locks are gone
    counters_at_subabort(level);
    refusals_at_subabort(level);
    attributions_at_abort(level);
  } else if (event == SUBXACT_EVENT_COMMIT_SUB) {
    guarded_callback(
        [](void*) {
          accounting.journal.at_subcommit(level);
          if (!accounting.reject_levels.empty() && accounting.reject_levels.back().nesting >= level) {
            Accounting::Level ended = std::move(accounting.reject_levels.back());
            accounting.reject_levels.pop_back();
            if (accounting.reject_levels.empty() || accounting.reject_levels.back().nesting < level - 1) {
              ended.nesting = level - 1;
              accounting.reject_levels.push_back(std::move(ended));
            } else {
              for (const auto& [key, amount] : ended.own) {
                accounting.reject_levels.back().own[key] += amount;
              }
            }
          }
          counters_at_subcommit(level);
          refusals_at_subcommit(level);
          attributions_at_subcommit(level);
        },
        nullptr);
  }
}

}  // namespace

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

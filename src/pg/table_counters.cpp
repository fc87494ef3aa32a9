#include "pg/table_counters.hpp"

#include "pg/counter_deltas.hpp"
#include "pg/counter_rows.hpp"
#include "pg/holds.hpp"
#include "pg/ledger_sums.hpp"

namespace spend {

/// Makes sure that the counter has a row, loading it from the ledger if it is new.
void TableCounters::make(const CounterUse& use) {
  if (held_.contains(use.key())) {
    return;
  }
  for (;;) {
    {
      const CounterRows rows(RowExclusiveLock);
      if (rows.exists(use.key())) {
        return;
      }
      if (!rows.insert(use.key(), use.period.end, use.group->json, {})) {
        continue;
      }
    }
    Held& held = *hold(use);
    // With movements but no row: whoever should have stored that was rolled back.
    const bool was_moved = held.unfolded.calls != 0 || !held.unfolded.is_zero();
    const CounterDelta row = was_moved ? row_for_moving(use, Source::quickest) : sum_of_unmoved(use, epoch_());
    const Atto amount = row.amount + held.unfolded.amount;
    store(use, held, row, std::max(held.claimed_percent, claimed_by_history(use, amount)));
    return;
  }
}

/// Locks the counter's row. Null when it does not exist.
TableCounters::Held* TableCounters::hold(const CounterUse& use) {
  const auto known = held_.find(use.key());
  if (known != held_.end()) {
    return &known->second;
  }
  const CounterRows rows(RowExclusiveLock);
  HeapTuple locked = rows.lock(use.key());
  if (locked == nullptr) {
    return nullptr;
  }
  const CounterRows::Totals totals = rows.totals_of(locked);
  const UnfoldedTotal unfolded = unfolded_total_of_row(use.key(), all_, epoch_());
  Held held;
  held.version = pg_call([&] {
    const MemoryContext outer = MemoryContextSwitchTo(TopTransactionContext);
    HeapTuple copy = heap_copytuple(locked);
    MemoryContextSwitchTo(outer);
    return copy;
  });
  held.row = totals.sum;
  held.unfolded = unfolded.delta;
  held.claimed_percent = std::max(totals.claimed_percent, unfolded.claimed_percent);
  held.level = GetCurrentTransactionNestLevel();
  order_.push_back(use.key());
  return &held_.emplace(use.key(), held).first->second;
}

const TableCounters::Held& TableCounters::reserve(const CounterUse& use) {
  for (;;) {
    make(use);
    if (const Held* held = hold(use)) {
      return *held;
    }
  }
}

Atto TableCounters::total(const CounterUse& use) {
  const auto known = held_.find(use.key());
  if (known != held_.end()) {
    return known->second.spent();
  }
  {
    const CounterRows rows(AccessShareLock);
    const LatestState state(rows.table().get(), OwnChanges::visible);
    if (const std::optional<CounterRows::Read> row = rows.read(state, use.key())) {
      return row->totals.sum.amount + unfolded_total(state, use.key()).delta.amount;
    }
  }
  return sum_of_unmoved(use, epoch_()).amount;
}

Counters::Standing TableCounters::stand(const CounterUse& use) {
  const Atto spent = use.budget->locks_in_statement() ? reserve(use).spent() : total(use);
  return {spent, held_on(use.key()), 0};
}

Counters::Decision TableCounters::admit(const CounterUse& use, Atto own, Atto asked, Atto limit) {
  Decision decision;
  decision.spent = reserve(use).spent() + own;
  decision.verdict = decision.spent + decision.held + asked > limit ? Verdict::exceeds : Verdict::fits;
  return decision;
}

void TableCounters::prepare(const CounterUse& use, [[maybe_unused]] const CounterDelta& delta) {
  if (use.budget->locks_in_statement()) {
    reserve(use);
  } else {
    make(use);
  }
}

std::optional<Counters::State> TableCounters::move(const CounterUse& use, const CounterDelta& delta) {
  Held* const held = hold(use);
  if (held == nullptr) {
    return std::nullopt;
  }
  State before;
  before.spent = held->spent();
  before.claimed_percent = held->claimed_percent;
  store(use, *held, delta, claimed_after(use, before.claimed_percent, before.spent, delta.amount));
  return before;
}

std::optional<Counters::State> TableCounters::look(const CounterUse& use) {
  const Held* const held = hold(use);
  if (held == nullptr) {
    return std::nullopt;
  }
  State state;
  state.spent = held->spent();
  state.claimed_percent = held->claimed_percent;
  return state;
}

void TableCounters::store(const CounterUse& use, Held& held, const CounterDelta& delta, Atto claimed_percent) {
  CounterRows::Totals totals = {held.row, claimed_percent};
  Atto spent;
  if (__builtin_add_overflow(held.row.amount, delta.amount, &spent) || spent > atto_limit || spent < -atto_limit) {
    raise(Error{ErrorKind::out_of_range,
                "the total of budget \"" + use.budget->name + "\" is out of range",
                "Counters hold 20 integer digits and 18 decimals.",
                {}});
  }
  totals.sum += delta;
  const CounterRows rows(RowExclusiveLock);
  held.version = rows.replace(held.version, totals);
  held.row = totals.sum;
  held.claimed_percent = claimed_percent;
}

void TableCounters::at_subabort(int level) {
  while (!order_.empty()) {
    const auto last = held_.find(order_.back());
    if (last->second.level < level) {
      return;
    }
    heap_freetuple(last->second.version);
    held_.erase(last);
    order_.pop_back();
  }
}

void TableCounters::at_subcommit(int level) {
  for (auto key = order_.rbegin(); key != order_.rend(); ++key) {
    Held& held = held_.find(*key)->second;
    if (held.level < level) {
      return;
    }
    held.level = level - 1;
  }
}

void TableCounters::at_end([[maybe_unused]] TransactionEnd end) {
  held_.clear();
  order_.clear();
}

}  // namespace spend

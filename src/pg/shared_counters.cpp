#include "pg/shared_counters.hpp"

#include <boost/container/small_vector.hpp>

#include "pg/counter_rows.hpp"
#include "pg/limits.hpp"
#include "pg/pending_wait.hpp"

namespace spend {

namespace {

/// Changes whenever counters have been lost sight of that were moved, or that were rows.
std::uint32_t epoch_of_losses() {
  SharedCounters* const shared = shared_counters();
  const Place place = shared == nullptr ? no_place : shared->loaded_ledger();
  return place == no_place ? 0 : shared->table().ledger(place).lost_without_row + shared->table().lost_rows();
}

}  // namespace

SharedCounters::SharedCounters(SharedCounterTable& table) : table_(table), rows_(false, epoch_of_losses) {}

Atto SharedCounters::Own::amount() const {
  Atto total = 0;
  for (const Level& level : levels) {
    total += level.amount;
  }
  return total;
}

SharedKey SharedCounters::shared_key(const CounterKey& key) {
  return {MyDatabaseId, table_oid(Table::usage), key};
}

void SharedCounters::forget_ledger_at_commit() {
  forgotten_ledger_ = table_oid(Table::usage);
}

/// With memory for it first: a reservation that nobody remembers would stay for good.
SharedCounters::Own& SharedCounters::remember(const CounterKey& key) {
  const int level = GetCurrentTransactionNestLevel();
  Own own;
  own.key = key;
  own.levels.push_back({level, 0});
  if (touches_.size() == touches_.capacity()) {
    touches_.reserve(std::max<std::size_t>(touches_.size() * 2, 16));
  }
  Own& remembered = own_.emplace(key, std::move(own)).first->second;
  touches_.push_back({level, &remembered});
  return remembered;
}

SharedCounters::Own& SharedCounters::remember_row(const CounterKey& key) {
  Own& own = remember(key);
  own.is_row = true;
  return own;
}

/// Null when that cannot be before the counter was loaded or made a row.
SharedCounters::Own* SharedCounters::try_attach(const CounterKey& key, SharedCounterTable::Attached* attached) {
  const SharedKey shared = shared_key(key);
  Own& own = remember(key);
  *attached = table_.attach(shared, shared_hash(shared), &own.counter, &own.reservation);
  if (*attached == SharedCounterTable::Attached::yes) {
    return &own;
  }
  if (*attached == SharedCounterTable::Attached::yes_as_row) {
    own.is_row = true;
    wait_for_users(shared, SharedCounterTable::Among::users_of_memory);
    return &own;
  }
  touches_.pop_back();
  own_.erase(key);
  return nullptr;
}

SharedCounters::Own& SharedCounters::attach(const CounterUse& use) {
  const CounterKey key = use.key();
  const auto known = own_.find(key);
  if (known != own_.end()) {
    return known->second;
  }
  if (loaded_ledger() == no_place) {
    return remember_row(key);
  }
  for (;;) {
    SharedCounterTable::Attached attached;
    if (Own* const own = try_attach(key, &attached)) {
      if (!own->is_row) {
        resolve_unseen(*own);
      }
      return *own;
    }
    if (attached != SharedCounterTable::Attached::absent) {
      make_row(key);
      return remember_row(key);
    }
    load(use);
  }
}

/// Books the amount to the current savepoint level.
void SharedCounters::note_amount(Own& own, Atto amount) {
  const Atto change = amount - own.amount();
  if (change == 0) {
    return;
  }
  const int level = GetCurrentTransactionNestLevel();
  if (own.levels.back().level < level) {
    own.levels.push_back({level, 0});
    touches_.push_back({level, &own});
  }
  own.levels.back().amount += change;
}

void SharedCounters::set_amount(Own& own, Atto amount) {
  note_amount(own, amount);
  table_.set_amount(own.reservation, amount);
}

Atto SharedCounters::total(const CounterUse& use) {
  const Own& own = attach(use);
  return own.is_row ? rows_.total(use) : table_.total(own.counter);
}

void SharedCounters::take(const CounterUse& use) {
  if (attach(use).is_row) {
    rows_.take(use);
  }
}

Counters::Decision SharedCounters::admit(const CounterUse& use, Atto own_amount, Atto asked, Atto limit) {
  Own& own = attach(use);
  if (own.is_row) {
    return rows_.admit(use, own_amount, asked, limit);
  }
  for (bool resolved = false;; resolved = true) {
    Decision decision;
    CounterView view = {};
    // The level gets its entry before the reservation grows: what is not booked would not be given back.
    const Atto before = own.amount();
    note_amount(own, own_amount + asked);
    const SharedCounterTable::Verdict verdict =
        table_.admit(own.reservation, own_amount + asked, limit, GetCurrentTimestamp(), &view);
    decision.spent = view.committed + own_amount;
    decision.held = view.held;
    decision.pending = view.others;
    if (verdict == SharedCounterTable::Verdict::fits) {
      return decision;
    }
    note_amount(own, before);
    decision.verdict = verdict == SharedCounterTable::Verdict::exceeds ? Verdict::exceeds : Verdict::others_in_the_way;
    if (resolved) {
      return decision;
    }
    resolve_in_doubt(own.counter);
  }
}

void SharedCounters::set_own(const CounterUse& use, Atto own_amount) {
  Own& own = attach(use);
  if (!own.is_row) {
    set_amount(own, own_amount);
  }
}

bool SharedCounters::wait_for_others(const CounterUse& use, Patience& patience) {
  const SharedKey shared = shared_key(use.key());
  const std::optional<SharedCounterTable::Owner> owner =
      table_.owner_of(shared, shared_hash(shared), SharedCounterTable::Among::in_the_way);
  return !owner.has_value() || patience.wait(*owner);
}

void SharedCounters::prepare(const CounterUse& use, const CounterDelta& delta) {
  Own& own = attach(use);
  if (own.is_row) {
    rows_.prepare(use, delta);
    return;
  }
  resolve_in_doubt(own.counter);
  set_amount(own, delta.amount);
  CounterRows::Totals row;
  if (table_.begin_storing(own.reservation, &row.sum, &row.claimed_percent)) {
    const CounterRows rows(RowExclusiveLock);
    (void)rows.insert(use.key(), use.period.end, use.group->json, row);
  }
}

std::optional<Counters::State> SharedCounters::move(const CounterUse& use, const CounterDelta& delta) {
  Own& own = attach(use);
  if (own.is_row) {
    return rows_.move(use, delta);
  }
  note_amount(own, delta.amount);
  boost::container::small_vector<SharedCounterTable::Step, 8> steps;
  if (delta.amount > 0 && use.period.end > GetCurrentTransactionStartTimestamp() &&
      use.budget->period.kind != PeriodKind::rolling) {
    const Atto limit = limit_of(use);
    for (const Atto percent : use.budget->thresholds) {
      steps.push_back({percent, share_of(limit, percent)});
    }
  }
  moved_groups_.push_back(use.group);
  moved_.push_back({use.key(), use.period.end, use.group->json, delta, 0});
  const SharedCounterTable::Commit commit =
      table_.begin_commit(own.reservation, delta.amount, {steps.data(), steps.size()});
  moved_.back().claimed_percent = commit.claimed_after;
  State before;
  before.spent = commit.before;
  before.claimed_percent = commit.claimed_before;
  before.is_being_announced = commit.others_are_claiming;
  return before;
}

std::optional<Counters::State> SharedCounters::look(const CounterUse& use) {
  const Own& own = attach(use);
  if (own.is_row) {
    return rows_.look(use);
  }
  State state;
  state.spent = table_.total(own.counter);
  return state;
}

void SharedCounters::finish_moves() {
  append_counter_deltas(moved_);
  moved_.clear();
  moved_groups_.clear();
  for (auto& [key, own] : own_) {
    // Reserved for a budget that has been deleted since, or whose rows were.
    if (!own.is_row && !table_.reservation(own.reservation).is_committing) {
      set_amount(own, 0);
    }
  }
}

void SharedCounters::end_own(Own& own, bool committed) {
  if (own.spare_hold != no_place) {
    table_.give_back_hold_place(own.spare_hold);
  }
  if (own.reservation != no_place) {
    table_.settle(own.reservation, committed);
  }
}

void SharedCounters::at_subabort(int level) {
  rows_.at_subabort(level);
  undo_holds(level);
  while (!touches_.empty() && touches_.back().level >= level) {
    Own& own = *touches_.back().own;
    touches_.pop_back();
    own.levels.pop_back();
    if (own.levels.empty()) {
      end_own(own, false);
      own_.erase(own_.find(own.key));
    } else if (own.reservation != no_place) {
      table_.set_amount(own.reservation, own.amount());
    }
  }
}

void SharedCounters::at_subcommit(int level) {
  rows_.at_subcommit(level);
  lift_holds(level);
  std::size_t first = touches_.size();
  while (first > 0 && touches_[first - 1].level >= level) {
    --first;
  }
  std::size_t kept = first;
  for (std::size_t i = first; i < touches_.size(); ++i) {
    Own& own = *touches_[i].own;
    const std::size_t count = own.levels.size();
    if (count > 1 && own.levels[count - 2].level == level - 1) {
      own.levels[count - 2].amount += own.levels[count - 1].amount;
      own.levels.pop_back();
    } else {
      own.levels.back().level = level - 1;
      touches_[kept++] = {level - 1, &own};
    }
  }
  touches_.resize(kept);
}

/// Memory is told of changes by hand when their transaction commits; COMMIT PREPARED is of a session that knows of
/// none.
void SharedCounters::require_preparable() const {
  const bool are_holds = forgets_holds_ || !hold_corrections_.empty();
  if (!are_holds && forgotten_rows_.empty() && !forgotten_ledger_.has_value()) {
    return;
  }
  raise(
      ERRCODE_FEATURE_NOT_SUPPORTED,
      std::string("cannot PREPARE a transaction that has changed ") +
          (are_holds ? "spend.hold_amounts" : "spend.counters") + " by other means than the ledger's",
      "Counters in shared memory are told of such a change when its transaction commits, which COMMIT PREPARED cannot "
      "do.",
      "End it with COMMIT.");
}

void SharedCounters::at_end(TransactionEnd end) {
  rows_.at_end(end);
  const TransactionId xid = end == TransactionEnd::prepared ? GetTopTransactionIdIfAny() : InvalidTransactionId;
  for (auto& [key, own] : own_) {
    if (end == TransactionEnd::prepared && own.reservation != no_place && TransactionIdIsValid(xid)) {
      table_.leave_in_doubt(own.reservation, xid);
      if (own.spare_hold != no_place) {
        table_.give_back_hold_place(own.spare_hold);
      }
    } else {
      end_own(own, end == TransactionEnd::committed);
    }
  }
  own_.clear();
  touches_.clear();
  end_holds(end);
  moved_.clear();
  moved_groups_.clear();
  for (const SharedKey& key : closed_) {
    table_.set_closed(key, shared_hash(key), false);
  }
  closed_.clear();
  if (end == TransactionEnd::committed) {
    for (const SharedKey& key : forgotten_rows_) {
      table_.forget_row(key, shared_hash(key));
    }
    if (forgotten_ledger_.has_value()) {
      table_.forget_ledger(MyDatabaseId, *forgotten_ledger_);
    }
    if (folded_of_lost_.has_value()) {
      table_.ledger(ledger_).folded_of_lost = *folded_of_lost_;
    }
  }
  forgotten_rows_.clear();
  forgotten_ledger_.reset();
  folded_of_lost_.reset();
}

}  // namespace spend

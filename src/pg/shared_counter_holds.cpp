#include "pg/shared_counters.hpp"
#include "pg/tables.hpp"

// What a transaction does with holds on counters in shared memory.

namespace spend {

/// Others are out before the row is locked. What this transaction has reserved before stays reserved: whoever comes
/// waits for that, also if a savepoint takes the row's lock with it.
void SharedCounters::keep_row(Own& own) {
  const Reservation& reservation = table_.reservation(own.reservation);
  const bool is_of_nothing = own.amount() == 0 && reservation.created == no_place && reservation.resolves == no_place;
  table_.keep_row(own.counter, is_of_nothing ? own.reservation : no_place);
  wait_for_users(shared_key(own.key), SharedCounterTable::Among::users_of_memory);
  own.is_row = true;
}

void SharedCounters::expect_hold(const CounterUse& use) {
  Own& own = attach(use);
  if (own.is_row || own.spare_hold != no_place) {
    return;
  }
  own.spare_hold = table_.take_hold_place(own.counter, GetCurrentTimestamp());
  if (own.spare_hold == no_place) {
    keep_row(own);
  }
}

Counters::Standing SharedCounters::stand(const CounterUse& use) {
  Own& own = attach(use);
  if (own.is_row) {
    return rows_.stand(use);
  }
  resolve_in_doubt(own.counter);
  const CounterView view = table_.look(own.reservation, GetCurrentTimestamp());
  return {view.committed, view.held, view.others};
}

/// With memory for it first, as in remember().
void SharedCounters::note_hold(Place hold, bool was_taken) {
  hold_events_.push_back({GetCurrentTransactionNestLevel(), hold, was_taken});
}

void SharedCounters::hold(const CounterUse& use, const LiveHold& what, Atto taken) {
  Own& own = attach(use);
  if (own.is_row) {
    return;
  }
  const Place place = own.spare_hold;
  note_hold(place, true);
  own.spare_hold = no_place;
  note_amount(own, own.amount() - taken);
  table_.add_hold(own.reservation, place, what, own.amount());
}

void SharedCounters::resolve_hold(const CounterKey& key, std::int64_t hold_id, Timestamp expires_at) {
  if (const Own* const own = attach_if_loaded(key)) {
    resolve_loaded(*own, hold_id, expires_at);
  } else {
    unseen_.push_back({GetCurrentTransactionNestLevel(), shared_key(key), {hold_id, 0, expires_at}, false});
  }
}

void SharedCounters::resolve_loaded(const Own& own, std::int64_t hold_id, Timestamp expires_at) {
  resolve_in_doubt(own.counter);
  hold_events_.reserve(hold_events_.size() + 1);
  const Place place = table_.resolve_hold(own.reservation, hold_id, expires_at, GetCurrentTimestamp());
  if (place != no_place) {
    note_hold(place, false);
  }
}

/// This transaction has loaded the counter, as it was before it.
void SharedCounters::resolve_unseen(const Own& own) {
  for (const HoldChange& change : unseen_) {
    if (change.key.counter == own.key) {
      resolve_loaded(own, change.hold.hold_id, change.hold.expires_at);
    }
  }
}

void SharedCounters::correct_hold_at_commit(const CounterKey& key, const LiveHold& hold, bool is_there) {
  hold_corrections_.push_back({GetCurrentTransactionNestLevel(), shared_key(key), hold, is_there});
}

void SharedCounters::undo_holds(int level) {
  while (!hold_events_.empty() && hold_events_.back().level >= level) {
    const HoldEvent event = hold_events_.back();
    hold_events_.pop_back();
    if (event.was_taken) {
      table_.take_hold_back(event.hold);
    } else {
      table_.unresolve_hold(event.hold);
    }
  }
  for (std::vector<HoldChange>* const changes : {&hold_corrections_, &unseen_}) {
    while (!changes->empty() && changes->back().level >= level) {
      changes->pop_back();
    }
  }
}

void SharedCounters::lift_holds(int level) {
  for (auto event = hold_events_.rbegin(); event != hold_events_.rend() && event->level >= level; ++event) {
    event->level = level - 1;
  }
  for (std::vector<HoldChange>* const changes : {&hold_corrections_, &unseen_}) {
    for (auto entry = changes->rbegin(); entry != changes->rend() && entry->level >= level; ++entry) {
      entry->level = level - 1;
    }
  }
}

/// The reservations have ended, and their holds with them.
void SharedCounters::end_holds(TransactionEnd end) {
  hold_events_.clear();
  if (end == TransactionEnd::committed) {
    if (forgets_holds_) {
      table_.forget_holds(MyDatabaseId, table_oid(Table::usage));
    }
    for (const HoldChange& entry : hold_corrections_) {
      table_.correct_hold(entry.key, shared_hash(entry.key), entry.hold, entry.is_there);
    }
  }
  hold_corrections_.clear();
  unseen_.clear();
  forgets_holds_ = false;
}

}  // namespace spend

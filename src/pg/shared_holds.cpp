#include "pg/shared_counter_locks.hpp"

// What holds set aside of the counters in memory.

namespace spend {

Place SharedCounterTable::pop_free_hold() {
  SpinLockAcquire(&free_mutex_);
  const Place place = free_hold_;
  if (place != no_place) {
    free_hold_ = all_holds()[place].next;
    ++used_holds_;
  }
  SpinLockRelease(&free_mutex_);
  return place;
}

void SharedCounterTable::give_back_hold_place(Place hold) {
  SpinLockAcquire(&free_mutex_);
  all_holds()[hold].counter = no_place;
  all_holds()[hold].next = free_hold_;
  free_hold_ = hold;
  --used_holds_;
  SpinLockRelease(&free_mutex_);
}

Place SharedCounterTable::take_hold_place(Place counter, Timestamp now) {
  {
    const LineLock locked(counters()[counter]);
    drop_expired(counters()[counter], now);
    if (counters()[counter].hold_count >= most_holds) {
      return no_place;
    }
  }
  Place place = pop_free_hold();
  // Holds whose time is over stay where nobody looks.
  for (Place i = 0; i < counter_count_ && place == no_place; ++i) {
    {
      const LineLock locked(counters()[i]);
      drop_expired(counters()[i], now);
    }
    place = pop_free_hold();
  }
  return place;
}

/// The line is locked, as in all of the following that take it. The hold is one of a committed transaction.
void SharedCounterTable::link_hold(SharedCounter& counter, Place counter_place, Place place, const LiveHold& what) {
  SharedHold& hold = all_holds()[place];
  hold = {counter_place, counter.holds, no_place,     no_place,        no_place,
          no_place,      no_place,      what.hold_id, what.expires_at, what.amount};
  if (hold.next != no_place) {
    all_holds()[hold.next].previous = place;
  }
  counter.holds = place;
  ++counter.hold_count;
  counter.held = saturating_sum(counter.held, what.amount);
  counter.next_expiry = std::min(counter.next_expiry, what.expires_at);
}

/// Its amount is no part of the sums any more.
void SharedCounterTable::drop_hold(SharedCounter& counter, Place place) {
  const SharedHold& hold = all_holds()[place];
  (hold.previous == no_place ? counter.holds : all_holds()[hold.previous].next) = hold.next;
  if (hold.next != no_place) {
    all_holds()[hold.next].previous = hold.previous;
  }
  --counter.hold_count;
  give_back_hold_place(place);
}

/// A hold that is being settled is left: whether that came in time is for its transaction to say, and it is waited for.
void SharedCounterTable::drop_expired(SharedCounter& counter, Timestamp now) {
  if (counter.next_expiry > now) {
    return;
  }
  counter.next_expiry = timestamp_max;
  for (Place place = counter.holds; place != no_place;) {
    const SharedHold& hold = all_holds()[place];
    const Place next = hold.next;
    if (hold.creator == no_place && hold.resolver == no_place) {
      if (hold.expires_at <= now) {
        counter.held -= hold.amount;
        drop_hold(counter, place);
      } else {
        counter.next_expiry = std::min(counter.next_expiry, hold.expires_at);
      }
    }
    place = next;
  }
}

void SharedCounterTable::drop_all_holds(SharedCounter& counter) {
  const LineLock locked(counter);
  while (counter.holds != no_place) {
    drop_hold(counter, counter.holds);
  }
  counter.held = 0;
  counter.resolving = 0;
  counter.next_expiry = timestamp_max;
}

void SharedCounterTable::add_hold(Place reservation, Place hold, const LiveHold& what, Atto amount) {
  Reservation& own = all_reservations()[reservation];
  SharedCounter& line = counters()[own.counter];
  const LineLock locked(line);
  const ReservationChange change(line, own);
  link_hold(line, own.counter, hold, what);
  line.held -= what.amount;
  all_holds()[hold].creator = reservation;
  all_holds()[hold].next_created = own.created;
  own.created = hold;
  own.holding = saturating_sum(own.holding, what.amount);
  own.amount = amount;
}

void SharedCounterTable::unchain(Place* first, Place SharedHold::*next, Place hold) {
  while (*first != hold) {
    first = &(all_holds()[*first].*next);
  }
  *first = all_holds()[hold].*next;
}

void SharedCounterTable::take_hold_back(Place hold) {
  Reservation& own = all_reservations()[all_holds()[hold].creator];
  SharedCounter& line = counters()[own.counter];
  const LineLock locked(line);
  const ReservationChange change(line, own);
  own.holding -= all_holds()[hold].amount;
  unchain(&own.created, &SharedHold::next_created, hold);
  drop_hold(line, hold);
}

Place SharedCounterTable::resolve_hold(Place reservation, std::int64_t hold_id, Timestamp now) {
  Reservation& own = all_reservations()[reservation];
  SharedCounter& line = counters()[own.counter];
  const LineLock locked(line);
  drop_expired(line, now);
  Place place = line.holds;
  while (place != no_place && all_holds()[place].hold_id != hold_id) {
    place = all_holds()[place].next;
  }
  if (place == no_place || all_holds()[place].resolver != no_place) {
    return no_place;
  }
  SharedHold& hold = all_holds()[place];
  const ReservationChange change(line, own);
  hold.resolver = reservation;
  hold.next_resolved = own.resolves;
  own.resolves = place;
  if (hold.creator == no_place) {
    own.resolving = saturating_sum(own.resolving, hold.amount);
    line.resolving = saturating_sum(line.resolving, hold.amount);
  } else {
    own.holding -= hold.amount;
  }
  return place;
}

void SharedCounterTable::unresolve_hold(Place place) {
  SharedHold& hold = all_holds()[place];
  Reservation& own = all_reservations()[hold.resolver];
  SharedCounter& line = counters()[own.counter];
  const LineLock locked(line);
  const ReservationChange change(line, own);
  unchain(&own.resolves, &SharedHold::next_resolved, place);
  hold.resolver = no_place;
  if (hold.creator == no_place) {
    own.resolving -= hold.amount;
    line.resolving -= hold.amount;
    line.next_expiry = std::min(line.next_expiry, hold.expires_at);
  } else {
    own.holding = saturating_sum(own.holding, hold.amount);
  }
}

/// The end of a reservation for its holds; nobody looks at its sums any more.
void SharedCounterTable::end_holds(SharedCounter& counter, Place reservation, bool committed) {
  Reservation& own = all_reservations()[reservation];
  for (Place place = own.resolves; place != no_place;) {
    SharedHold& hold = all_holds()[place];
    const Place next = hold.next_resolved;
    if (hold.creator == no_place) {
      counter.resolving -= hold.amount;
      hold.resolver = no_place;
      if (committed) {
        counter.held -= hold.amount;
        drop_hold(counter, place);
      } else {
        counter.next_expiry = std::min(counter.next_expiry, hold.expires_at);
      }
    }
    place = next;
  }
  for (Place place = own.created; place != no_place;) {
    SharedHold& hold = all_holds()[place];
    const Place next = hold.next_created;
    hold.creator = no_place;
    if (committed && hold.resolver == no_place) {
      counter.held = saturating_sum(counter.held, hold.amount);
      counter.next_expiry = std::min(counter.next_expiry, hold.expires_at);
    } else {
      drop_hold(counter, place);
    }
    place = next;
  }
}

void SharedCounterTable::correct_hold(const SharedKey& key, std::uint64_t hash, std::int64_t hold_id,
                                      const std::optional<LiveHold>& now) {
  LWLock* const lock = partition(hash);
  LWLockAcquire(lock, LW_SHARED);
  if (const Place found = find(key, hash); found != no_place) {
    SharedCounter& line = counters()[found];
    const LineLock locked(line);
    ++line.version;
    Place place = line.holds;
    while (place != no_place && all_holds()[place].hold_id != hold_id) {
      place = all_holds()[place].next;
    }
    if (place != no_place && all_holds()[place].creator == no_place && all_holds()[place].resolver == no_place) {
      line.held -= all_holds()[place].amount;
      drop_hold(line, place);
      place = no_place;
    }
    if (place == no_place && now.has_value()) {
      if (const Place fresh = pop_free_hold(); fresh != no_place) {
        link_hold(line, found, fresh, *now);
      }
    }
  }
  LWLockRelease(lock);
}

void SharedCounterTable::forget_holds(Oid database, Oid ledger) {
  for (Place i = 0; i < counter_count_; ++i) {
    SharedCounter& line = counters()[i];
    const LineLock locked(line);
    if (!line.is_used || line.key.database != database || line.key.ledger != ledger) {
      continue;
    }
    ++line.version;
    for (Place place = line.holds; place != no_place;) {
      const SharedHold& hold = all_holds()[place];
      const Place next = hold.next;
      if (hold.creator == no_place && hold.resolver == no_place) {
        line.held -= hold.amount;
        drop_hold(line, place);
      }
      place = next;
    }
  }
}

}  // namespace spend

#include "pg/shared_counter_locks.hpp"

extern "C" {
#include "common/pg_prng.h"
}

// What holds set aside of the counters in memory.

namespace spend {

Place SharedCounterTable::pop_free_hold() {
  SpinLockAcquire(&free_mutex_);
  const Place place = free_hold_;
  if (place != no_place) {
    free_hold_ = all_holds()[place].links.left;
    ++used_holds_;
  }
  SpinLockRelease(&free_mutex_);
  return place;
}

void SharedCounterTable::give_back_hold_place(Place hold) {
  SpinLockAcquire(&free_mutex_);
  all_holds()[hold].counter = no_place;
  all_holds()[hold].links.left = free_hold_;
  free_hold_ = hold;
  --used_holds_;
  SpinLockRelease(&free_mutex_);
}

Place SharedCounterTable::take_hold_place(Place counter, Timestamp now) {
  {
    const CurrentLine locked(*this, counters()[counter], now);
    if (counters()[counter].hold_count >= most_holds) {
      return no_place;
    }
  }
  Place place = pop_free_hold();
  // Holds whose time is over stay where nobody looks.
  for (Place i = 0; i < counter_count_ && place == no_place; ++i) {
    { const CurrentLine locked(*this, counters()[i], now); }
    place = pop_free_hold();
  }
  return place;
}

/// The line is locked, as in all of the following that take it. The hold is on the counter, and in none of its sums.
void SharedCounterTable::fill_hold(SharedCounter& counter, Place counter_place, Place place, const LiveHold& what) {
  all_holds()[place] = {counter_place, {no_place, no_place, 0}, no_place,   no_place, no_place, no_place,
                        what.hold_id,  what.expires_at,         what.amount};
  ++counter.hold_count;
}

/// It is one of a committed transaction, and nobody resolves it.
void SharedCounterTable::add_live(SharedCounter& counter, Place place) {
  holds_of(counter).insert(place, pg_prng_uint32(&pg_global_prng_state));
  counter.next_expiry = std::min(counter.next_expiry, all_holds()[place].expires_at);
}

void SharedCounterTable::take_out(SharedCounter& counter, Place place) {
  holds_of(counter).erase(place);
}

/// It is in no tree and no sum any more.
void SharedCounterTable::free_hold(SharedCounter& counter, Place place) {
  --counter.hold_count;
  give_back_hold_place(place);
}

/// Whether nothing on the counter is over now. A hold that is being settled is left: whether that came in time is for
/// its transaction to say, and it is waited for.
bool SharedCounterTable::drop_expired(SharedCounter& counter, Timestamp now) {
  for (int dropped = 0; counter.next_expiry <= now; ++dropped) {
    const Place first = holds_of(counter).first();
    if (first == no_place || all_holds()[first].expires_at > now) {
      counter.next_expiry = first == no_place ? timestamp_max : all_holds()[first].expires_at;
      return true;
    }
    if (dropped == most_at_once) {
      return false;
    }
    counter.held -= all_holds()[first].amount;
    take_out(counter, first);
    free_hold(counter, first);
  }
  return true;
}

/// Drops holds that nobody resolves, whatever their time; whether none is left.
bool SharedCounterTable::drop_some_holds(SharedCounter& counter) {
  for (int dropped = 0; counter.holds != no_place; ++dropped) {
    if (dropped == most_at_once) {
      return false;
    }
    const Place place = counter.holds;
    counter.held -= all_holds()[place].amount;
    take_out(counter, place);
    free_hold(counter, place);
  }
  return true;
}

/// Of a counter without reservations.
void SharedCounterTable::drop_all_holds(SharedCounter& counter) {
  for (bool is_empty = false; !is_empty;) {
    const LineLock locked(counter);
    is_empty = drop_some_holds(counter);
  }
}

void SharedCounterTable::add_hold(Place reservation, Place hold, const LiveHold& what, Atto amount) {
  Reservation& own = all_reservations()[reservation];
  SharedCounter& line = counters()[own.counter];
  const LineLock locked(line);
  const ReservationChange change(line, own);
  fill_hold(line, own.counter, hold, what);
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

/// Savepoints take back what came last first, so it is the first of its chain.
void SharedCounterTable::take_hold_back(Place hold) {
  Reservation& own = all_reservations()[all_holds()[hold].creator];
  SharedCounter& line = counters()[own.counter];
  const LineLock locked(line);
  const ReservationChange change(line, own);
  own.holding -= all_holds()[hold].amount;
  unchain(&own.created, &SharedHold::next_created, hold);
  free_hold(line, hold);
}

Place SharedCounterTable::resolve_hold(Place reservation, std::int64_t hold_id, Timestamp expires_at, Timestamp now) {
  Reservation& own = all_reservations()[reservation];
  SharedCounter& line = counters()[own.counter];
  // What this transaction has taken itself: nobody else touches that, so it is looked through without a lock.
  Place created = own.created;
  while (created != no_place && all_holds()[created].hold_id != hold_id) {
    created = all_holds()[created].next_created;
  }
  if (created != no_place && all_holds()[created].resolver != no_place) {
    return no_place;
  }
  const CurrentLine locked(*this, line, now);
  const Place place = created != no_place ? created : holds_of(line).find(std::pair(expires_at, hold_id));
  if (place == no_place) {
    return no_place;
  }
  SharedHold& hold = all_holds()[place];
  const ReservationChange change(line, own);
  if (hold.creator == no_place) {
    take_out(line, place);
    own.resolving = saturating_sum(own.resolving, hold.amount);
    line.resolving = saturating_sum(line.resolving, hold.amount);
  } else {
    own.holding -= hold.amount;
  }
  hold.resolver = reservation;
  hold.next_resolved = own.resolves;
  own.resolves = place;
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
    add_live(line, place);
  } else {
    own.holding = saturating_sum(own.holding, hold.amount);
  }
}

/// The end of a reservation for its holds, some at a time; whether all have ended. Between two times the sums are those
/// of a transaction that has fewer of them, and its amount stays reserved: others see no room that is not there.
bool SharedCounterTable::end_some_holds(SharedCounter& counter, Reservation& own, bool committed) {
  const ReservationChange change(counter, own);
  int ended = 0;
  for (; own.resolves != no_place && ended < most_at_once; ++ended) {
    const Place place = own.resolves;
    SharedHold& hold = all_holds()[place];
    own.resolves = hold.next_resolved;
    if (hold.creator == no_place) {
      own.resolving -= hold.amount;
      counter.resolving -= hold.amount;
      hold.resolver = no_place;
      if (committed) {
        counter.held -= hold.amount;
        free_hold(counter, place);
      } else {
        add_live(counter, place);
      }
    }
  }
  for (; own.resolves == no_place && own.created != no_place && ended < most_at_once; ++ended) {
    const Place place = own.created;
    SharedHold& hold = all_holds()[place];
    own.created = hold.next_created;
    hold.creator = no_place;
    const bool is_resolved = hold.resolver != no_place;
    own.holding -= is_resolved ? 0 : hold.amount;
    if (committed && !is_resolved) {
      counter.held = saturating_sum(counter.held, hold.amount);
      add_live(counter, place);
    } else {
      free_hold(counter, place);
    }
  }
  return own.resolves == no_place && own.created == no_place;
}

void SharedCounterTable::correct_hold(const SharedKey& key, std::uint64_t hash, const LiveHold& hold, bool is_there) {
  LWLock* const lock = partition(hash);
  LWLockAcquire(lock, LW_SHARED);
  if (const Place found = find(key, hash); found != no_place) {
    SharedCounter& line = counters()[found];
    const LineLock locked(line);
    ++line.version;
    if (const Place known = holds_of(line).find(std::pair(hold.expires_at, hold.hold_id)); known != no_place) {
      line.held -= all_holds()[known].amount;
      take_out(line, known);
      free_hold(line, known);
    }
    const Place fresh = is_there ? pop_free_hold() : no_place;
    if (fresh != no_place) {
      fill_hold(line, found, fresh, hold);
      line.held = saturating_sum(line.held, hold.amount);
      add_live(line, fresh);
    }
  }
  LWLockRelease(lock);
}

void SharedCounterTable::forget_holds(Oid database, Oid ledger) {
  for (Place i = 0; i < counter_count_; ++i) {
    SharedCounter& line = counters()[i];
    for (bool is_done = false; !is_done;) {
      const LineLock locked(line);
      const bool is_meant = line.is_used && line.key.database == database && line.key.ledger == ledger;
      is_done = !is_meant || drop_some_holds(line);
      line.version += is_meant ? 1 : 0;
    }
  }
}

}  // namespace spend

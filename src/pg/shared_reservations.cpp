#include "pg/shared_counter_locks.hpp"

// What a transaction does with a counter, from its first movement to its end.

namespace spend {

Place SharedCounterTable::take_reservation() {
  SpinLockAcquire(&free_mutex_);
  const Place place = free_reservation_;
  if (place != no_place) {
    free_reservation_ = all_reservations()[place].next;
    ++used_reservations_;
  }
  SpinLockRelease(&free_mutex_);
  return place;
}

void SharedCounterTable::give_back_reservation(Place place) {
  SpinLockAcquire(&free_mutex_);
  all_reservations()[place].next = free_reservation_;
  free_reservation_ = place;
  --used_reservations_;
  SpinLockRelease(&free_mutex_);
}

/// The line is locked.
void SharedCounterTable::link_reservation(SharedCounter& counter, Place counter_place, Place place) {
  Reservation& entry = all_reservations()[place];
  entry.counter = counter_place;
  entry.previous = no_place;
  entry.next = counter.reservations;
  if (entry.next != no_place) {
    all_reservations()[entry.next].previous = place;
  }
  counter.reservations = place;
}

SharedCounterTable::Attached SharedCounterTable::attach(const SharedKey& key, std::uint64_t hash, Place* counter,
                                                        Place* reservation) {
  const Place place = take_reservation();
  LWLock* const lock = partition(hash);
  LWLockAcquire(lock, LW_SHARED);
  Attached result = Attached::absent;
  if (is_row(hash)) {
    result = Attached::is_row;
  } else if (place == no_place) {
    result = Attached::no_room;
  } else if (const Place found = find(key, hash); found != no_place) {
    SharedCounter& line = counters()[found];
    const LineLock locked(line);
    if (!line.is_closed) {
      all_reservations()[place] = Reservation{};
      all_reservations()[place].owner = own_virtual_xid();
      link_reservation(line, found, place);
      line.was_used_lately = true;
      ++line.version;
      *counter = found;
      *reservation = place;
      all_reservations()[place].uses_row = line.keeps_row;
      result = line.keeps_row ? Attached::yes_as_row : Attached::yes;
    }
  }
  LWLockRelease(lock);
  if (result != Attached::yes && result != Attached::yes_as_row && place != no_place) {
    give_back_reservation(place);
  }
  return result;
}

/// The line is locked, and current.
CounterView SharedCounterTable::view_of(const SharedCounter& counter, const Reservation& own) {
  return {counter.committed, saturating_sum(counter.held - counter.resolving, own.holding),
          counter.reserved - pending_of(own)};
}

CounterView SharedCounterTable::look(Place reservation, Timestamp now) {
  const Reservation& own = all_reservations()[reservation];
  SharedCounter& line = counters()[own.counter];
  const CurrentLine locked(*this, line, now);
  return view_of(line, own);
}

SharedCounterTable::Verdict SharedCounterTable::admit(Place reservation, Atto amount, Atto limit, Timestamp now,
                                                      CounterView* view) {
  Reservation& own = all_reservations()[reservation];
  SharedCounter& line = counters()[own.counter];
  const CurrentLine locked(*this, line, now);
  *view = view_of(line, own);
  const Atto alone = saturating_sum(saturating_sum(view->committed, view->held), amount);
  if (alone > limit) {
    return Verdict::exceeds;
  }
  if (saturating_sum(alone, view->others) > limit) {
    return Verdict::others_in_the_way;
  }
  const ReservationChange change(line, own);
  own.amount = amount;
  return Verdict::fits;
}

void SharedCounterTable::set_amount(Place reservation, Atto amount) {
  Reservation& own = all_reservations()[reservation];
  SharedCounter& line = counters()[own.counter];
  const LineLock locked(line);
  const ReservationChange change(line, own);
  own.amount = amount;
}

SharedCounterTable::Commit SharedCounterTable::begin_commit(Place reservation, Atto amount,
                                                            std::span<const Step> steps) {
  Reservation& own = all_reservations()[reservation];
  SharedCounter& line = counters()[own.counter];
  const LineLock locked(line);
  const ReservationChange change(line, own);
  own.amount = amount;
  own.is_committing = true;
  Commit commit = {saturating_sum(line.committed, line.committing), line.claimed_percent, line.claimed_percent,
                   line.claiming > 0};
  line.committing = saturating_sum(line.committing, amount);
  const Atto after = saturating_sum(commit.before, amount);
  for (const Step& step : steps) {
    if (step.percent > commit.claimed_after && after >= step.reached_at) {
      commit.claimed_after = step.percent;
    }
  }
  if (commit.claimed_after > commit.claimed_before) {
    own.has_claimed = true;
    ++line.claiming;
    own.claimed_from = commit.claimed_before;
    own.claimed_to = commit.claimed_after;
    line.claimed_percent = commit.claimed_after;
  }
  return commit;
}

Atto SharedCounterTable::total(Place counter) {
  SharedCounter& line = counters()[counter];
  const LineLock locked(line);
  return saturating_sum(line.committed, line.committing);
}

bool SharedCounterTable::begin_storing(Place reservation, CounterDelta* row, Atto* claimed_percent) {
  Reservation& own = all_reservations()[reservation];
  SharedCounter& line = counters()[own.counter];
  const LineLock locked(line);
  if (line.row_state != RowState::missing) {
    return false;
  }
  line.row_state = RowState::storing;
  own.stores_row = true;
  *row = line.row;
  *claimed_percent = line.row_claimed_percent;
  return true;
}

/// The line is locked, and the reservation's holds have ended. It is free afterwards, but not yet given back.
void SharedCounterTable::end_reservation(SharedCounter& counter, Place place, bool committed) {
  Reservation& entry = all_reservations()[place];
  if (entry.previous == no_place) {
    counter.reservations = entry.next;
  } else {
    all_reservations()[entry.previous].next = entry.next;
  }
  if (entry.next != no_place) {
    all_reservations()[entry.next].previous = entry.previous;
  }
  counter.reserved -= pending_of(entry);
  if (entry.is_committing) {
    counter.committing -= entry.amount;
  }
  if (entry.has_claimed) {
    --counter.claiming;
  }
  if (TransactionIdIsValid(entry.prepared)) {
    --counter.in_doubt;
  }
  if (committed) {
    counter.committed = saturating_sum(counter.committed, entry.amount);
  } else if (entry.has_claimed && counter.claimed_percent == entry.claimed_to) {
    counter.claimed_percent = entry.claimed_from;
  }
  if (entry.stores_row && counter.row_state == RowState::storing) {
    counter.row_state = committed ? RowState::stored : RowState::missing;
  }
  ++counter.version;
  entry.counter = no_place;
}

void SharedCounterTable::settle(Place reservation, bool committed) {
  SharedCounter& line = counters()[all_reservations()[reservation].counter];
  for (bool has_ended = false; !has_ended;) {
    const LineLock locked(line);
    has_ended = end_some_holds(line, all_reservations()[reservation], committed);
    if (has_ended) {
      end_reservation(line, reservation, committed);
    }
  }
  give_back_reservation(reservation);
}

void SharedCounterTable::leave_in_doubt(Place reservation, TransactionId xid) {
  Reservation& own = all_reservations()[reservation];
  SharedCounter& line = counters()[own.counter];
  const LineLock locked(line);
  if (own.is_committing) {
    own.is_committing = false;
    line.committing -= own.amount;
  }
  own.prepared = xid;
  ++line.in_doubt;
  ++line.version;
}

bool SharedCounterTable::reserve_in_doubt(const SharedKey& key, std::uint64_t hash, TransactionId xid, Atto amount,
                                          Atto claimed_percent) {
  Place counter;
  Place place;
  const Attached attached = attach(key, hash, &counter, &place);
  if (attached != Attached::yes && attached != Attached::yes_as_row) {
    return false;
  }
  SharedCounter& line = counters()[counter];
  const LineLock locked(line);
  Reservation& entry = all_reservations()[place];
  const ReservationChange change(line, entry);
  entry.uses_row = false;
  entry.amount = amount;
  if (claimed_percent > line.claimed_percent) {
    entry.has_claimed = true;
    ++line.claiming;
    entry.claimed_from = line.claimed_percent;
    entry.claimed_to = claimed_percent;
    line.claimed_percent = claimed_percent;
  }
  entry.prepared = xid;
  ++line.in_doubt;
  return true;
}

std::size_t SharedCounterTable::in_doubt_of(Place counter, std::span<InDoubt> found) {
  SharedCounter& line = counters()[counter];
  const LineLock locked(line);
  std::size_t count = 0;
  if (line.in_doubt > 0) {
    for (Place place = line.reservations; place != no_place && count < found.size();
         place = all_reservations()[place].next) {
      if (TransactionIdIsValid(all_reservations()[place].prepared)) {
        found[count++] = {place, all_reservations()[place].prepared};
      }
    }
  }
  return count;
}

void SharedCounterTable::resolve(Place counter, const InDoubt& entry, bool committed) {
  SharedCounter& line = counters()[counter];
  for (bool has_ended = false; !has_ended;) {
    const LineLock locked(line);
    // Others may have been faster, and the reservation may be somebody else's by now.
    Reservation& found = all_reservations()[entry.reservation];
    if (found.counter != counter || found.prepared != entry.xid) {
      return;
    }
    has_ended = end_some_holds(line, found, committed);
    if (has_ended) {
      end_reservation(line, entry.reservation, committed);
    }
  }
  give_back_reservation(entry.reservation);
}

std::optional<SharedCounterTable::Quiet> SharedCounterTable::quiet(Place place, Oid database, Oid ledger,
                                                                   Timestamp now) {
  SharedCounter& line = counters()[place];
  const CurrentLine locked(*this, line, now);
  if (!line.is_used || line.keeps_row || line.reservations != no_place || line.key.database != database ||
      line.key.ledger != ledger) {
    return std::nullopt;
  }
  return Quiet{line.key.counter, line.committed, line.held, line.version};
}

SharedCounterTable::Load SharedCounterTable::load() {
  SpinLockAcquire(&free_mutex_);
  const Load load = {counter_count_, used_counters_, reservation_count_, used_reservations_,
                     hold_count_,    used_holds_,    row_bit_count_};
  SpinLockRelease(&free_mutex_);
  return load;
}

}  // namespace spend

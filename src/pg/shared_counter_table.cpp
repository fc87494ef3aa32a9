#include "pg/shared_counter_locks.hpp"

// Making the table, finding counters in it, adding them and taking them out.

namespace spend {

namespace {

Size padded(Size size) {
  return TYPEALIGN(PG_CACHE_LINE_SIZE, size);
}

struct Sizes {
  std::size_t counters, reservations, holds, buckets;
};
Sizes sizes_for(std::size_t memory) {
  Sizes sizes;
  sizes.counters = std::max<std::size_t>(memory * 5 / 10 / (sizeof(SharedCounter) + 2 * sizeof(Place)), 16);
  sizes.reservations = std::max<std::size_t>(memory * 3 / 10 / sizeof(Reservation), 16);
  sizes.holds = std::max<std::size_t>(memory * 2 / 10 / sizeof(SharedHold), 16);
  sizes.buckets = SharedCounterTable::partition_count;
  while (sizes.buckets < sizes.counters) {
    sizes.buckets *= 2;
  }
  return sizes;
}

}  // namespace

std::uint64_t shared_hash(const SharedKey& key) {
  std::uint64_t hash = HashOfCounterKey{}(key.counter) ^ (std::uint64_t{key.database} << 32U | key.ledger);
  hash ^= hash >> 31U;
  hash *= 0x9E3779B97F4A7C15U;
  hash ^= hash >> 29U;
  hash *= 0xBF58476D1CE4E5B9U;
  return hash ^ hash >> 32U;
}

Size SharedCounterTable::size_for(std::size_t memory) {
  const Sizes sizes = sizes_for(memory);
  return padded(sizeof(SharedCounterTable)) + padded(sizes.counters * sizeof(SharedCounter)) +
         padded(sizes.reservations * sizeof(Reservation)) + padded(sizes.holds * sizeof(SharedHold)) +
         padded(sizes.buckets * sizeof(Place));
}

void SharedCounterTable::initialise(std::size_t memory) {
  const Sizes sizes = sizes_for(memory);
  counter_count_ = static_cast<Place>(sizes.counters);
  reservation_count_ = static_cast<Place>(sizes.reservations);
  hold_count_ = static_cast<Place>(sizes.holds);
  bucket_count_ = static_cast<Place>(sizes.buckets);
  counters_at_ = padded(sizeof(SharedCounterTable));
  reservations_at_ = counters_at_ + padded(sizes.counters * sizeof(SharedCounter));
  holds_at_ = reservations_at_ + padded(sizes.reservations * sizeof(Reservation));
  buckets_at_ = holds_at_ + padded(sizes.holds * sizeof(SharedHold));
  tranche_ = LWLockNewTrancheId();
  for (LWLockPadded& lock : partitions_) {
    LWLockInitialize(&lock.lock, tranche_);
  }
  LWLockInitialize(&ledgers_lock_.lock, tranche_);
  SpinLockInit(&free_mutex_);
  for (Place i = 0; i < counter_count_; ++i) {
    SpinLockInit(&counters()[i].mutex);
    counters()[i].next = i + 1 < counter_count_ ? i + 1 : no_place;
    counters()[i].reservations = no_place;
    counters()[i].holds = no_place;
  }
  for (Place i = 0; i < hold_count_; ++i) {
    all_holds()[i].counter = no_place;
    all_holds()[i].links.left = i + 1 < hold_count_ ? i + 1 : no_place;
  }
  for (Place i = 0; i < reservation_count_; ++i) {
    all_reservations()[i].counter = no_place;
    all_reservations()[i].next = i + 1 < reservation_count_ ? i + 1 : no_place;
  }
  std::fill_n(buckets(), bucket_count_, no_place);
  free_counter_ = 0;
  free_reservation_ = 0;
  free_hold_ = 0;
}

void SharedCounterTable::register_tranche() const {
  LWLockRegisterTranche(tranche_, "pg_spend");
}

Place SharedCounterTable::ledger_place(Oid database, Oid ledger) {
  const PartitionLock locked(&ledgers_lock_.lock);
  for (Place i = 0; i < ledger_count; ++i) {
    SharedLedger& entry = ledgers_[i];
    if (entry.database == database && entry.ledger == ledger) {
      return i;
    }
    if (entry.database == InvalidOid) {
      entry.database = database;
      entry.ledger = ledger;
      return i;
    }
  }
  return no_place;
}

Place SharedCounterTable::find(const SharedKey& key, std::uint64_t hash) {
  for (Place place = buckets()[hash & (bucket_count_ - 1)]; place != no_place; place = counters()[place].next) {
    if (counters()[place].hash == hash && counters()[place].key == key) {
      return place;
    }
  }
  return no_place;
}

void SharedCounterTable::unlink(Place place) {
  Place* link = &buckets()[counters()[place].hash & (bucket_count_ - 1)];
  while (*link != place) {
    link = &counters()[*link].next;
  }
  *link = counters()[place].next;
}

/// A counter that goes may leave movements behind that are not folded.
void SharedCounterTable::note_loss(const SharedCounter& counter) {
  if (counter.keeps_row) {
    __atomic_fetch_add(&lost_rows_, 1, __ATOMIC_SEQ_CST);
  }
  for (SharedLedger& entry : ledgers_) {
    if (entry.database == counter.key.database && entry.ledger == counter.key.ledger) {
      __atomic_fetch_add(&entry.lost, 1, __ATOMIC_SEQ_CST);
      if (counter.row_state != RowState::stored) {
        __atomic_fetch_add(&entry.lost_without_row, 1, __ATOMIC_SEQ_CST);
      }
      return;
    }
    if (entry.database == InvalidOid) {
      return;
    }
  }
}

/// Frees the line of a counter without reservations, preferring those that were not used lately.
bool SharedCounterTable::evict_one() {
  for (std::uint64_t step = 0; step < std::uint64_t{counter_count_} * 2; ++step) {
    const Place place = __atomic_fetch_add(&clock_hand_, 1, __ATOMIC_RELAXED) % counter_count_;
    SharedCounter& line = counters()[place];
    if (!line.is_used) {
      continue;
    }
    LWLock* const lock = partition(line.hash);  // of what may be another counter by the time it is locked
    if (!LWLockConditionalAcquire(lock, LW_EXCLUSIVE)) {
      continue;
    }
    bool gone = false;
    if (line.is_used && partition(line.hash) == lock) {
      SpinLockAcquire(&line.mutex);
      const bool is_idle = line.reservations == no_place && !line.is_closed;
      const bool was_used_lately = line.was_used_lately;
      line.was_used_lately = false;
      SpinLockRelease(&line.mutex);
      if (is_idle && !was_used_lately) {
        drop_all_holds(line);
        note_loss(line);
        unlink(place);
        line.is_used = false;
        gone = true;
      }
    }
    LWLockRelease(lock);
    if (gone) {
      SpinLockAcquire(&free_mutex_);
      line.next = free_counter_;
      free_counter_ = place;
      --used_counters_;
      SpinLockRelease(&free_mutex_);
      return true;
    }
  }
  return false;
}

Place SharedCounterTable::take_counter() {
  for (;;) {
    SpinLockAcquire(&free_mutex_);
    const Place place = free_counter_;
    if (place != no_place) {
      free_counter_ = counters()[place].next;
      ++used_counters_;
    }
    SpinLockRelease(&free_mutex_);
    if (place != no_place || !evict_one()) {
      return place;
    }
  }
}

bool SharedCounterTable::create(const SharedKey& key, std::uint64_t hash, const SharedCounter& initial,
                                std::span<const LiveHold> holds) {
  const Place place = take_counter();
  if (place == no_place) {
    return false;
  }
  SharedCounter& line = counters()[place];
  const PartitionLock locked(partition(hash));
  SpinLockAcquire(&line.mutex);
  line.key = key;
  line.hash = hash;
  line.reservations = no_place;
  line.in_doubt = 0;
  line.claiming = 0;
  line.was_used_lately = true;
  line.is_closed = false;
  line.keeps_row = initial.keeps_row || holds.size() > most_holds;
  line.held = 0;
  line.resolving = 0;
  line.next_expiry = timestamp_max;
  line.row_state = initial.row_state;
  ++line.version;
  line.committed = initial.committed;
  line.reserved = 0;
  line.committing = 0;
  line.claimed_percent = initial.claimed_percent;
  line.row = initial.row;
  line.row_claimed_percent = initial.row_claimed_percent;
  SpinLockRelease(&line.mutex);
  for (std::size_t i = 0; i < holds.size() && !line.keeps_row; ++i) {
    const Place hold = pop_free_hold();
    const LineLock adding(line);  // nobody finds it yet; those who look through all lines for what is over come by
    if (hold == no_place) {
      line.keeps_row = true;  // whoever uses the row looks into the table
    } else {
      fill_hold(line, place, hold, holds[i]);
      line.held = saturating_sum(line.held, holds[i].amount);
      add_live(line, hold);
    }
  }
  line.next = buckets()[hash & (bucket_count_ - 1)];
  buckets()[hash & (bucket_count_ - 1)] = place;
  line.is_used = true;
  return true;
}

bool SharedCounterTable::exists(const SharedKey& key, std::uint64_t hash) {
  LWLockAcquire(partition(hash), LW_SHARED);
  const bool found = find(key, hash) != no_place;
  LWLockRelease(partition(hash));
  return found;
}

void SharedCounterTable::make_row(std::uint64_t hash) {
  const PartitionLock locked(partition(hash));
  if (!is_row(hash)) {
    const std::uint64_t bit = hash % fallback_bits;
    __atomic_fetch_or(&row_bits_[bit / 64], std::uint64_t{1} << (bit % 64U), __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&row_bit_count_, 1, __ATOMIC_RELAXED);
  }
}

void SharedCounterTable::keep_row(Place counter, Place reservation_of_nothing) {
  const LineLock locked(counters()[counter]);
  counters()[counter].keeps_row = true;
  if (reservation_of_nothing != no_place) {
    all_reservations()[reservation_of_nothing].uses_row = true;
  }
}

std::optional<SharedCounterTable::Owner> SharedCounterTable::owner_of(const SharedKey& key, std::uint64_t hash,
                                                                      Among among) {
  const VirtualTransactionId own = own_virtual_xid();
  std::optional<Owner> owner;
  LWLockAcquire(partition(hash), LW_SHARED);
  if (const Place found = find(key, hash); found != no_place) {
    const LineLock locked(counters()[found]);
    for (Place place = counters()[found].reservations; place != no_place && !owner.has_value();
         place = all_reservations()[place].next) {
      const Reservation& entry = all_reservations()[place];
      const bool is_meant =
          among == Among::all || (!entry.uses_row && (among == Among::users_of_memory || pending_of(entry) > 0));
      if (is_meant && (TransactionIdIsValid(entry.prepared) || !VirtualTransactionIdEquals(entry.owner, own))) {
        owner = Owner{entry.owner, entry.prepared, found};
      }
    }
  }
  LWLockRelease(partition(hash));
  return owner;
}

bool SharedCounterTable::remove(const SharedKey& key, std::uint64_t hash) {
  const PartitionLock locked(partition(hash));
  const Place place = find(key, hash);
  if (place == no_place) {
    return true;
  }
  SharedCounter& line = counters()[place];
  SpinLockAcquire(&line.mutex);
  const bool is_idle = line.reservations == no_place;
  SpinLockRelease(&line.mutex);
  if (!is_idle) {
    return false;
  }
  drop_all_holds(line);
  note_loss(line);
  unlink(place);
  line.is_used = false;
  SpinLockAcquire(&free_mutex_);
  line.next = free_counter_;
  free_counter_ = place;
  --used_counters_;
  SpinLockRelease(&free_mutex_);
  return true;
}

void SharedCounterTable::set_closed(const SharedKey& key, std::uint64_t hash, bool closed) {
  const PartitionLock locked(partition(hash));
  if (const Place place = find(key, hash); place != no_place) {
    const LineLock line(counters()[place]);
    counters()[place].is_closed = closed;
  }
}

void SharedCounterTable::forget_row(const SharedKey& key, std::uint64_t hash) {
  if (!remove(key, hash)) {
    const PartitionLock locked(partition(hash));
    if (const Place place = find(key, hash); place != no_place) {
      const LineLock line(counters()[place]);
      counters()[place].row_state = RowState::unknown;
    }
  }
}

void SharedCounterTable::forget_ledger(Oid database, Oid ledger) {
  const Place known = ledger_place(database, ledger);
  if (known == no_place) {
    return;
  }
  __atomic_fetch_add(&ledgers_[known].lost, 1, __ATOMIC_SEQ_CST);
  for (Place place = 0; place < counter_count_; ++place) {
    SharedCounter& line = counters()[place];
    if (line.is_used && line.key.database == database && line.key.ledger == ledger) {
      const SharedKey key = line.key;
      if (key.database == database && key.ledger == ledger) {
        forget_row(key, shared_hash(key));
      }
    }
  }
}

}  // namespace spend

#include "pg/counter_rows.hpp"
#include "pg/holds.hpp"
#include "pg/ledger_sums.hpp"
#include "pg/own_locks.hpp"
#include "pg/pending_wait.hpp"
#include "pg/shared_counters.hpp"

// How counters come into shared memory, and leave it.

extern "C" {
#include "access/transam.h"
#include "storage/procarray.h"
}

namespace spend {

namespace {

// Everybody who loads a counter takes its lock, so that waiting for one who does is seen by the deadlock detector, and
// an error or a cancel lets go of it.
void take_lock(const LOCKTAG& tag) {
  pg_call([&] { (void)LockAcquire(&tag, ExclusiveLock, false, false); });
}
void give_up_lock(const LOCKTAG& tag) {
  pg_call([&] { LockRelease(&tag, ExclusiveLock, false); });
}

/// A counter's row as the latest state shows it, with what is not folded if that may be anything. A row that a
/// transaction outside of shared memory is changing (prepared before the server started, say) is waited for.
std::optional<CounterRows::Totals> read_row(const CounterKey& key, bool with_deltas) {
  for (;;) {
    const CounterRows rows(AccessShareLock);
    TransactionId changed_by = InvalidTransactionId;
    {
      const LatestState state(rows.table().get(), OwnChanges::ignored);
      std::optional<CounterRows::Read> row = rows.read(state, key);
      if (!row.has_value()) {
        return std::nullopt;
      }
      changed_by = row->changed_by;
      if (!TransactionIdIsValid(changed_by)) {
        if (with_deltas) {
          const UnfoldedTotal unfolded = unfolded_total(state, key);
          row->totals.sum += unfolded.delta;
          row->totals.claimed_percent = std::max(row->totals.claimed_percent, unfolded.claimed_percent);
        }
        return row->totals;
      }
    }
    pg_call([&] { XactLockTableWait(changed_by, nullptr, nullptr, XLTW_None); });
  }
}

}  // namespace

Place SharedCounters::loaded_ledger() {
  const Oid ledger = table_oid(Table::usage);
  if (ledger_ == no_place || ledger_oid_ != ledger) {
    ledger_ = table_.ledger_place(MyDatabaseId, ledger);
    ledger_oid_ = ledger;
  }
  if (ledger_ != no_place && !table_.ledger(ledger_).is_loaded) {
    load_ledger(ledger_);
  }
  return ledger_;
}

/// After a start nobody has a line, but there may be movements that are not folded, and prepared transactions with
/// movements that may yet be committed. They are taken in at once: from then on a counter without a line has nothing
/// that is not folded, unless it has lost its line, so its row is all it takes to load it.
void SharedCounters::load_ledger(Place place) {
  SharedLedger& ledger = table_.ledger(place);
  const LOCKTAG tag = own_lock(OwnLock::ledger, ledger.ledger, 0);
  take_lock(tag);
  if (!ledger.is_loaded) {
    const CounterRows rows(AccessShareLock);
    const LatestState state(rows.table().get(), OwnChanges::ignored);
    const CounterMap<HoldsOfCounter> with_holds = counters_with_holds(state, GetCurrentTimestamp());
    for (const auto& [key, holds] : with_holds) {
      if (holds.are_in_doubt) {
        table_.make_row(shared_hash(shared_key(key)));
      }
    }
    const UnfoldedDeltas unfolded = unfolded_deltas(state);
    CounterMap<UnfoldedTotal> totals = unfolded.totals;
    for (const UnfoldedDeltas::InDoubt& entry : unfolded.in_doubt) {
      totals.try_emplace(entry.key);
    }
    for (const auto& [key, total] : totals) {
      const std::optional<CounterRows::Read> row = rows.read(state, key);
      SharedCounter initial = {};
      if (row.has_value() && !TransactionIdIsValid(row->changed_by)) {
        initial.committed = row->totals.sum.amount + total.delta.amount;
        initial.claimed_percent = std::max(row->totals.claimed_percent, total.claimed_percent);
        initial.row_state = RowState::stored;
        const auto held = with_holds.find(key);
        const SharedKey shared = shared_key(key);
        if (table_.exists(shared, shared_hash(shared)) ||
            table_.create(shared, shared_hash(shared), initial,
                          held == with_holds.end() ? std::span<const LiveHold>() : held->second.live)) {
          continue;
        }
      }
      // Its next use looks for what is not folded.
      __atomic_fetch_add(&ledger.lost, 1, __ATOMIC_SEQ_CST);
    }
    for (const UnfoldedDeltas::InDoubt& entry : unfolded.in_doubt) {
      const SharedKey shared = shared_key(entry.key);
      // A counter without a row is summed from the ledger later, and that waits for prepared transactions.
      if (!table_.reserve_in_doubt(shared, shared_hash(shared), entry.xid, entry.total.delta.amount,
                                   entry.total.claimed_percent) &&
          rows.exists(entry.key)) {
        table_.make_row(shared_hash(shared));
      }
    }
    __atomic_store_n(&ledger.is_loaded, true, __ATOMIC_SEQ_CST);
  }
  give_up_lock(tag);
}

/// Adds the counter to the table. Whoever needs it waits until that is done, so nobody moves it meanwhile: it either
/// has a row that is all of it, or nobody has ever moved it and the ledger's rows are.
void SharedCounters::load(const CounterUse& use) {
  const CounterKey key = use.key();
  const SharedKey shared = shared_key(key);
  const std::uint64_t hash = shared_hash(shared);
  const LOCKTAG tag = own_lock(OwnLock::counter, hash);
  take_lock(tag);
  if (!table_.exists(shared, hash)) {
    const SharedLedger& ledger = table_.ledger(loaded_ledger());
    const bool with_deltas = ledger.lost != ledger.folded_of_lost;
    SharedCounter initial = {};
    const std::vector<LiveHold> holds = live_holds(key);
    if (const std::optional<CounterRows::Totals> row = read_row(key, with_deltas)) {
      initial.committed = row->sum.amount;
      initial.claimed_percent = row->claimed_percent;
      initial.row_state = RowState::stored;
    } else {
      const CounterDelta sum = sum_of_unmoved(use, ledger.lost_without_row);
      UnfoldedTotal unfolded;
      if (with_deltas) {
        const CounterRows rows(AccessShareLock);
        unfolded = unfolded_total(LatestState(rows.table().get(), OwnChanges::ignored), key);
      }
      initial.committed = sum.amount;
      initial.claimed_percent = std::max(claimed_by_history(use, sum.amount), unfolded.claimed_percent);
      initial.row = sum;
      initial.row += -unfolded.delta;
      initial.row_claimed_percent = initial.claimed_percent;
      initial.row_state = RowState::missing;
    }
    if (!table_.create(shared, hash, initial, holds)) {
      table_.make_row(hash);
    }
  }
  give_up_lock(tag);
}

/// Without loading it: null when it is not there, or is a row. Then nobody loads it before this transaction has ended,
/// and so none that is loaded has missed what this one does to its holds.
SharedCounters::Own* SharedCounters::attach_if_loaded(const CounterKey& key) {
  const auto known = own_.find(key);
  if (known != own_.end()) {
    return known->second.is_row ? nullptr : &known->second;
  }
  if (loaded_ledger() == no_place) {
    return nullptr;
  }
  for (bool keeps_out_loaders = false;; keeps_out_loaders = true) {
    SharedCounterTable::Attached attached;
    if (Own* const own = try_attach(key, &attached)) {
      return own->is_row ? nullptr : own;
    }
    if (attached == SharedCounterTable::Attached::no_room) {
      make_row(key);
    }
    if (attached != SharedCounterTable::Attached::absent || keeps_out_loaders) {
      return nullptr;
    }
    const LOCKTAG tag = own_lock(OwnLock::counter, shared_hash(shared_key(key)));
    pg_call([&] { (void)LockAcquire(&tag, ShareLock, false, false); });
  }
}

/// Waits until nobody else has a reservation on the counter.
void SharedCounters::wait_for_users(const SharedKey& key, SharedCounterTable::Among among) {
  const std::uint64_t hash = shared_hash(key);
  while (const std::optional<SharedCounterTable::Owner> owner = table_.owner_of(key, hash, among)) {
    wait_for_end(*owner);
    resolve_in_doubt(owner->counter);
  }
}

/// The same, and takes it out.
void SharedCounters::empty(const SharedKey& key) {
  do {
    pg_call([] { CHECK_FOR_INTERRUPTS(); });
    wait_for_users(key, SharedCounterTable::Among::all);
  } while (!table_.remove(key, shared_hash(key)));
}

/// The counter is a row from here on.
void SharedCounters::make_row(const CounterKey& key) {
  const SharedKey shared = shared_key(key);
  table_.make_row(shared_hash(shared));
  empty(shared);
}

void SharedCounters::close(const CounterKey& key) {
  if (own_.contains(key)) {
    raise(ERRCODE_OBJECT_IN_USE, "this transaction has moved the counter", {}, "Commit first.");
  }
  const SharedKey shared = shared_key(key);
  const std::uint64_t hash = shared_hash(shared);
  take_lock(own_lock(OwnLock::counter, hash));
  closed_.push_back(shared);
  table_.set_closed(shared, hash, true);
  empty(shared);
}

void SharedCounters::resolve_in_doubt(Place counter) {
  std::array<SharedCounterTable::InDoubt, 64> found;
  const std::size_t count = table_.in_doubt_of(counter, found);
  for (std::size_t i = 0; i < count; ++i) {
    const TransactionId xid = found[i].xid;
    const bool in_progress = pg_call([&] { return TransactionIdIsInProgress(xid); });
    if (!in_progress) {
      const bool committed = pg_call([&] { return TransactionIdDidCommit(xid); });
      table_.resolve(counter, found[i], committed);
    }
  }
}

}  // namespace spend

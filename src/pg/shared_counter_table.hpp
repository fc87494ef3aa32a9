#pragma once

#include "core/place_tree.hpp"
#include "pg/counters.hpp"

extern "C" {
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/spin.h"
}

namespace spend {

/// The counters in shared memory: fixed arrays addressed by number, because the segment lies at another address in each
/// process. Nothing in this file waits for a transaction, allocates or raises: it runs in commit and abort callbacks.
///
/// A counter's line is found through a hash table; the locks of its partitions guard the chains, the line's own
/// spinlock what is in it. A transaction that moves a counter has a reservation on it, from its first movement to its
/// end; a line with reservations stays. Order of locks: partition, then line, then the list of free ones. However many
/// holds a counter has, and whenever they end, nobody keeps a line's spinlock for longer than a few of them take.

/// A counter of one ledger of the cluster.
struct SharedKey {
  Oid database = InvalidOid;
  Oid ledger = InvalidOid;  ///< oid of its spend.usage: an extension that is made again is another ledger
  CounterKey counter;
  friend bool operator==(const SharedKey&, const SharedKey&) = default;
};

/// How far spend.counters has the row that a counter in memory was loaded from.
enum class RowState : std::uint8_t {
  stored,   ///< it is there
  missing,  ///< the counter was summed from the ledger, and nobody has stored its row yet
  storing,  ///< somebody stores it, in a transaction that has not ended
  unknown   ///< it was deleted beside running transactions: folding will make it
};

struct alignas(64) SharedCounter {
  SharedKey key;
  std::uint64_t hash;
  Place next;          ///< in the chain, or in the list of free ones
  Place reservations;  ///< first of those on it
  Place holds;         ///< root of those that are committed and that nobody is resolving, by their end (PlaceTree)
  std::uint32_t hold_count;
  std::uint32_t in_doubt;  ///< reservations of prepared transactions among them
  std::uint32_t claiming;  ///< reservations that have claimed a threshold
  slock_t mutex;
  bool is_used;
  bool was_used_lately;
  bool is_closed;  ///< to newcomers: it is being repaired
  bool keeps_row;  ///< the counter is kept as a row, because its holds found no place; the amounts here mean nothing
  RowState row_state;
  std::uint64_t version;  ///< counts changes
  Atto committed;
  Atto held;       ///< sum of the holds whose transactions have committed, also of those that others are resolving
  Atto resolving;  ///< sum of those
  Timestamp next_expiry;  ///< none of these holds expires before
  Atto reserved;          ///< sum of what reservations may come to add, see pending_of()
  Atto committing;        ///< sum of the reservations whose transactions are at their commit
  Atto claimed_percent;
  CounterDelta row;  ///< what is to be stored while the row is missing
  Atto row_claimed_percent;
};

struct Reservation {
  Place counter;  ///< no_place when free
  Place next, previous;
  VirtualTransactionId owner;
  TransactionId prepared;  ///< valid: belongs to this prepared transaction
  bool is_committing;
  bool has_claimed;
  bool uses_row;  ///< keeps the line only: what the transaction adds stands in the counter's row
  bool stores_row;
  Place created = no_place;   ///< first hold that the transaction has taken
  Place resolves = no_place;  ///< first hold that it settles or releases
  Atto amount;
  Atto holding;    ///< sum of the holds that it has taken and not resolved itself
  Atto resolving;  ///< sum of others' holds that it settles or releases
  Atto claimed_from, claimed_to;
};

/// What a hold sets aside of one counter. It counts from its transaction's commit until that of the one that settles or
/// releases it, or until its time is over: then whoever looks takes it out, unless it is being resolved.
struct SharedHold {
  Place counter;                      ///< no_place when free
  TreeLinks links;                    ///< on the counter; in the list of free ones, left is the next
  Place creator, resolver;            ///< reservations of transactions that have not ended, or no_place
  Place next_created, next_resolved;  ///< of the same reservation
  std::int64_t hold_id;
  Timestamp expires_at;
  Atto amount;

  std::pair<Timestamp, std::int64_t> order() const { return {expires_at, hold_id}; }
};

/// What the cluster knows of one ledger's counters.
struct SharedLedger {
  Oid database;
  Oid ledger;
  bool is_loaded;  ///< what was not folded when the server started has been taken in
  /// Counts the counters that may have movements which are not folded and have no line; and how many of those had been
  /// folded when somebody last looked.
  std::uint32_t lost, folded_of_lost;
  std::uint32_t lost_without_row;  ///< counts lines that went before their row was stored
  TimestampTz folded_at;
};

/// What a transaction finds at a counter that it has a reservation on.
struct CounterView {
  Atto committed;
  Atto held;    ///< by holds that nobody else is resolving, its own included
  Atto others;  ///< what other transactions may come to add
};

class SharedCounterTable {
 public:
  static constexpr std::size_t partition_count = 64;
  static constexpr std::size_t fallback_bits = 4096;
  static constexpr std::size_t ledger_count = 1024;
  /// Holds on one counter; with more it becomes a row.
  static constexpr std::uint32_t most_holds = 4096;
  /// Holds that are dropped, or change hands, while a line is locked once.
  static constexpr int most_at_once = 32;

  static Size size_for(std::size_t memory);
  /// Lays the table out in zeroed memory of that size. Once, by whoever makes the segment.
  void initialise(std::size_t memory);
  /// In each process that will use it.
  void register_tranche() const;
  int tranche() const { return tranche_; }

  /// The ledger's place, made if there is room; no_place if there is none.
  Place ledger_place(Oid database, Oid ledger);
  SharedLedger& ledger(Place place) { return ledgers()[place]; }

  enum class Attached { yes, yes_as_row, absent, is_row, no_room };
  /// Makes a reservation of nothing on a counter. yes_as_row, is_row: the counter is kept as a row of the table, with a
  /// line and a reservation or without.
  Attached attach(const SharedKey& key, std::uint64_t hash, Place* counter, Place* reservation);
  /// Adds a counter with its holds. False when there is no room. Only by who holds the lock for loading it.
  bool create(const SharedKey& key, std::uint64_t hash, const SharedCounter& initial, std::span<const LiveHold> holds);
  bool exists(const SharedKey& key, std::uint64_t hash);
  /// From now on this counter is a row, for everybody.
  void make_row(std::uint64_t hash);
  /// The counter of a line is kept as a row from here on; nobody has to wait for the end of a reservation of nothing.
  void keep_row(Place counter, Place reservation_of_nothing);
  /// A transaction other than one's own that has a reservation on the counter.
  struct Owner {
    VirtualTransactionId virtual_xid;
    TransactionId prepared;
    Place counter;
  };
  enum class Among {
    all,
    users_of_memory,  ///< who does not use the counter's row
    in_the_way        ///< who may come to add something
  };
  std::optional<Owner> owner_of(const SharedKey& key, std::uint64_t hash, Among among);
  /// Takes a counter out that has no reservations. False while it has some.
  bool remove(const SharedKey& key, std::uint64_t hash);
  /// Lets nobody come to a counter any more, or again.
  void set_closed(const SharedKey& key, std::uint64_t hash, bool closed);
  /// The row of a counter was deleted: forgets the counter, or if it is in use, that it has a row.
  void forget_row(const SharedKey& key, std::uint64_t hash);
  void forget_ledger(Oid database, Oid ledger);

  SharedCounter& counter(Place place) { return counters()[place]; }
  Reservation& reservation(Place place) { return all_reservations()[place]; }

  /// A place for a hold of the counter; no_place when there is none, or the counter has too many. It is to be given
  /// back if it is not used.
  Place take_hold_place(Place counter, Timestamp now);
  void give_back_hold_place(Place hold);
  /// The transaction sets aside what the hold says, and its reservation's amount is this.
  void add_hold(Place reservation, Place hold, const LiveHold& what, Atto amount);
  /// The savepoint in which it was taken was rolled back.
  void take_hold_back(Place hold);
  /// The transaction settles or releases a hold that ends at that time; no_place if it is not there, or is over.
  Place resolve_hold(Place reservation, std::int64_t hold_id, Timestamp expires_at, Timestamp now);
  /// The savepoint in which it did was rolled back.
  void unresolve_hold(Place hold);
  /// A hold was made or deleted by other hands than the ledger's.
  void correct_hold(const SharedKey& key, std::uint64_t hash, const LiveHold& hold, bool is_there);
  /// All committed holds of the ledger were.
  void forget_holds(Oid database, Oid ledger);
  /// How the counter stands for the reservation's transaction.
  CounterView look(Place reservation, Timestamp now);

  enum class Verdict { fits, exceeds, others_in_the_way };
  /// Makes the reservation's amount `amount` if counter, holds and all others' reservations leave room for it.
  Verdict admit(Place reservation, Atto amount, Atto limit, Timestamp now, CounterView* view);
  void set_amount(Place reservation, Atto amount);
  /// A threshold with the total that reaches it.
  struct Step {
    Atto percent;
    Atto reached_at;
  };
  struct Commit {
    Atto before;  ///< committed, and committing before this one
    Atto claimed_before, claimed_after;
    bool others_are_claiming;
  };
  /// The transaction is at its commit with this amount: claims the thresholds it reaches.
  Commit begin_commit(Place reservation, Atto amount, std::span<const Step> steps);
  /// What is committed, and what is being committed.
  Atto total(Place counter);
  /// Whether this transaction is the one to store the counter's row, and what.
  bool begin_storing(Place reservation, CounterDelta* row, Atto* claimed_percent);
  /// The end of a reservation.
  void settle(Place reservation, bool committed);
  /// Its transaction was prepared.
  void leave_in_doubt(Place reservation, TransactionId xid);
  /// The same for a transaction that was prepared before the server started.
  bool reserve_in_doubt(const SharedKey& key, std::uint64_t hash, TransactionId xid, Atto amount, Atto claimed_percent);

  /// Prepared transactions with reservations on a counter, at most so many.
  struct InDoubt {
    Place reservation;
    TransactionId xid;
  };
  std::size_t in_doubt_of(Place counter, std::span<InDoubt> found);
  void resolve(Place counter, const InDoubt& entry, bool committed);

  /// A counter of a ledger that nobody has a reservation on; nothing for any other place.
  struct Quiet {
    CounterKey key;
    Atto committed;
    Atto held;  ///< by holds that expire later than `now`
    std::uint64_t version;
  };
  std::optional<Quiet> quiet(Place place, Oid database, Oid ledger, Timestamp now);

  /// Counts counters that were rows and have lost their line.
  std::uint32_t lost_rows() const { return __atomic_load_n(&lost_rows_, __ATOMIC_SEQ_CST); }

  struct Load {
    std::uint32_t counters, used_counters, reservations, used_reservations, holds, used_holds, row_bits;
  };
  Load load();
  Place counter_capacity() const { return counter_count_; }

 private:
  SharedCounter* counters() { return reinterpret_cast<SharedCounter*>(base() + counters_at_); }
  Reservation* all_reservations() { return reinterpret_cast<Reservation*>(base() + reservations_at_); }
  SharedHold* all_holds() { return reinterpret_cast<SharedHold*>(base() + holds_at_); }
  Place* buckets() { return reinterpret_cast<Place*>(base() + buckets_at_); }
  SharedLedger* ledgers() { return ledgers_; }
  char* base() { return reinterpret_cast<char*>(this); }
  LWLock* partition(std::uint64_t hash) { return &partitions_[hash % partition_count].lock; }
  Place find(const SharedKey& key, std::uint64_t hash);
  void unlink(Place place);
  bool is_row(std::uint64_t hash) const {
    const std::uint64_t bit = hash % fallback_bits;
    return (row_bits_[bit / 64] >> (bit % 64U) & 1U) != 0;
  }
  Place take_reservation();
  void give_back_reservation(Place place);
  void link_reservation(SharedCounter& counter, Place counter_place, Place place);
  void end_reservation(SharedCounter& counter, Place place, bool committed);
  static CounterView view_of(const SharedCounter& counter, const Reservation& own);
  Place pop_free_hold();
  PlaceTree<SharedHold> holds_of(SharedCounter& counter) { return {all_holds(), counter.holds}; }
  void fill_hold(SharedCounter& counter, Place counter_place, Place place, const LiveHold& what);
  void add_live(SharedCounter& counter, Place place);
  void take_out(SharedCounter& counter, Place place);
  void free_hold(SharedCounter& counter, Place place);
  bool drop_expired(SharedCounter& counter, Timestamp now);
  bool drop_some_holds(SharedCounter& counter);
  void drop_all_holds(SharedCounter& counter);
  bool end_some_holds(SharedCounter& counter, Reservation& own, bool committed);
  friend class CurrentLine;
  void unchain(Place* first, Place SharedHold::*next, Place hold);
  Place take_counter();
  bool evict_one();
  void note_loss(const SharedCounter& counter);

  Place counter_count_, reservation_count_, hold_count_, bucket_count_;
  Size counters_at_, reservations_at_, holds_at_, buckets_at_;
  int tranche_;
  LWLockPadded partitions_[partition_count];
  LWLockPadded ledgers_lock_;
  slock_t free_mutex_;
  Place free_counter_, free_reservation_, free_hold_, clock_hand_;
  std::uint32_t used_counters_, used_reservations_, used_holds_, row_bit_count_, lost_rows_;
  std::uint64_t row_bits_[fallback_bits / 64];
  SharedLedger ledgers_[ledger_count];
};

std::uint64_t shared_hash(const SharedKey& key);

}  // namespace spend

#pragma once

#include "pg/shared_counter_table.hpp"

namespace spend {

/// What was refused since maintenance last wrote it down, one record per counter: kept in shared memory, because the
/// transaction of a refused row is rolled back.
struct SharedRefusal {
  static constexpr std::size_t most_json = 400;

  SharedKey key;
  bool is_used;
  Timestamp period_end;
  std::int64_t calls;
  Atto cost;  ///< of the refused rows, as far as they had a price
  TimestampTz first_at, last_at;
  std::uint32_t json_size;
  char json[most_json];  ///< the group's values; "{}" when they are longer than this
};

/// Nothing in here allocates or raises.
class SharedRefusals {
 public:
  static constexpr std::size_t count = 1024;

  /// In zeroed memory, once.
  void initialise(int tranche);
  /// Adds one row. When there is no room for another counter, it stands in the server's log only.
  void note(const CounterUse& use, const SharedKey& key, Atto cost, TimestampTz now);
  /// The record in a place if it is one of that ledger.
  std::optional<SharedRefusal> get(std::size_t place, Oid database, Oid ledger);
  /// Takes away what has been written down.
  void subtract(std::size_t place, const SharedRefusal& written);

 private:
  LWLockPadded lock_;
  SharedRefusal records_[count];
};

/// At the end of a savepoint or the transaction: what was written down in it is taken away here only if it commits.
void refusals_at_subabort(int level);
void refusals_at_subcommit(int level);
void refusals_at_end(TransactionEnd end);

}  // namespace spend

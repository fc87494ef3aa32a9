#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "pg/counters.hpp"

namespace spend {

/// What a transaction has done to the ledger so far, by attribution, quarter hour and currency: the smallest thing from
/// which every counter of every budget can be derived, also of a budget that appears before the transaction ends.
/// Budget periods and validity begin on quarter hours. One level per open savepoint, merged on release
/// and dropped on rollback.
class Journal {
 public:
  struct Key {
    Hash128 attribution{};
    Timestamp bucket = 0;
    bool is_priced = false;
    std::string currency;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Sum {
    Atto cost = 0;
    Atto tokens = 0;
    std::int64_t calls = 0;
  };

  void add(const RowFacts& facts, int sign);
  void at_subabort(int level);
  void at_subcommit(int level);
  void clear() { levels_.clear(); }
  bool empty() const { return levels_.empty(); }

  /// Calls visit(key, sum) for each entry of every level.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const Level& level : levels_) {
      for (const auto& [key, sum] : level.sums) {
        visit(key, sum);
      }
    }
  }

 private:
  struct HashOfKey {
    std::size_t operator()(const Key& key) const;
  };
  using Sums = std::unordered_map<Key, Sum, HashOfKey>;
  struct Level {
    int nesting;
    Sums sums;
  };
  std::vector<Level> levels_;  ///< ascending nesting
};

/// The movement of one budget by a journal entry.
CounterDelta delta_of(const Budget& budget, const Journal::Key& key, const Journal::Sum& sum);

}  // namespace spend

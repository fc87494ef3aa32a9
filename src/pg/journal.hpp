#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pg/counters.hpp"

namespace spend {

/// What a transaction has done to the ledger so far, by attribution, quarter hour and currency: the smallest thing from
/// which every counter of every budget can be derived, also of a budget that appears before the transaction ends.
/// Budget periods and validity begin on quarter hours. One level per open savepoint, merged on release
/// and dropped on rollback.
class Journal {
 public:
  /// What is summed under one key. Rows of many users over a long time have one each, so it fills a cache line.
  struct Entry {
    Attribution* attribution;  ///< kept to the end of the transaction
    Timestamp bucket;          ///< start of the quarter hour
    std::uint32_t currency;    ///< number in currencies_, 0 for rows without price
    std::int64_t calls;
    Atto cost;
    Atto tokens;
  };

  /// The attribution must be kept.
  void add(Attribution& attribution, const RowFacts& facts, int sign);
  void at_subabort(int level);
  void at_subcommit(int level);
  void clear();
  bool empty() const { return levels_.empty(); }

  /// Calls visit(entry) for each entry of every level; a key may come several times.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const Level& level : levels_) {
      level.sums.for_each(visit);
    }
  }
  /// The movement of one budget by an entry.
  CounterDelta delta_of(const Budget& budget, const Entry& entry) const;

 private:
  /// Entries in order of arrival. Rows that come one after the other share entries; one that has the key of an entry of
  /// long ago gets another one, because looking it up would take longer than the whole row: a bulk load may have as
  /// many keys as rows. When there are many entries, those of the same key are put together.
  class Sums {
   public:
    /// An entry with this key, made with zero sums if none is found; until the next call.
    Entry& at(Attribution* attribution, Timestamp bucket, std::uint32_t currency);

    template <typename Visit>
    void for_each(Visit&& visit) const {
      for (std::size_t i = 0; i < size_; ++i) {
        visit(static_cast<const Entry&>(entry(i)));
      }
    }

   private:
    static constexpr std::size_t chunk_size = 256;
    static constexpr std::size_t most_compared = 8;  ///< few are found faster by looking at each
    static constexpr std::size_t recent_places = 4'096;
    static constexpr std::size_t first_merge = 50'000;

    Entry& entry(std::size_t place) const { return chunks_[place / chunk_size][place % chunk_size]; }
    Entry& append(Attribution* attribution, Timestamp bucket, std::uint32_t currency);
    void merge();

    std::size_t size_ = 0;
    std::size_t merge_at_ = first_merge;
    std::vector<std::unique_ptr<Entry[]>> chunks_;
    /// By hash, the entry that was last found there.
    std::vector<std::uint32_t> recent_;
  };
  struct Level {
    int nesting;
    Sums sums;
  };

  std::uint32_t currency_number(std::string_view name);

  std::vector<Level> levels_;            ///< ascending nesting
  std::vector<std::string> currencies_;  ///< that rows of this transaction had; the first stands for none
  std::map<std::string, std::uint32_t, std::less<>> currency_numbers_;
};

}  // namespace spend

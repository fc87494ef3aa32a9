#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spend {

/// A hash table from text to a range of places; nothing is ever taken out. Slots hold the hash and the range side
/// by side and keys lie packed in one string, so that a lookup touches two cache lines however large the table is; a
/// table of nodes touches five, which is what made lookups slower with every model.
class KeyTable {
 public:
  /// Places [first, last) of whatever the owner keeps in order.
  struct Range {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };

  KeyTable();
  /// The range of `key`, which becomes `range` if the key is new. Holds
  /// until the next insert.
  Range& insert(std::string_view key, Range range);
  /// The range of `key`, or nullptr.
  const Range* find(std::string_view key) const;

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint64_t key_start = 0;
    std::uint32_t key_size = 0;
    std::uint32_t is_taken = 0;
    Range range;
  };

  std::uint64_t hash_of(std::string_view key) const;
  void grow();
  bool holds(const Slot& slot, std::uint64_t hash, std::string_view key) const;

  std::vector<Slot> slots_;  ///< a power of two of them, at most half filled
  std::size_t count_ = 0;
  std::string keys_;
  std::string secret_;
};

}  // namespace spend

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spend {

/// A hash table from text to a range of places; nothing is ever taken out. The keys lie packed in one string, what
/// belongs to them in the order in which they came, and the table proper is four bytes a place: a few thousand keys
/// take up little memory, which a new process first has to be given, and a lookup touches three cache lines however
/// large the table is; a table of nodes touches five, which is what made lookups slower with every model.
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
  std::size_t size() const { return entries_.size(); }
  /// The key that was inserted as number i, from 0. Holds until the next insert.
  std::string_view key(std::size_t i) const {
    return std::string_view(keys_).substr(entries_[i].key_start, entries_[i].key_size);
  }

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::uint64_t key_start = 0;
    std::uint32_t key_size = 0;
    Range range;
  };

  void grow();
  /// Where the key is, or where it would be put: there the place is 0.
  std::size_t place_of(std::uint64_t hash, std::string_view key) const;

  std::vector<std::uint32_t>
      places_;  ///< number of an entry plus one, or 0; a power of two of them, at most half filled
  std::vector<Entry> entries_;
  std::string keys_;
};

}  // namespace spend

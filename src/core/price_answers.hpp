#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/large_pages.hpp"
#include "core/model_resolver.hpp"
#include "core/price_table.hpp"

namespace spend {

/// What a caller knows about the thing to be priced; text as sent, "" where unknown.
struct SkuQuery {
  std::string_view provider = {};  ///< "" when unknown: the only provider of the model, else its maker
  std::string_view model = {};
  std::string_view surface = {};
  std::string_view region = {};
  std::string_view service_tier = {};  ///< "" means standard; vendors' other names too (sku_key.hpp)
  std::string_view speed = {};
  std::string_view variant = {};
};

/// The price that a query has for some time.
struct PriceAnswer {
  Timestamp from = timestamp_min;
  Timestamp until = timestamp_max;
  const PriceEntry* entry = nullptr;
  const std::string* fallback = nullptr;  ///< see PriceMatch; never null in an answer that was found
  PlainPrice plain;                       ///< of the entry's price
  MatchedBy matched_by = MatchedBy::none;

  bool holds_at(Timestamp at) const { return from <= at && (at < until || until == timestamp_max); }
};

/// Remembers what queries came to, by the bytes that were sent: rows come with the same few thousand names again and
/// again, and neither normalising a name nor finding its SKU needs to be done twice. An answer lies in one piece with
/// the bytes that it belongs to, so that one read of memory brings both, however many there are.
///
/// Bounded: it forgets all when it is full. Queries are equal when all their bytes are; the hash, keyed with a secret,
/// only says where to look.
class PriceAnswers {
 public:
  /// The answer that holds at that time, valid until the next call of remember(); or nullptr.
  const PriceAnswer* find(const SkuQuery& query, Timestamp at) const;
  /// Remembers what find() did not find; the answer's fallback is taken from the text. Null for a query too long to be
  /// kept.
  const PriceAnswer* remember(const SkuQuery& query, PriceAnswer answer, std::string_view fallback);

  static constexpr std::size_t most_answers = 131'072;
  static constexpr std::size_t most_text_bytes = 16 * 1024 * 1024;  ///< of what does not fit into the answers
  /// Answers of one query for different times; where there are more, the last one gives way.
  static constexpr std::size_t most_times = 8;

 private:
  static constexpr std::uint32_t nowhere = UINT32_MAX;
  static constexpr std::size_t short_key_bytes = 48;
  static constexpr std::size_t longest_key = 2048;

  /// What a query is told apart by: provider and model, and the other parts as one text, mostly empty.
  struct Key {
    std::string_view provider;
    std::string_view model;
    std::string_view others;
    std::size_t size() const { return provider.size() + model.size() + others.size(); }
  };
  /// Three cache lines: the key, then what is compared and multiplied.
  struct alignas(64) Slot {
    std::uint16_t provider_size = 0;
    std::uint16_t model_size = 0;
    std::uint16_t others_size = 0;
    std::uint32_t next = nowhere;  ///< the same query at another time
    union {
      std::array<char, short_key_bytes> short_key;
      const char* long_key;
    };
    PriceAnswer answer;

    bool has(const Key& key) const;
  };
  static_assert(sizeof(Slot) == 192);
  /// Which slot to look into for a hash: its number plus one, and above it some bits of the hash, so that other slots
  /// are seldom looked into; 0 where there is none. Small, so that all places stay near.
  using Place = std::uint32_t;
  static constexpr int slot_bits = 18;
  static_assert(most_answers < (1U << slot_bits));
  static constexpr std::uint32_t tag_of(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash >> 32U) & ~((1U << slot_bits) - 1);
  }
  static constexpr std::uint32_t slot_of(Place place) { return (place & ((1U << slot_bits) - 1)) - 1; }

  Key key_of(const SkuQuery& query) const;
  [[gnu::noinline]] Key with_others(const SkuQuery& query) const;
  std::uint64_t hash_of(const Key& key) const;
  /// The first slot of the query, or nowhere.
  std::uint32_t first_of(const Key& key, std::uint64_t hash) const;
  void put(std::uint64_t hash, Place place);
  const std::string* keep(std::string text);
  void clear();
  void grow();

  std::uint64_t secret_ = 0;
  std::vector<Place, LargePages<Place>> places_;  ///< a power of two of them, at most half filled
  std::size_t queries_ = 0;
  std::vector<Slot, LargePages<Slot>> slots_;
  std::vector<std::uint64_t> hashes_;  ///< of the slots' keys
  std::deque<std::string> texts_;      ///< long keys and fallbacks
  std::size_t text_bytes_ = 0;
  mutable std::string others_;  // room for a key's
};

}  // namespace spend

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
#include "core/short_text.hpp"

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

/// The price that a query has for some time, in one cache line.
struct alignas(64) PriceAnswer {
  Timestamp from = timestamp_min;
  Timestamp until = timestamp_max;
  const PriceEntry* entry = nullptr;
  std::uint32_t next = 0;         ///< of PriceAnswers: the same query at another time
  std::uint32_t fallback = 0;     ///< see PriceAnswers::fallback_of()
  std::uint16_t kind_number = 0;  ///< see PriceAnswers::kind_of(); 0: the price has no plain cost, or not in this form
  MatchedBy matched_by = MatchedBy::none;
  std::uint8_t scale = 0;
  /// Of the entry's PlainPrice.
  std::array<std::int32_t, PlainPrice::max_multipliers> multipliers{};

  bool holds_at(Timestamp at) const { return from <= at && (at < until || until == timestamp_max); }
};
static_assert(sizeof(PriceAnswer) == 64);

/// Remembers what queries came to, by the bytes that were sent: rows come with the same few thousand names again and
/// again, and neither normalising a name nor finding its SKU needs to be done twice. An answer lies beside the bytes
/// that it belongs to, so that one read of memory brings both, however many there are.
///
/// Bounded: it forgets all when it is full. Queries are equal when all their bytes are; the hash, keyed with a secret,
/// only says where to look.
class PriceAnswers {
 public:
  /// The answer that holds at that time, valid until the next call of remember(); or nullptr.
  const PriceAnswer* find(const SkuQuery& query, Timestamp at) const;
  /// Remembers what find() did not find. Null for a query too long to be kept.
  const PriceAnswer* remember(const SkuQuery& query, const PriceEntry& entry, MatchedBy matched_by, Timestamp from,
                              Timestamp until, std::string_view fallback);
  /// See PriceMatch.
  const std::string& fallback_of(const PriceAnswer& answer) const { return texts_[answer.fallback]; }
  const PlainPrice::Kind& kind_of(const PriceAnswer& answer) const { return kinds_[answer.kind_number]; }

  /// find() in two steps for who has something to do while memory is fetched, and for queries that say nothing but
  /// provider and model.
  class Search {
   public:
    Search(const PriceAnswers& answers, std::string_view provider, std::string_view model);
    const PriceAnswer* answer(Timestamp at) const;

   private:
    const PriceAnswers& answers_;
    std::string_view provider_;
    std::string_view model_;
    std::uint64_t hash_;
    bool is_possible_;
  };

  static constexpr std::size_t most_answers = 131'070;
  static constexpr std::size_t most_text_bytes = 16 * 1024 * 1024;  ///< of what does not fit beside the answers
  /// Answers of one query for different times; where there are more, the last one gives way.
  static constexpr std::size_t most_times = 8;

 private:
  static constexpr std::uint32_t nowhere = 0;
  static constexpr std::size_t short_key_bytes = 48;
  static constexpr std::size_t longest_key = 2048;

  /// What a query is told apart by: provider and model, and the other parts as one text, mostly empty.
  struct Key {
    std::string_view provider;
    std::string_view model;
    std::string_view others;
    std::size_t size() const { return provider.size() + model.size() + others.size(); }
  };
  struct StoredKey {
    std::uint64_t hash;
    std::uint64_t sizes;  ///< see sizes_of()
    union {
      std::array<char, short_key_bytes> short_bytes;
      const char* long_bytes;
    };

    bool is(const Key& key) const;
  };
  /// Keys and answers, each a cache line: behind a key stands its first answer. The first one stays unused.
  union alignas(64) Cell {
    Cell() : answer() {}
    StoredKey key;
    PriceAnswer answer;
  };
  static_assert(sizeof(Cell) == 64);
  /// Which key to look at for a hash: the number of its cell, and above it some bits of the hash, so that other keys
  /// are seldom looked at; 0 where there is none. Small, so that all places stay near.
  using Place = std::uint32_t;
  static constexpr int cell_bits = 18;
  static constexpr std::size_t most_cells = std::size_t{1} << cell_bits;
  static_assert(2 * most_answers + 1 < most_cells);
  static constexpr Place tag_of(std::uint64_t hash) {
    return static_cast<Place>(hash >> 32U) & ~static_cast<Place>(most_cells - 1);
  }
  static constexpr std::uint32_t cell_of(Place place) { return place & static_cast<Place>(most_cells - 1); }

  /// All sizes of a key in one word. Precondition: it is no longer than longest_key.
  static std::uint64_t sizes_of(const Key& key);
  Key key_of(const SkuQuery& query) const;
  [[gnu::noinline]] Key with_others(const SkuQuery& query) const;
  std::uint64_t hash_of(const Key& key) const;
  /// The cell of the query's first answer, or nowhere.
  std::uint32_t first_of(const Key& key, std::uint64_t hash) const;
  const PriceAnswer* answer_of(const Key& key, std::uint64_t hash, Timestamp at) const;
  void put(std::uint64_t hash, std::uint32_t cell);
  std::uint32_t add_key(const Key& key, std::uint64_t hash);
  std::uint32_t keep(std::string text);
  std::uint16_t kind_number(const PlainPrice& plain);
  void clear();
  void grow();

  std::array<HashSecret, 3> secrets_{};
  std::vector<Place, LargePages<Place>> places_;  ///< a power of two of them, at most half filled
  std::vector<std::uint32_t> keys_;               ///< their cells
  std::vector<Cell, LargePages<Cell>> cells_;
  std::vector<PlainPrice::Kind> kinds_{PlainPrice::Kind()};
  std::deque<std::string> texts_{std::string()};  ///< long keys and fallbacks; first none
  std::size_t text_bytes_ = 0;
  mutable std::string others_;  // room for a key's
};

// Every row goes through what follows: in one piece it takes half of the time that it takes as calls.

inline std::uint64_t PriceAnswers::sizes_of(const Key& key) {
  return key.provider.size() | key.model.size() << 16U | key.others.size() << 32U;
}

inline bool PriceAnswers::StoredKey::is(const Key& key) const {
  if (sizes != sizes_of(key)) {
    return false;
  }
  const char* const bytes = key.size() > short_key_bytes ? long_bytes : short_bytes.data();
  return same_bytes(key.provider, bytes) && same_bytes(key.model, bytes + key.provider.size()) &&
         (key.others.empty() || same_bytes(key.others, bytes + key.provider.size() + key.model.size()));
}

inline std::uint64_t PriceAnswers::hash_of(const Key& key) const {
  std::uint64_t hash = hash_of_short(key.model, secrets_[0]) + hash_of_short(key.provider, secrets_[1]);
  if (!key.others.empty()) {
    hash += hash_of_short(key.others, secrets_[2]);
  }
  return hash ^ (hash >> 32U);
}

inline std::uint32_t PriceAnswers::first_of(const Key& key, std::uint64_t hash) const {
  const Place tag = tag_of(hash);
  for (std::size_t i = hash & (places_.size() - 1); places_[i] != 0; i = (i + 1) & (places_.size() - 1)) {
    if (((places_[i] ^ tag) >> cell_bits) == 0) {
      const std::uint32_t cell = cell_of(places_[i]);
      if (cells_[cell].key.is(key)) {
        return cell + 1;
      }
    }
  }
  return nowhere;
}

inline const PriceAnswer* PriceAnswers::answer_of(const Key& key, std::uint64_t hash, Timestamp at) const {
  for (std::uint32_t cell = first_of(key, hash); cell != nowhere; cell = cells_[cell].answer.next) {
    if (cells_[cell].answer.holds_at(at)) {
      return &cells_[cell].answer;
    }
  }
  return nullptr;
}

inline PriceAnswers::Search::Search(const PriceAnswers& answers, std::string_view provider, std::string_view model)
    : answers_(answers), provider_(provider), model_(model), hash_(0), is_possible_(false) {
  const Key key{provider, model, {}};
  is_possible_ = !answers.places_.empty() && key.size() != 0 && key.size() <= longest_key;
  if (is_possible_) {
    hash_ = answers.hash_of(key);
    const Place place = answers.places_[hash_ & (answers.places_.size() - 1)];
    __builtin_prefetch(&answers.cells_[cell_of(place)]);
    __builtin_prefetch(&answers.cells_[cell_of(place)] + 1);
  }
}

inline const PriceAnswer* PriceAnswers::Search::answer(Timestamp at) const {
  return is_possible_ ? answers_.answer_of({provider_, model_, {}}, hash_, at) : nullptr;
}

}  // namespace spend

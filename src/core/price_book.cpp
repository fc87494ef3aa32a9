#include "core/price_book.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/sku_key.hpp"
#include "core/text_key_ascii.hpp"

namespace spend {

namespace {

/// SipHash under a key of this book: the names are somebody's input, and a guessable hash would let them be chosen so
/// that every lookup walks one long chain.
class KeyedHash {
 public:
  using is_transparent = void;

  KeyedHash() {
    if (sodium_init() < 0) {
      throw std::bad_alloc();
    }
    crypto_shorthash_keygen(key_.data());
  }
  std::size_t operator()(std::string_view text) const {
    std::array<unsigned char, crypto_shorthash_BYTES> hash{};
    crypto_shorthash(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size(), key_.data());
    std::size_t result = 0;
    static_assert(sizeof(result) == sizeof(hash));
    std::memcpy(&result, hash.data(), sizeof(result));
    return result;
  }

 private:
  std::array<unsigned char, crypto_shorthash_KEYBYTES> key_{};
};

template <typename Value>
using KeyedMap = std::unordered_map<std::string, Value, KeyedHash, std::equal_to<>>;

/// The entries of one SKU: a range of Index::entries, ascending by valid_from.
struct Slot {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

constexpr std::size_t part(SkuPart which) {
  return static_cast<std::size_t>(which);
}

/// Parts that a lookup may give up, least telling first: a bit further up is given up only when all combinations below
/// it found nothing.
constexpr std::array relaxed_parts = {SkuPart::variant, SkuPart::speed, SkuPart::region, SkuPart::surface,
                                      SkuPart::service_tier};

constexpr std::string_view general_value(SkuPart which) {
  return which == SkuPart::service_tier ? std::string_view("standard") : std::string_view();
}

/// Normalises the parts of a query without allocating where they are ASCII and short, as nearly all are.
class NormalisedQuery {
 public:
  explicit NormalisedQuery(const SkuQuery& query) {
    const std::array<std::string_view, sku_part_count> raw = {
        query.provider, query.model, query.surface, query.region, query.service_tier, query.speed, query.variant};
    for (std::size_t i = 0; i < sku_part_count; ++i) {
      parts[i] = normalise(raw[i], i);
    }
    std::string_view& tier = parts[part(SkuPart::service_tier)];
    tier = canonical_service_tier(tier);
  }
  NormalisedQuery(const NormalisedQuery&) = delete;
  NormalisedQuery& operator=(const NormalisedQuery&) = delete;
  ~NormalisedQuery() = default;

  SkuParts parts;

 private:
  std::string_view normalise(std::string_view text, std::size_t i) {
    if (text.empty()) {
      return {};
    }
    if (text.size() <= room_.size() - used_) {
      char* const place = room_.data() + used_;
      if (const std::optional<std::size_t> length = ascii_text_key(text, place)) {
        used_ += *length;
        return {place, *length};
      }
    }
    if (long_parts_ == nullptr) {
      long_parts_ = std::make_unique<std::array<std::string, sku_part_count>>();
    }
    return (*long_parts_)[i] = text_key(text);
  }

  std::array<char, 384> room_;  // NOLINT: written before it is read
  std::size_t used_ = 0;
  std::unique_ptr<std::array<std::string, sku_part_count>> long_parts_;
};

/// The key of one probe, built in place where it is short.
class ProbeKey {
 public:
  std::string_view make(const SkuParts& parts) {
    std::size_t size = 0;
    for (const std::string_view text : parts) {
      size += key_part_size(text);
    }
    char* out = room_.data();
    if (size > room_.size()) {
      long_key_.resize(size);
      out = long_key_.data();
    }
    const std::string_view key(out, size);
    for (const std::string_view text : parts) {
      out = write_key_part(out, text);
    }
    return key;
  }

 private:
  std::array<char, 512> room_;  // NOLINT: written before it is read
  std::string long_key_;
};

struct Family {
  std::string_view prefix;
  bool whole_word;  ///< what follows must not be a letter or digit: "o1-mini", but not "o100"
  std::string_view maker;
};

constexpr std::array families = {
    Family{"gpt", true, "openai"},
    Family{"chatgpt", true, "openai"},
    Family{"o1", true, "openai"},
    Family{"o3", true, "openai"},
    Family{"o4", true, "openai"},
    Family{"codex", true, "openai"},
    Family{"computer-use", true, "openai"},
    Family{"dall-e", true, "openai"},
    Family{"davinci", true, "openai"},
    Family{"babbage", true, "openai"},
    Family{"omni-moderation", true, "openai"},
    Family{"sora", true, "openai"},
    Family{"text-embedding-3", true, "openai"},
    Family{"text-embedding-ada", true, "openai"},
    Family{"tts", true, "openai"},
    Family{"whisper", true, "openai"},
    Family{"claude", true, "anthropic"},
    Family{"gemini", true, "google"},
    Family{"gemma", false, "google"},
    Family{"imagen", true, "google"},
    Family{"veo", true, "google"},
    Family{"text-embedding-0", false, "google"},
    Family{"mistral", true, "mistral"},
    Family{"mixtral", true, "mistral"},
    Family{"ministral", true, "mistral"},
    Family{"magistral", true, "mistral"},
    Family{"codestral", true, "mistral"},
    Family{"devstral", true, "mistral"},
    Family{"pixtral", true, "mistral"},
    Family{"voxtral", true, "mistral"},
    Family{"open-mistral", true, "mistral"},
    Family{"open-mixtral", true, "mistral"},
    Family{"deepseek", true, "deepseek"},
    Family{"grok", true, "xai"},
    Family{"command", true, "cohere"},
    Family{"rerank", true, "cohere"},
    Family{"embed", true, "cohere"},
    Family{"c4ai", true, "cohere"},
    Family{"llama", false, "meta"},
    Family{"sonar", true, "perplexity"},
    Family{"nova", true, "amazon"},
    Family{"titan", true, "amazon"},
    Family{"qwen", false, "alibaba"},
    Family{"kimi", true, "moonshot"},
    Family{"glm", true, "zhipuai"},
    Family{"minimax", true, "minimax"},
    Family{"jamba", true, "ai21"},
    Family{"phi", true, "microsoft"},
    Family{"voyage", true, "voyage"},
};

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/// maker_of() for a model that is normalised already.
std::string_view maker_of_key(std::string_view model) {
  for (const Family& family : families) {
    const std::size_t length = family.prefix.size();
    if (model.starts_with(family.prefix) &&
        (!family.whole_word || model.size() == length || !is_word_character(model[length]))) {
      return family.maker;
    }
  }
  return {};
}

/// Names the parts that were given up and change what a call costs. Region and surface are left out: most prices are
/// the same in all regions and say so by naming none.
std::string describe_fallback(const SkuParts& wanted, unsigned relaxed) {
  constexpr std::array<std::pair<SkuPart, std::string_view>, 3> telling = {
      std::pair{SkuPart::service_tier, std::string_view("service_tier")},
      std::pair{SkuPart::speed, std::string_view("speed")},
      std::pair{SkuPart::variant, std::string_view("variant")},
  };
  std::string text;
  for (const auto& [which, name] : telling) {
    const auto place = std::find(relaxed_parts.begin(), relaxed_parts.end(), which) - relaxed_parts.begin();
    if ((relaxed >> static_cast<unsigned>(place) & 1U) != 0) {
      text += text.empty() ? "" : ", ";
      text += name;
      text += ' ';
      text += wanted[part(which)];
      text += " at standard";
    }
  }
  return text;
}

}  // namespace

struct PriceBook::Index {
  std::vector<PriceEntry> entries;
  KeyedMap<Slot> slots;                          ///< by sku key
  KeyedMap<std::vector<std::string>> providers;  ///< of each model, sorted

  const PriceEntry* valid_at(const Slot& slot, Timestamp at) const {
    const auto begin = entries.begin() + slot.first;
    const auto end = entries.begin() + slot.last;
    const auto after = std::upper_bound(
        begin, end, at, [](Timestamp time, const PriceEntry& entry) { return time < entry.valid_from; });
    if (after == begin) {
      return nullptr;
    }
    const PriceEntry& entry = *std::prev(after);
    return entry.valid_until > at || entry.valid_until == timestamp_max ? &entry : nullptr;
  }

  /// The provider meant by a query that names none; "" when several offer the model.
  std::string_view provider_of(const std::vector<std::string>& candidates, std::string_view model) const {
    if (candidates.size() == 1) {
      return candidates.front();
    }
    const std::string_view maker = maker_of_key(model);
    const auto found = std::lower_bound(candidates.begin(), candidates.end(), maker);
    return found != candidates.end() && *found == maker ? std::string_view(*found) : std::string_view();
  }

  const char* why_none(const SkuParts& wanted, bool sku_exists) const {
    if (sku_exists) {
      return "no price valid at that time";
    }
    const auto found = providers.find(wanted[part(SkuPart::model)]);
    const bool known = found != providers.end() &&
                       std::binary_search(found->second.begin(), found->second.end(), wanted[part(SkuPart::provider)]);
    return known ? "no price for that surface, region, service tier, speed or variant" : "unknown model";
  }
};

PriceBook::PriceBook() : index_(std::make_unique<Index>()) {}
PriceBook::~PriceBook() = default;
PriceBook::PriceBook(PriceBook&&) noexcept = default;
PriceBook& PriceBook::operator=(PriceBook&&) noexcept = default;

PriceBook PriceBook::build(std::vector<PriceEntry> entries) {
  struct Keyed {
    std::string key;
    PriceEntry* entry;
  };
  std::vector<Keyed> keyed;
  keyed.reserve(entries.size());
  for (PriceEntry& entry : entries) {
    keyed.push_back({sku_key(entry.sku), &entry});
  }
  std::sort(keyed.begin(), keyed.end(), [](const Keyed& a, const Keyed& b) {
    return a.key != b.key ? a.key < b.key : a.entry->valid_from < b.entry->valid_from;
  });

  PriceBook book;
  Index& index = *book.index_;
  index.entries.reserve(entries.size());
  index.slots.reserve(entries.size());
  for (Keyed& item : keyed) {
    const auto place = static_cast<std::uint32_t>(index.entries.size());
    std::vector<std::string>& providers = index.providers[text_key(item.entry->sku.model)];
    std::string provider = text_key(item.entry->sku.provider);
    index.entries.push_back(std::move(*item.entry));
    const auto [slot, is_new] = index.slots.try_emplace(std::move(item.key), Slot{place, place});
    slot->second.last = place + 1;
    if (is_new) {
      providers.push_back(std::move(provider));
    }
  }
  for (auto& [model, providers] : index.providers) {
    std::sort(providers.begin(), providers.end());
    providers.erase(std::unique(providers.begin(), providers.end()), providers.end());
  }
  return book;
}

PriceMatch PriceBook::find(const SkuQuery& query, Timestamp at) const {
  PriceMatch match;
  NormalisedQuery normalised(query);
  SkuParts& wanted = normalised.parts;
  const std::string_view model = wanted[part(SkuPart::model)];
  if (wanted[part(SkuPart::provider)].empty()) {
    const auto found = index_->providers.find(model);
    if (found == index_->providers.end()) {
      match.reason = "unknown model";
      return match;
    }
    wanted[part(SkuPart::provider)] = index_->provider_of(found->second, model);
    if (wanted[part(SkuPart::provider)].empty()) {
      match.reason = "ambiguous provider";
      return match;
    }
  }

  unsigned relaxable = 0;
  for (std::size_t i = 0; i < relaxed_parts.size(); ++i) {
    relaxable |= wanted[part(relaxed_parts[i])] != general_value(relaxed_parts[i]) ? 1U << i : 0U;
  }
  ProbeKey key;
  bool sku_exists = false;
  unsigned relaxed = 0;
  do {
    SkuParts tried = wanted;
    for (std::size_t i = 0; i < relaxed_parts.size(); ++i) {
      if ((relaxed & (1U << i)) != 0) {
        tried[part(relaxed_parts[i])] = general_value(relaxed_parts[i]);
      }
    }
    if (const auto found = index_->slots.find(key.make(tried)); found != index_->slots.end()) {
      sku_exists = true;
      match.entry = index_->valid_at(found->second, at);
      if (match.entry != nullptr) {
        match.fallback = describe_fallback(wanted, relaxed);
        return match;
      }
    }
    relaxed = (relaxed - relaxable) & relaxable;  // the next subset of the relaxable parts
  } while (relaxed != 0);

  match.reason = index_->why_none(wanted, sku_exists);
  return match;
}

std::size_t PriceBook::size() const {
  return index_->entries.size();
}

std::string_view PriceBook::maker_of(std::string_view model) {
  return maker_of_key(text_key(model));
}

}  // namespace spend

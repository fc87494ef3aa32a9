#include "core/price_book.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "core/key_table.hpp"
#include "core/model_makers.hpp"
#include "core/sku_key.hpp"
#include "core/text_key_ascii.hpp"

namespace spend {

namespace {

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

  std::array<char, 384> room_;  // written before it is read
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
  std::array<char, 512> room_;  // written before it is read
  std::string long_key_;
};

/// Names the parts that were given up and change what a call costs. Region and surface are left out: most prices are
/// the same in all regions and say so by naming none. So are parts that a condition of the price itself answers.
std::string describe_fallback(const SkuParts& wanted, unsigned relaxed, const Price& price) {
  constexpr std::array<std::pair<SkuPart, std::string_view>, 3> telling = {
      std::pair{SkuPart::service_tier, std::string_view("service_tier")},
      std::pair{SkuPart::speed, std::string_view("speed")},
      std::pair{SkuPart::variant, std::string_view("variant")},
  };
  std::string text;
  for (const auto& [which, name] : telling) {
    const auto place = std::find(relaxed_parts.begin(), relaxed_parts.end(), which) - relaxed_parts.begin();
    if ((relaxed >> static_cast<unsigned>(place) & 1U) != 0 && !price.answers(name, wanted[part(which)])) {
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
  std::vector<PriceEntry> entries;     ///< by SKU, then valid_from
  std::vector<std::string> providers;  ///< by model, then name
  KeyTable skus;                       ///< SKU key → its entries
  KeyTable models;                     ///< model → its providers

  const PriceEntry* valid_at(const KeyTable::Range& range, Timestamp at) const {
    const auto begin = entries.begin() + range.first;
    const auto after =
        std::upper_bound(begin, entries.begin() + range.last, at,
                         [](Timestamp time, const PriceEntry& entry) { return time < entry.valid_from; });
    if (after == begin) {
      return nullptr;
    }
    const PriceEntry& entry = *std::prev(after);
    return entry.valid_until > at || entry.valid_until == timestamp_max ? &entry : nullptr;
  }

  std::span<const std::string> providers_of(std::string_view model) const {
    const KeyTable::Range* const range = models.find(model);
    return range == nullptr ? std::span<const std::string>()
                            : std::span(providers).subspan(range->first, range->last - range->first);
  }

  const char* why_none(const SkuParts& wanted, bool sku_exists) const {
    if (sku_exists) {
      return "no price valid at that time";
    }
    const std::span<const std::string> known = providers_of(wanted[part(SkuPart::model)]);
    return std::binary_search(known.begin(), known.end(), wanted[part(SkuPart::provider)])
               ? "no price for that surface, region, service tier, speed or variant"
               : "unknown model";
  }
};

namespace {

/// The provider meant by a query that names none; "" when several offer the model and none of them is its maker.
std::string_view provider_meant(std::span<const std::string> candidates, std::string_view model) {
  if (candidates.size() == 1) {
    return candidates.front();
  }
  const std::string_view maker = maker_of_key(model);
  return std::binary_search(candidates.begin(), candidates.end(), maker) ? maker : std::string_view();
}

/// Which of relaxed_parts a query names at all, as bits.
unsigned relaxable_parts(const SkuParts& wanted) {
  unsigned relaxable = 0;
  for (std::size_t i = 0; i < relaxed_parts.size(); ++i) {
    relaxable |= wanted[part(relaxed_parts[i])] != general_value(relaxed_parts[i]) ? 1U << i : 0U;
  }
  return relaxable;
}

SkuParts relax(const SkuParts& wanted, unsigned relaxed) {
  SkuParts result = wanted;
  for (std::size_t i = 0; i < relaxed_parts.size() && relaxed != 0; ++i) {
    if ((relaxed & (1U << i)) != 0) {
      result[part(relaxed_parts[i])] = general_value(relaxed_parts[i]);
    }
  }
  return result;
}

/// Groups a sorted list of (key, anything): each key once with the places where it stands.
template <typename Item>
std::vector<std::pair<std::string, KeyTable::Range>> ranges_of(
    const std::vector<std::pair<std::string, Item>>& sorted) {
  std::vector<std::pair<std::string, KeyTable::Range>> ranges;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const auto place = static_cast<std::uint32_t>(i);
    if (ranges.empty() || ranges.back().first != sorted[i].first) {
      ranges.emplace_back(sorted[i].first, KeyTable::Range{place, place});
    }
    ranges.back().second.last = place + 1;
  }
  return ranges;
}

}  // namespace

PriceBook::PriceBook() : index_(std::make_unique<Index>()) {}
PriceBook::~PriceBook() = default;
PriceBook::PriceBook(PriceBook&&) noexcept = default;
PriceBook& PriceBook::operator=(PriceBook&&) noexcept = default;

PriceBook PriceBook::build(std::vector<PriceEntry> entries) {
  std::vector<std::pair<std::string, PriceEntry*>> skus;
  std::vector<std::pair<std::string, std::string>> models;
  skus.reserve(entries.size());
  models.reserve(entries.size());
  for (PriceEntry& entry : entries) {
    skus.emplace_back(sku_key(entry.sku), &entry);
    models.emplace_back(text_key(entry.sku.model), text_key(entry.sku.provider));
  }
  std::sort(skus.begin(), skus.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.second->valid_from < b.second->valid_from;
  });
  std::sort(models.begin(), models.end());
  models.erase(std::unique(models.begin(), models.end()), models.end());

  PriceBook book;
  Index& index = *book.index_;
  index.skus = KeyTable(ranges_of(skus));
  index.entries.reserve(skus.size());
  for (const auto& [key, entry] : skus) {
    index.entries.push_back(std::move(*entry));
  }
  index.models = KeyTable(ranges_of(models));
  index.providers.reserve(models.size());
  for (auto& [model, provider] : models) {
    index.providers.push_back(std::move(provider));
  }
  return book;
}

PriceMatch PriceBook::find(const SkuQuery& query, Timestamp at) const {
  PriceMatch match;
  NormalisedQuery normalised(query);
  SkuParts& wanted = normalised.parts;
  if (std::string_view& provider = wanted[part(SkuPart::provider)]; provider.empty()) {
    const std::span<const std::string> candidates = index_->providers_of(wanted[part(SkuPart::model)]);
    if (!candidates.empty()) {
      provider = provider_meant(candidates, wanted[part(SkuPart::model)]);
    }
    if (provider.empty()) {
      match.reason = candidates.empty() ? "unknown model" : "ambiguous provider";
      return match;
    }
  }
  const unsigned relaxable = relaxable_parts(wanted);
  ProbeKey key;
  bool sku_exists = false;
  unsigned relaxed = 0;
  do {
    if (const KeyTable::Range* const range = index_->skus.find(key.make(relax(wanted, relaxed)))) {
      sku_exists = true;
      match.entry = index_->valid_at(*range, at);
      if (match.entry != nullptr) {
        match.fallback = describe_fallback(wanted, relaxed, match.entry->price);
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

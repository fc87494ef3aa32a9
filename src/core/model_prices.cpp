#include "core/model_prices.hpp"

#include <algorithm>
#include <array>
#include <utility>

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

}  // namespace

ModelPrices::ModelPrices(std::vector<PriceEntry> entries) {
  std::vector<std::pair<std::string, PriceEntry*>> skus;
  skus.reserve(entries.size());
  for (PriceEntry& entry : entries) {
    skus.emplace_back(sku_key(entry.sku), &entry);
    providers_.push_back(text_key(entry.sku.provider));
  }
  std::sort(providers_.begin(), providers_.end());
  providers_.erase(std::unique(providers_.begin(), providers_.end()), providers_.end());
  std::sort(skus.begin(), skus.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.second->valid_from < b.second->valid_from;
  });
  entries_.reserve(skus.size());
  for (std::size_t i = 0; i < skus.size(); ++i) {
    const auto place = static_cast<std::uint32_t>(i);
    skus_.insert(skus[i].first, {place, place}).last = place + 1;
    entries_.push_back(std::move(*skus[i].second));
  }
}

ModelPrices::Validity ModelPrices::valid_at(const KeyTable::Range& range, Timestamp at) const {
  const auto begin = entries_.begin() + range.first;
  const auto end = entries_.begin() + range.last;
  const auto after =
      std::upper_bound(begin, end, at, [](Timestamp time, const PriceEntry& entry) { return time < entry.valid_from; });
  const Timestamp next = after == end ? timestamp_max : after->valid_from;
  if (after == begin) {
    return {nullptr, timestamp_min, next};
  }
  const PriceEntry& entry = *std::prev(after);
  if (entry.valid_until > at || entry.valid_until == timestamp_max) {
    return {&entry, entry.valid_from, std::min(entry.valid_until, next)};
  }
  return {nullptr, entry.valid_until, next};
}

SkuMatch ModelPrices::find(const SkuParts& wanted, Timestamp at, bool keep_variant) const {
  SkuMatch match;
  unsigned relaxable = relaxable_parts(wanted);
  if (keep_variant) {
    relaxable &= ~1U;  // the variant is the first of relaxed_parts
  }
  ProbeKey key;
  bool sku_exists = false;
  unsigned relaxed = 0;
  do {
    if (const KeyTable::Range* const range = skus_.find(key.make(relax(wanted, relaxed)))) {
      sku_exists = true;
      const Validity valid = valid_at(*range, at);
      match.entry = valid.entry;
      match.from = std::max(match.from, valid.from);
      match.until = std::min(match.until, valid.until);
      if (match.entry != nullptr) {
        match.fallback = describe_fallback(wanted, relaxed, match.entry->price);
        return match;
      }
    }
    relaxed = (relaxed - relaxable) & relaxable;  // the next subset of the relaxable parts
  } while (relaxed != 0);
  match.reason =
      sku_exists ? "no price valid at that time" : "no price for that surface, region, service tier, speed or variant";
  return match;
}

bool ModelPrices::has_variant(std::string_view provider, std::string_view variant) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const PriceEntry& entry) {
    return text_key(entry.sku.variant) == variant && text_key(entry.sku.provider) == provider;
  });
}

}  // namespace spend

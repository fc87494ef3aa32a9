#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/price_table.hpp"
#include "core/text_key.hpp"

namespace spend {

/// The parts of a SKU in the order of the key.
enum class SkuPart : std::uint8_t { provider, model, surface, region, service_tier, speed, variant };
constexpr std::size_t sku_part_count = 7;

/// Normalised parts of a SKU or of a query for one.
using SkuParts = std::array<std::string_view, sku_part_count>;

/// The service tier under which vendors' other names of it are filed. Both arguments normalised; provider "" when
/// unknown. "auto" and "standard_only" are what a request may ask for; where the response did not say what served it,
/// standard did. OpenAI also calls its priority tier "fast".
constexpr std::string_view canonical_service_tier(std::string_view tier, std::string_view provider = {}) {
  if (tier.empty() || tier == "default" || tier == "on_demand" || tier == "auto" || tier == "standard_only") {
    return "standard";
  }
  if (tier == "on_demand_priority" || (tier == "fast" && (provider == "openai" || provider == "azure"))) {
    return "priority";
  }
  return tier == "on_demand_flex" ? std::string_view("flex") : tier;
}

constexpr std::size_t key_part_size(std::string_view part) {
  return sizeof(std::uint32_t) + part.size();
}

/// Writes one part of a key and returns the place after it. Length-prefixed, so that no two different SKUs share a key
/// whatever characters they hold.
inline char* write_key_part(char* out, std::string_view part) {
  const auto length = static_cast<std::uint32_t>(part.size());
  std::memcpy(out, &length, sizeof(length));
  return std::copy(part.begin(), part.end(), out + sizeof(length));
}

inline void append_key_part(std::string& key, std::string_view part) {
  const std::size_t place = key.size();
  key.resize(place + key_part_size(part));
  write_key_part(key.data() + place, part);
}

/// The key under which two entries are the same SKU.
inline std::string sku_key(const Sku& sku) {
  std::string key;
  const std::string provider = text_key(sku.provider);
  append_key_part(key, provider);
  for (const std::string* const part : {&sku.model, &sku.surface, &sku.region}) {
    append_key_part(key, text_key(*part));
  }
  const std::string tier = text_key(sku.service_tier);
  append_key_part(key, canonical_service_tier(tier, provider));
  append_key_part(key, text_key(sku.speed));
  append_key_part(key, text_key(sku.variant));
  return key;
}

}  // namespace spend

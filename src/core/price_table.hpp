#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/price.hpp"
#include "core/status.hpp"
#include "core/timestamp.hpp"

namespace spend {

/// The parts that name one priced thing; "" where a part does not apply.
struct Sku {
  std::string provider;
  std::string model;
  std::string surface;
  std::string region;
  std::string service_tier = "standard";
  std::string speed;
  std::string variant;
  friend bool operator==(const Sku&, const Sku&) = default;
  friend std::strong_ordering operator<=>(const Sku&, const Sku&) = default;
};

/// One price of one SKU, valid in [valid_from, valid_until).
struct PriceEntry {
  Sku sku;
  Timestamp valid_from = timestamp_min;
  Timestamp valid_until = timestamp_max;
  Price price;
  std::int64_t price_id = 0;  ///< row of spend.prices; 0 in a price_table value
  friend bool operator==(const PriceEntry&, const PriceEntry&) = default;
};

/// A whole rate card as one value.
/// JSON: {"prices": [{"provider": "openai", "model": "gpt-4o", "region": "", "service_tier": "standard", "surface": "",
/// "speed": "", "variant": "", "valid_from": "2025-06-10T00:00:00Z", "valid_until": …, "price": {…}}, …]}.
/// provider, model and price are required. Timestamps: RFC 3339 with offset, or a date (UTC midnight), or
/// "-infinity"/"infinity". Canonical: entries sorted by SKU, then valid_from; default fields left out. Two overlapping
/// entries of one SKU (compared by normalised text, see text_key.hpp) are refused with both named.
class PriceTable {
 public:
  static constexpr std::size_t max_json_bytes = 16 * 1024 * 1024;
  static constexpr std::size_t max_entries = 200'000;

  static Result<PriceTable> from_json(std::string_view json);
  static Result<PriceTable> from_entries(std::vector<PriceEntry> entries);
  std::string to_json() const;

  /// Storage image: version byte, zero byte, 16-byte BLAKE2b digest of the canonical JSON, canonical JSON. The wire
  /// image is the same without the digest: a digest is never taken from outside.
  static constexpr std::size_t storage_header_bytes = 18;
  static Result<PriceTable> from_wire(std::span<const std::byte> wire);
  std::string to_wire() const;
  std::string to_storage() const;
  /// Precondition: an image made by to_storage().
  static Result<PriceTable> from_storage(std::span<const std::byte> storage);

  const std::vector<PriceEntry>& entries() const { return entries_; }

 private:
  std::vector<PriceEntry> entries_;
};

}  // namespace spend

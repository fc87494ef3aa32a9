#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.hpp"

namespace spend {

/// A 128-bit content hash (BLAKE2b, 16 bytes): cryptographic, because a crafted collision would book one team's cost on
/// another.
using Hash128 = std::array<std::uint8_t, 16>;
Hash128 content_hash(std::string_view bytes);

/// For tables by ids that are such hashes: any part of them is one.
struct HashOfId {
  std::size_t operator()(const Hash128& id) const noexcept {
    std::size_t hash;
    std::memcpy(&hash, id.data(), sizeof hash);
    return hash;
  }
};

/// One dimension of a row with its normalised, non-empty value.
struct DimensionValue {
  std::string name;
  std::string value;
  friend auto operator<=>(const DimensionValue&, const DimensionValue&) = default;
};

/// The dimension values of a row, sorted by name, none empty, no name twice.
class Dimensions {
 public:
  /// Normalises with text_key(); an empty result is not stored. A later call for the same name replaces.
  void set(std::string_view name, std::string_view raw_value);
  /// Stores a value that is already normalised.
  void set_normalised(std::string_view name, std::string value);
  const std::string* find(std::string_view name) const;
  const std::vector<DimensionValue>& values() const { return values_; }

  /// Canonical bytes: per value length-prefixed name and value (32-bit little-endian lengths), so that no two different
  /// sets share an image; and their hash, the deterministic attribution id. The empty set has an id too.
  std::string canonical() const;
  Hash128 attribution_id() const;

  /// {"team": "search", …} for spend.attributions, and back. from_json reads what to_json wrote.
  std::string to_json() const;
  /// Errors: limit_exceeded, invalid_text, invalid_value naming a dimension whose value is not text.
  static Result<Dimensions> from_json(std::string_view json);
  static constexpr std::size_t max_json_bytes = 1024 * 1024;

  friend bool operator==(const Dimensions&, const Dimensions&) = default;

 private:
  std::vector<DimensionValue> values_;
};

}  // namespace spend

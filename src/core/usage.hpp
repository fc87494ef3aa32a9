#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/decimal.hpp"
#include "core/meters.hpp"
#include "core/status.hpp"

namespace spend {

/// The quantities of one usage row (or of a sum of rows) by meter; counts are inclusive (a parent contains its
/// children). Canonical: entries in meter order, one per meter, zeros dropped; equal usages have equal images. Two
/// kinds of zero are kept, because absence says something else: that of a meter with two parents
/// ({"cache_audio_read_tokens": 0}: no cached token is audio; absent: some may be) and {"requests": 0} (absent: one).
class Usage {
 public:
  struct Entry {
    const MeterInfo* known = nullptr;  ///< null for a meter outside the registry
    std::string custom_name;           ///< set only when known is null
    Decimal quantity;
    std::string_view meter() const { return known != nullptr ? known->name : std::string_view(custom_name); }
  };
  static constexpr std::size_t max_json_bytes = 64 * 1024;
  static constexpr std::size_t max_meters = 256;

  /// JSON object of meter → number (a string holding a number is accepted too: OpenTelemetry exporters write ints so).
  /// Errors name the offending meter: invalid_text, invalid_value (negative, bad meter name, duplicate key),
  /// out_of_range, limit_exceeded.
  static Result<Usage> from_json(std::string_view json);
  /// Canonical JSON: {"input_tokens": 1200, "output_tokens": 350}; "{}" when empty.
  std::string to_json() const;

  /// Storage and wire image: version byte, zero byte, count, entries. Errors of from_image: invalid_binary, for every
  /// byte string that to_image would not produce (truncated, trailing bytes, order, zero quantity, unnormalised
  /// decimal, bad name).
  static Result<Usage> from_image(std::span<const std::byte> image);
  std::string to_image() const;

  /// Sets one meter; a zero that is not kept (see above) removes it. Precondition: is_meter_name(meter).
  void set(std::string_view meter, Decimal quantity);
  /// The same for a known meter, without a lookup.
  void set(const MeterInfo& meter, Decimal quantity);
  /// Adds every quantity of `other`. Errors: out_of_range, naming the meter; limit_exceeded beyond max_meters. On error
  /// *this is unchanged.
  [[nodiscard]] std::optional<Error> add(const Usage& other);

  /// Empties it; the memory is kept.
  void clear() { entries_.clear(); }

  const Decimal* find(std::string_view meter) const;  ///< null when the meter is absent
  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

  friend bool operator==(const Usage& a, const Usage& b);

 private:
  /// The common case of an aggregate, without allocation: sets all_present when *this has every meter of `other` (and
  /// an error is final), else changes nothing.
  std::optional<Error> add_in_place(const Usage& other, bool& all_present);
  std::optional<Error> add_merging(const Usage& other);

  std::vector<Entry> entries_;
};

}  // namespace spend

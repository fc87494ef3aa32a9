#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "core/plain_price.hpp"
#include "core/short_text.hpp"

namespace spend {

/// The meters that a stored usage names, in the order of its image. Apps send a handful of shapes, in which only the
/// counts differ from row to row: so what a shape says is worked out once, and what a kind of price bills of it once
/// for both. Of a row that leaves comparing names as they stand, checking that parts fit into what contains them, and
/// a multiplication per rate.
class UsageShape {
 public:
  static constexpr std::size_t most_meters = 7;
  /// In the order of the meters, and a one after the last: a call that the usage does not count is one.
  using Counts = std::array<std::uint64_t, most_meters + 1>;

  /// Becomes the shape of a usage; false for one that PlainCounts does not read, or with too many meters.
  bool learn(std::span<const std::byte> usage_image);

  /// The counts of a usage of this shape; false for every other one, and for one that PlainCounts does not read.
  bool read(std::span<const std::byte> usage_image, Counts& counts) const {
    const auto* at = reinterpret_cast<const char*>(usage_image.data());
    const char* const end = at + usage_image.size();
    if (usage_image.size() < head_bytes || std::memcmp(at, head_.data(), head_bytes) != 0) {
      return false;
    }
    at += head_bytes;
    for (std::size_t i = 0; i < size_; ++i) {
      const Entry& entry = entries_[i];
      if (end - at <= std::ptrdiff_t{entry.size} || !same_bytes({at, entry.size}, entry.bytes.data())) {
        return false;
      }
      at += entry.size;
      const std::size_t bytes = static_cast<unsigned char>(*at);
      if (bytes - 1 >= PlainCounts::max_bits / 8 || end - at <= static_cast<std::ptrdiff_t>(bytes)) {
        return false;
      }
      at += 1 + bytes;
      // The count is the end of the eight bytes that end here, and there are as many before it.
      const std::uint64_t word = little_endian(at - sizeof word);
      if ((word >> 56U) == 0) {
        return false;
      }
      counts[i] = word >> (64 - 8 * bytes);
    }
    counts[size_] = 1;
    return at == end;
  }

  using Multipliers = std::array<std::int32_t, PlainPrice::max_multipliers>;
  /// What PlainPrice::cost() makes of these counts, its multipliers being small. `kind` is that of the price, and
  /// `number` tells it from all others that this shape is asked about.
  std::optional<std::uint64_t> amount(const Counts& counts, const PlainPrice::Kind& kind, std::uint16_t number,
                                      const Multipliers& multipliers) {
    Billing& billing = billings_[number % billings_.size()];
    if (!billing.is_known || billing.kind_number != number) {
      billing = billing_of(kind, number);
    }
    bool fits = billing.is_plain;
    if (part_count_ > 0) {
      Counts left = counts;
      for (std::size_t i = 0; i < part_count_; ++i) {
        const Part part = parts_[i];
        fits &= left[part.around] >= counts[part.place];
        left[part.around] -= counts[part.place];
      }
    }
    // Seven products of 56 and 32 bits: none of it overflows, and only the result has to fit 63 bits.
    i128 sum = 0;
    for (std::size_t i = 0; i < billing.size; ++i) {
      const Term term = billing.terms[i];
      sum += static_cast<i128>(static_cast<std::int64_t>(counts[term.place])) * multipliers[term.multiplier];
    }
    fits &= static_cast<std::uint64_t>(sum >> 63U) == 0;
    return fits ? std::optional(static_cast<std::uint64_t>(sum)) : std::nullopt;
  }

 private:
  static constexpr std::size_t head_bytes = 4;  ///< version, zero byte, number of entries
  /// What stands before a count: the length of a name and the name, a scale of zero.
  struct Entry {
    std::array<char, 31> bytes;
    std::uint8_t size;
  };
  struct Part {
    std::uint8_t place;
    std::uint8_t around;  ///< place of the meter that contains it
  };
  struct Term {
    std::uint8_t place;
    std::uint8_t multiplier;
  };
  struct Billing {
    std::uint16_t kind_number = 0;
    bool is_known = false;
    bool is_plain = false;
    std::uint8_t size = 0;
    std::array<Term, PlainPrice::max_multipliers> terms{};
  };

  static std::uint64_t little_endian(const char* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return std::endian::native == std::endian::little ? word : __builtin_bswap64(word);
  }
  void find_parts();
  std::size_t place_of(std::size_t meter) const;
  Billing billing_of(const PlainPrice::Kind& kind, std::uint16_t number) const;

  std::array<char, head_bytes> head_{};
  std::uint8_t size_ = 0;
  std::uint8_t part_count_ = 0;
  bool holds_parts_ = true;  ///< no part is there without what contains it
  MeterSet present_ = 0;
  std::array<std::uint8_t, most_meters> meters_{};
  std::array<Part, most_meters> parts_{};
  std::array<Billing, 8> billings_{};
  std::array<Entry, most_meters> entries_{};
};

/// The shapes that were met last.
class UsageShapes {
 public:
  /// The shape of a usage, and its counts; or nullptr. Valid until the next call.
  UsageShape* read(std::span<const std::byte> usage_image, UsageShape::Counts& counts) {
    return shapes_[last_].read(usage_image, counts) ? &shapes_[last_] : find(usage_image, counts);
  }

 private:
  UsageShape* find(std::span<const std::byte> usage_image, UsageShape::Counts& counts);

  std::size_t last_ = 0;
  std::size_t oldest_ = 0;
  std::array<UsageShape, 12> shapes_{};
};

}  // namespace spend

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/lattice.hpp"
#include "core/meter_table.hpp"
#include "core/usage.hpp"

namespace spend {

static_assert(meter_table.size() <= 64, "known meters are kept as bits of one word");

/// The quantities of a usage that is nothing but whole numbers of known meters, as nearly all are: counts by their
/// place in the registry. Everything lives in place; the same usage read from its stored image is not taken apart
/// first.
class PlainCounts {
 public:
  /// A count is below this, so that a few of them add up without overflow.
  static constexpr int max_bits = 56;

  /// False when the usage is none of these: another meter, a fraction, a large number, or no valid image.
  bool read(std::span<const std::byte> usage_image);
  bool read(const Usage& usage);
  /// Sets a count that is not there. Precondition: it is not 0, and has at most max_bits.
  void set(std::size_t meter, std::uint64_t count) {
    present_ |= bit(meter);
    count_[meter] = count;
  }

  /// Bit i for meter_table[i].
  MeterSet present() const { return present_; }
  /// Precondition: present.
  std::uint64_t operator[](std::size_t meter) const { return count_[meter]; }

 private:
  bool add(const MeterInfo* meter, std::uint64_t count) {
    if (meter == nullptr || count == 0) {
      return false;
    }
    const std::size_t place = index_of(*meter);
    if ((present_ & bit(place)) != 0) {
      return false;
    }
    set(place, count);
    return true;
  }

  MeterSet present_ = 0;
  std::array<std::uint64_t, 64> count_;  // valid where present
};

}  // namespace spend

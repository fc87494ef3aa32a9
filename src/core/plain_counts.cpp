#include "core/plain_counts.hpp"

#include <bit>
#include <cstring>
#include <string_view>

#include "core/image.hpp"
#include "core/meter_lookup.hpp"

namespace spend {

namespace {

/// `size` little-endian bytes, 1 to 7, of which `left` can be read.
std::uint64_t little_endian(const unsigned char* at, std::size_t size, std::size_t left) {
  if (std::endian::native == std::endian::little && left >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word & ((std::uint64_t{1} << (8 * size)) - 1);
  }
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) {
    value = value << 8U | at[i];
  }
  return value;
}

}  // namespace

// The image is that of Usage::to_image(): version, zero byte, number of entries in two bytes; an entry is the length of
// a name and the name, scale, number of bytes, and those bytes of the coefficient.
bool PlainCounts::read(std::span<const std::byte> usage_image) {
  const auto* at = reinterpret_cast<const unsigned char*>(usage_image.data());
  std::size_t left = usage_image.size();
  if (left < 4 || at[0] != image_version || at[1] != 0) {
    return false;
  }
  std::size_t entries = at[2] | static_cast<std::size_t>(at[3]) << 8U;
  at += 4;
  left -= 4;
  for (; entries > 0; --entries) {
    const std::size_t name_size = left > 0 ? at[0] : 0;
    const std::size_t head = 1 + name_size + 2;
    if (name_size == 0 || left < head) {
      return false;
    }
    const MeterInfo* const meter = look_up_meter({reinterpret_cast<const char*>(at) + 1, name_size});
    const unsigned scale = at[1 + name_size];
    const std::size_t size = at[2 + name_size];
    at += head;
    left -= head;
    if (scale != 0 || size == 0 || 8 * size > max_bits || left < size || at[size - 1] == 0 ||
        !add(meter, little_endian(at, size, left))) {
      return false;
    }
    at += size;
    left -= size;
  }
  return left == 0;
}

bool PlainCounts::read(const Usage& usage) {
  for (const Usage::Entry& entry : usage.entries()) {
    const u128 count = entry.quantity.coefficient();
    if (entry.quantity.scale() != 0 || (count >> max_bits) != 0 ||
        !add(entry.known, static_cast<std::uint64_t>(count))) {
      return false;
    }
  }
  return true;
}

}  // namespace spend

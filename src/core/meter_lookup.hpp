#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "core/meter_table.hpp"
#include "core/short_text.hpp"

namespace spend {

/// A hash table over the registry, filled at compile time.
namespace meter_slots {

inline constexpr std::size_t slot_count = 256;

/// Up to eight bytes of a name as a number. The compiler fills the table below from the same numbers, so they are made
/// alike whatever the byte order; where that is the machine's own, one load does it.
constexpr std::uint64_t word_at(std::string_view name, std::size_t start) {
  const std::size_t count = name.size() - start < 8 ? name.size() - start : 8;
  if (!std::is_constant_evaluated() && std::endian::native == std::endian::little && count == 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, name.data() + start, sizeof word);
    return word;
  }
  std::uint64_t word = 0;
  for (std::size_t i = count; i-- > 0;) {
    word = word << 8U | static_cast<unsigned char>(name[start + i]);
  }
  return word;
}

/// The first bytes, the last bytes and the length tell known names apart nearly always; a probe ends at an empty slot
/// after a few steps.
constexpr std::size_t slot_of(std::string_view name) {
  const std::uint64_t first = word_at(name, 0);
  const std::uint64_t last = word_at(name, name.size() < 8 ? 0 : name.size() - 8);
  const std::uint64_t mixed = (first ^ (last * 0x9E3779B97F4A7C15U) ^ name.size()) * 0xD6E8FEB86659FD93U;
  return static_cast<std::size_t>(mixed >> 56U);
}
static_assert(slot_count == 256);

constexpr std::array<std::uint8_t, slot_count> make_slots() {
  std::array<std::uint8_t, slot_count> slots{};
  for (std::size_t i = 0; i < meter_table.size(); ++i) {
    std::size_t slot = slot_of(meter_table[i].name);
    while (slots[slot] != 0) {
      slot = (slot + 1) % slot_count;
    }
    slots[slot] = static_cast<std::uint8_t>(i + 1);
  }
  return slots;
}

inline constexpr std::array<std::uint8_t, slot_count> slots = make_slots();
static_assert(meter_table.size() < slot_count / 2, "the probe sequence must stay short");

}  // namespace meter_slots

/// find_meter() for a caller that looks up the meters of every row: small enough to be inlined.
inline const MeterInfo* look_up_meter(std::string_view name) {
  using namespace meter_slots;
  constexpr std::size_t longest_name = 63;
  if (name.size() > longest_name) {
    return nullptr;
  }
  for (std::size_t slot = slot_of(name); slots[slot] != 0; slot = (slot + 1) % slot_count) {
    const MeterInfo& candidate = meter_table[slots[slot] - 1U];
    if (candidate.name.size() == name.size() && same_bytes(name, candidate.name.data())) {
      return &candidate;
    }
  }
  return nullptr;
}

}  // namespace spend

#include "core/meters.hpp"

#include <array>
#include <cstddef>

#include "core/meter_table.hpp"

namespace spend {

namespace {

constexpr std::size_t slot_count = 256;

/// FNV-1a; the table below is filled at compile time, and a probe ends at an empty slot after a few steps.
constexpr std::size_t slot_of(std::string_view name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  }
  return (hash ^ (hash >> 15U)) % slot_count;
}

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

constexpr std::array<std::uint8_t, slot_count> slots = make_slots();
static_assert(meter_table.size() < slot_count / 2, "the probe sequence must stay short");

}  // namespace

std::span<const MeterInfo> known_meters() {
  return meter_table;
}

const MeterInfo* find_meter(std::string_view name) {
  constexpr std::size_t longest_name = 63;
  if (name.size() > longest_name) {
    return nullptr;
  }
  for (std::size_t slot = slot_of(name); slots[slot] != 0; slot = (slot + 1) % slot_count) {
    const MeterInfo& candidate = meter_table[slots[slot] - 1U];
    if (candidate.name == name) {
      return &candidate;
    }
  }
  return nullptr;
}

bool is_meter_name(std::string_view name) {
  if (name.empty() || name.size() > 63 || name.front() < 'a' || name.front() > 'z') {
    return false;
  }
  for (const char c : name) {
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_') {
      return false;
    }
  }
  return true;
}

bool meter_less(std::string_view a, std::string_view b) {
  const MeterInfo* const known_a = find_meter(a);
  const MeterInfo* const known_b = find_meter(b);
  if (known_a != nullptr || known_b != nullptr) {
    return known_b == nullptr || (known_a != nullptr && known_a < known_b);
  }
  return a < b;
}

}  // namespace spend

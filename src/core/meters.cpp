#include "core/meters.hpp"

#include <cstddef>

#include "core/meter_lookup.hpp"
#include "core/meter_table.hpp"

namespace spend {

std::span<const MeterInfo> known_meters() {
  return meter_table;
}

const MeterInfo* find_meter(std::string_view name) {
  return look_up_meter(name);
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

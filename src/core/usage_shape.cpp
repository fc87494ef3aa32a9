#include "core/usage_shape.hpp"

#include "core/lattice_shape.hpp"

namespace spend {

using lattice::none;
using lattice::shape;

bool UsageShape::learn(std::span<const std::byte> usage_image) {
  PlainCounts counts;
  if (!counts.read(usage_image)) {
    return false;
  }
  UsageShape learned;
  const auto* at = reinterpret_cast<const char*>(usage_image.data());
  std::memcpy(learned.head_.data(), at, head_bytes);
  at += head_bytes;
  for (const char* const end = at - head_bytes + usage_image.size(); at < end; ++learned.size_) {
    const std::size_t name_size = static_cast<unsigned char>(*at);
    const std::size_t size = 1 + name_size + 1;
    if (learned.size_ == most_meters || size > learned.entries_[0].bytes.size()) {
      return false;
    }
    Entry& entry = learned.entries_[learned.size_];
    entry.size = static_cast<std::uint8_t>(size);
    std::memcpy(entry.bytes.data(), at, size);
    learned.meters_[learned.size_] = static_cast<std::uint8_t>(index_of(*find_meter({at + 1, name_size})));
    at += size + 1 + static_cast<unsigned char>(at[size]);
  }
  learned.present_ = counts.present();
  learned.find_parts();
  *this = learned;
  return true;
}

std::size_t UsageShape::place_of(std::size_t meter) const {
  std::size_t place = 0;
  while (place < size_ && meters_[place] != meter) {
    ++place;
  }
  return place;
}

void UsageShape::find_parts() {
  for (std::uint8_t place = 0; place < size_; ++place) {
    const std::size_t meter = meters_[place];
    const std::size_t around = meter < tree_size ? shape.parents[meter][0] : none;
    if (around == none) {
      continue;
    }
    holds_parts_ = holds_parts_ && (present_ & bit(around)) != 0;
    parts_[part_count_++] = {place, static_cast<std::uint8_t>(place_of(around))};
  }
}

UsageShape::Billing UsageShape::billing_of(const PlainPrice::Kind& kind, std::uint16_t number) const {
  Billing billing{.kind_number = number, .is_known = true, .is_plain = holds_parts_ && kind.takes(present_)};
  std::uint8_t multiplier = 0;
  for_each_meter(billing.is_plain ? kind.rated : 0, [&](std::size_t meter) {
    if ((present_ & bit(meter)) != 0 || meter == PlainPrice::requests) {
      billing.terms[billing.size++] = {static_cast<std::uint8_t>(place_of(meter)), multiplier};
    }
    ++multiplier;
  });
  return billing;
}

UsageShape* UsageShapes::find(std::span<const std::byte> usage_image, UsageShape::Counts& counts) {
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    if (shapes_[i].read(usage_image, counts)) {
      last_ = i;
      return &shapes_[i];
    }
  }
  UsageShape& place = shapes_[oldest_];
  if (!place.learn(usage_image) || !place.read(usage_image, counts)) {
    return nullptr;
  }
  last_ = oldest_;
  oldest_ = (oldest_ + 1) % shapes_.size();
  return &place;
}

}  // namespace spend

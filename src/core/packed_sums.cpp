#include "core/packed_sums.hpp"

#include <bit>
#include <cstring>
#include <limits>

namespace spend {

namespace {

constexpr std::uint8_t format_version = 1;
constexpr std::int64_t quarter_hour_in_microseconds = 900'000'000;
constexpr u128 units = 1'000'000'000'000'000'000U;  // amounts are counted in 1e-18
constexpr u128 most_amount = units * units * 100 - 1;

constexpr unsigned first_amount = std::tuple_size_v<SummedCounts>;
constexpr SumsPresent second_is_first = SumsPresent{1} << 31U;
static_assert(first_amount + std::tuple_size_v<SummedAmounts> == 31);
constexpr SumsPresent counts_present = bit_of_amount(0) - 1;

constexpr unsigned length_mask = 0x1F;
constexpr unsigned is_whole = 0x20;
constexpr unsigned is_negative = 0x40;

/// Bytes up to the highest that is not 0.
std::size_t length_of(u128 number) {
  const auto high = static_cast<std::uint64_t>(number >> 64U);
  const auto low = static_cast<std::uint64_t>(number);
  const int bits = high != 0 ? 128 - std::countl_zero(high) : 64 - std::countl_zero(low);
  return static_cast<std::size_t>(bits + 7) / 8;
}

}  // namespace

void SumsPacker::put(std::uint64_t number) {
  while (number >= 0x80) {
    bytes_[size_++] = static_cast<std::uint8_t>(number | 0x80U);
    number >>= 7U;
  }
  bytes_[size_++] = static_cast<std::uint8_t>(number);
}

void SumsPacker::put_signed(std::int64_t number) {
  const auto bits = static_cast<std::uint64_t>(number);
  put(bits << 1U ^ (number < 0 ? ~std::uint64_t{0} : 0));
}

void SumsPacker::put_id(const Hash128& id) {
  std::memcpy(&bytes_[size_], id.data(), id.size());
  size_ += id.size();
}

void SumsPacker::put_kind(const Hash128& kind) {
  for (std::size_t i = 0; i < kind_count_; ++i) {
    if (kinds_[i] == kind) {
      put(i);
      return;
    }
  }
  put(kind_count_);
  put_id(kind);
  kinds_[kind_count_++] = kind;
}

void SumsPacker::put_amount(i128 amount) {
  u128 magnitude = amount < 0 ? -static_cast<u128>(amount) : static_cast<u128>(amount);
  unsigned head = amount < 0 ? is_negative : 0;
  if (magnitude >= units) {
    const u128 whole = magnitude / units;
    if (whole * units == magnitude) {
      magnitude = whole;
      head |= is_whole;
    }
  }
  const std::size_t length = length_of(magnitude);
  bytes_[size_++] = static_cast<std::uint8_t>(head | length);
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(&bytes_[size_], &magnitude, sizeof magnitude);  // what is behind its length is written over
  size_ += length;
}

void SumsPacker::append(const SumsKey& key, const SummedCounts& counts, const SummedAmounts& amounts,
                        SumsPresent present) {
  const std::int64_t quarter = key.bucket / quarter_hour_in_microseconds;
  put_signed(quarter - quarter_);
  quarter_ = quarter;
  put_id(key.attribution);
  put_kind(key.kind);
  SumsPresent mask = 0;
  const std::size_t mask_at = size_;
  size_ += sizeof mask;
  for (SumsPresent rest = present & counts_present; rest != 0; rest &= rest - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(rest));
    if (counts[i] != 0) {
      mask |= bit_of_count(i);
      put_signed(counts[i]);
    }
  }
  constexpr SumsPresent first_two = bit_of_amount(0) | bit_of_amount(1);
  const bool is_same = (present & first_two) == first_two && amounts[0] == amounts[1] && amounts[0] != 0;
  if (is_same) {
    mask |= second_is_first;
    present &= ~bit_of_amount(1);
  }
  for (SumsPresent rest = present & ~counts_present; rest != 0; rest &= rest - 1) {
    const std::size_t i = static_cast<std::size_t>(std::countr_zero(rest)) - first_amount;
    if (amounts[i] != 0) {
      mask |= bit_of_amount(i);
      put_amount(amounts[i]);
    }
  }
  std::memcpy(&bytes_[mask_at], &mask, sizeof mask);
}

std::string_view SumsPacker::bytes_with_head() {
  const std::size_t length = size_ - header_size;
  bytes_[head_room] = format_version;
  bytes_[head_room + 1] = static_cast<std::uint8_t>(length);
  bytes_[head_room + 2] = static_cast<std::uint8_t>(length >> 8U);
  return {reinterpret_cast<const char*>(bytes_.data()), size_};
}

void SumsPacker::clear() {
  size_ = header_size;
  quarter_ = 0;
  kind_count_ = 0;
}

bool SumsUnpacker::take(std::uint64_t& number) {
  number = 0;
  for (unsigned shift = 0; !value_.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(value_.front());
    value_.remove_prefix(1);
    if (shift == 63 && byte > 1) {
      return false;
    }
    number |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) {
      return true;
    }
    if (shift == 63) {
      return false;
    }
  }
  return false;
}

bool SumsUnpacker::take_signed(std::int64_t& number) {
  std::uint64_t bits;
  if (!take(bits)) {
    return false;
  }
  number = static_cast<std::int64_t>(bits >> 1U ^ ((bits & 1U) != 0 ? ~std::uint64_t{0} : 0));
  return true;
}

bool SumsUnpacker::take_id(Hash128& id) {
  if (value_.size() < id.size()) {
    return false;
  }
  std::memcpy(id.data(), value_.data(), id.size());
  value_.remove_prefix(id.size());
  return true;
}

bool SumsUnpacker::take_kind(Hash128& kind) {
  std::uint64_t number;
  if (!take(number) || number > kind_count_ || number >= kinds_.size()) {
    return false;
  }
  if (number == kind_count_) {
    if (!take_id(kinds_[kind_count_])) {
      return false;
    }
    ++kind_count_;
  }
  kind = kinds_[number];
  return true;
}

bool SumsUnpacker::take_amount(i128& amount) {
  if (value_.empty()) {
    return false;
  }
  const auto head = static_cast<std::uint8_t>(value_.front());
  value_.remove_prefix(1);
  const std::size_t length = head & length_mask;
  u128 magnitude = 0;
  if (length > sizeof magnitude || length > value_.size() || (head & ~(length_mask | is_whole | is_negative)) != 0) {
    return false;
  }
  std::memcpy(&magnitude, value_.data(), length);
  value_.remove_prefix(length);
  if ((head & is_whole) != 0) {
    if (magnitude > most_amount / units) {
      return false;
    }
    magnitude *= units;
  }
  if (magnitude > most_amount) {
    return false;
  }
  const auto positive = static_cast<i128>(magnitude);
  amount = (head & is_negative) != 0 ? -positive : positive;
  return true;
}

bool SumsUnpacker::start_value() {
  if (rest_.size() < 3 || static_cast<std::uint8_t>(rest_[0]) != format_version) {
    return false;
  }
  const std::size_t length =
      static_cast<std::uint8_t>(rest_[1]) | static_cast<std::size_t>(static_cast<std::uint8_t>(rest_[2])) << 8U;
  rest_.remove_prefix(3);
  if (length > rest_.size()) {
    return false;
  }
  value_ = rest_.substr(0, length);
  rest_.remove_prefix(length);
  quarter_ = 0;
  kind_count_ = 0;
  return true;
}

bool SumsUnpacker::take_group(SumsKey& key, SummedCounts& counts, SummedAmounts& amounts) {
  constexpr std::int64_t most_quarter = std::numeric_limits<std::int64_t>::max() / quarter_hour_in_microseconds;
  std::int64_t quarters;
  SumsPresent mask;
  if (!take_signed(quarters) || __builtin_add_overflow(quarter_, quarters, &quarter_) || quarter_ > most_quarter ||
      quarter_ < -most_quarter || !take_id(key.attribution) || !take_kind(key.kind) || value_.size() < sizeof mask) {
    return false;
  }
  key.bucket = quarter_ * quarter_hour_in_microseconds;
  std::memcpy(&mask, value_.data(), sizeof mask);
  value_.remove_prefix(sizeof mask);
  counts = {};
  amounts = {};
  for (SumsPresent bits = mask & ~second_is_first; bits != 0; bits &= bits - 1) {
    const auto bit = static_cast<unsigned>(std::countr_zero(bits));
    if (bit < first_amount ? !take_signed(counts[bit]) : !take_amount(amounts[bit - first_amount])) {
      return false;
    }
  }
  if ((mask & second_is_first) != 0) {
    if (amounts[1] != 0) {
      return false;
    }
    amounts[1] = amounts[0];
  }
  return true;
}

Result<bool> SumsUnpacker::next(SumsKey& key, SummedCounts& counts, SummedAmounts& amounts) {
  while (value_.empty()) {
    if (rest_.empty()) {
      return false;
    }
    if (!start_value()) {
      return Error{ErrorKind::invalid_binary, "invalid packed sums of usage", {}, {}};
    }
  }
  if (!take_group(key, counts, amounts)) {
    return Error{ErrorKind::invalid_binary, "invalid packed sums of usage", {}, {}};
  }
  return true;
}

}  // namespace spend

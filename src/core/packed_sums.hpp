#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/attribution.hpp"
#include "core/decimal.hpp"
#include "core/status.hpp"

namespace spend {

/// What sums of usage belong to.
struct SumsKey {
  std::int64_t bucket;  ///< start of the quarter hour, in microseconds
  Hash128 attribution;
  Hash128 kind;
  friend bool operator==(const SumsKey&, const SumsKey&) = default;
};
using SummedCounts = std::array<std::int64_t, 12>;
using SummedAmounts = std::array<i128, 19>;  ///< in units of 1e-18

/// Which of them there are: a bit for each count, then for each amount.
using SumsPresent = std::uint32_t;
constexpr SumsPresent bit_of_count(std::size_t number) {
  return SumsPresent{1} << number;
}
constexpr SumsPresent bit_of_amount(std::size_t number) {
  return SumsPresent{1} << (std::tuple_size_v<SummedCounts> + number);
}
constexpr SumsPresent all_sums =
    (SumsPresent{1} << (std::tuple_size_v<SummedCounts> + std::tuple_size_v<SummedAmounts>)) - 1;

/// Sums of usage as bytes: a row of a bulk load is often the only one of its group, so what a group takes up is what
/// each row of such a load writes beside itself.
///
/// A value is a byte with the version of the format, two with the length of what follows (the lowest first), and its
/// groups, one after the other:
///  * the quarter hour as a difference to that of the group before (of the first: to 0), in quarter hours;
///  * the id of the attribution;
///  * the number of the kind among those of the value in order of arrival; where it is the next, the kind's id follows;
///  * four bytes with a bit for each count and amount that is not 0, in their order. The highest says that the second
///    amount, which has no bit then, is the same as the first;
///  * these counts, then these amounts.
/// Integers are seven bits to the byte, the lowest first, the sign in the lowest bit. An amount is a byte with the
/// length of the magnitude that follows (bits 0 to 4), whether it is in whole units (bit 5) and negative (bit 6).
/// Values may be put one behind the other.
class SumsPacker {
 public:
  /// What a value comes to at most.
  static constexpr std::size_t most_bytes = 2'000;
  /// Bytes before the value that are left to who stores it.
  static constexpr std::size_t head_room = 4;

  SumsPacker() { clear(); }
  bool is_empty() const { return size_ == header_size; }
  /// Whether one more group may not have room.
  bool is_full() const { return size_ > most_bytes - most_group_bytes; }
  /// Counts and amounts that are not present are not read. Precondition: not is_full(); the bucket is a whole number of
  /// quarter hours; amounts are below 1e38.
  void append(const SumsKey& key, const SummedCounts& counts, const SummedAmounts& amounts,
              SumsPresent present = all_sums);
  /// The value with the room before it, until the next call that is not const.
  std::string_view bytes_with_head();
  void clear();

 private:
  static constexpr std::size_t header_size = head_room + 3;
  static constexpr std::size_t most_varint = 10;
  static constexpr std::size_t most_group_bytes = most_varint + 16 + 1 + 16 + 4 + 12 * most_varint + 19 * 17;
  static constexpr std::size_t most_kinds = 64;

  void put(std::uint64_t number);
  void put_signed(std::int64_t number);
  void put_id(const Hash128& id);
  void put_kind(const Hash128& kind);
  void put_amount(i128 amount);

  std::array<std::uint8_t, head_room + most_bytes + 16> bytes_;
  std::size_t size_ = header_size;
  std::int64_t quarter_ = 0;
  std::array<Hash128, most_kinds> kinds_;
  std::size_t kind_count_ = 0;
};

/// Reads what SumsPacker has written.
class SumsUnpacker {
 public:
  /// One value, or several one behind the other. The bytes must outlive it.
  explicit SumsUnpacker(std::string_view bytes) : rest_(bytes) {}
  /// The next group; false at the end. Errors: invalid_binary for what no packer has written.
  Result<bool> next(SumsKey& key, SummedCounts& counts, SummedAmounts& amounts);

 private:
  bool start_value();
  bool take(std::uint64_t& number);
  bool take_signed(std::int64_t& number);
  bool take_id(Hash128& id);
  bool take_kind(Hash128& kind);
  bool take_amount(i128& amount);
  bool take_group(SumsKey& key, SummedCounts& counts, SummedAmounts& amounts);

  std::string_view rest_;   ///< of all values, behind the one that is read
  std::string_view value_;  ///< what is not read of it
  std::int64_t quarter_ = 0;
  std::array<Hash128, 64> kinds_;
  std::size_t kind_count_ = 0;
};

}  // namespace spend

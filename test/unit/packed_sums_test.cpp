#include "core/packed_sums.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace spend {
namespace {

struct Group {
  SumsKey key;
  SummedCounts counts;
  SummedAmounts amounts;
  friend bool operator==(const Group&, const Group&) = default;
};

constexpr i128 unit = 1'000'000'000'000'000'000;
constexpr i128 largest = unit * unit * 100 - 1;
constexpr std::int64_t quarter = 900'000'000;

Hash128 id(unsigned number) {
  Hash128 result{};
  std::memcpy(result.data(), &number, sizeof number);
  return result;
}

/// As many values as it takes, one behind the other.
std::string pack(const std::vector<Group>& groups) {
  SumsPacker packer;
  std::string bytes;
  const auto flush = [&] {
    const std::string_view value = packer.bytes_with_head().substr(SumsPacker::head_room);
    EXPECT_LE(value.size(), SumsPacker::most_bytes);
    bytes += value;
    packer.clear();
  };
  for (const Group& group : groups) {
    packer.append(group.key, group.counts, group.amounts);
    if (packer.is_full()) {
      flush();
    }
  }
  if (!packer.is_empty()) {
    flush();
  }
  return bytes;
}

/// Nothing where it is no packed value.
std::optional<std::vector<Group>> unpack(std::string_view bytes) {
  SumsUnpacker unpacker(bytes);
  std::vector<Group> groups;
  for (;;) {
    Group group;
    const Result<bool> found = unpacker.next(group.key, group.counts, group.amounts);
    if (!found.ok()) {
      EXPECT_EQ(found.error().kind, ErrorKind::invalid_binary);
      return std::nullopt;
    }
    if (!*found) {
      return groups;
    }
    groups.push_back(group);
  }
}

TEST(PackedSums, OneCallTakesFewBytes) {
  Group group{{quarter * 938'000, id(1), id(2)}, {1}, {unit / 1000, unit / 1000}};
  group.amounts[12] = 1200 * unit;
  group.amounts[15] = 350 * unit;
  const std::string bytes = pack({group});
  EXPECT_LT(bytes.size(), 65U);
  EXPECT_EQ(unpack(bytes), std::vector<Group>{group});
  EXPECT_LT(pack({group, group, group}).size() - pack({group, group}).size(), 38U);
}

TEST(PackedSums, KeepsWhatIsAtTheEdges) {
  Group group{{-quarter * 3, id(1), id(1)}, {}, {}};
  group.counts.fill(std::numeric_limits<std::int64_t>::min());
  group.counts[1] = std::numeric_limits<std::int64_t>::max();
  group.amounts.fill(-largest);
  group.amounts[1] = largest;
  group.amounts[2] = unit - 1;
  group.amounts[3] = unit * unit;
  Group later{{quarter * 10'000'000'000, id(3), id(4)}, {}, {}};
  later.amounts[18] = 1;
  Group only_list_cost{{0, {}, {}}, {1}, {0, 5}};
  EXPECT_EQ(unpack(pack({group, later, only_list_cost, group})),
            (std::vector<Group>{group, later, only_list_cost, group}));
  EXPECT_EQ(unpack(""), std::vector<Group>{});
}

TEST(PackedSums, ComeBackWhateverTheyAre) {
  std::mt19937_64 random(20261127);
  const auto amount = [&]() -> i128 {
    i128 value = static_cast<i128>(random()) << (random() % 60);
    value = random() % 2 == 0 ? value % 100'000 * unit : value % largest;
    return random() % 4 == 0 ? -value : value;
  };
  std::vector<Group> groups(5'000);
  for (Group& group : groups) {
    group.key = {static_cast<std::int64_t>(random() % 2'000'000) * quarter - 500'000 * quarter,
                 id(static_cast<unsigned>(random() % 100)), id(static_cast<unsigned>(random() % 90))};
    group.counts = {};
    group.amounts = {};
    for (std::size_t i = random() % 12; i > 0; --i) {
      group.counts[random() % group.counts.size()] = static_cast<std::int64_t>(random() >> (random() % 64));
      group.amounts[random() % group.amounts.size()] = amount();
    }
    if (random() % 2 == 0) {
      group.amounts[1] = group.amounts[0];
    }
  }
  EXPECT_EQ(unpack(pack(groups)), groups);
}

TEST(PackedSums, WhatIsNotPresentIsNotRead) {
  Group group{{quarter, id(1), id(2)}, {}, {}};
  group.counts.fill(7);
  group.amounts.fill(unit);
  const auto present_only = [&](SumsPresent present) {
    SumsPacker packer;
    packer.append(group.key, group.counts, group.amounts, present);
    return unpack(packer.bytes_with_head().substr(SumsPacker::head_room));
  };
  Group expected{group.key, {}, {}};
  EXPECT_EQ(present_only(0), std::vector<Group>{expected});
  expected.counts[11] = 7;
  expected.amounts[1] = unit;
  expected.amounts[18] = unit;
  EXPECT_EQ(present_only(bit_of_count(11) | bit_of_amount(1) | bit_of_amount(18)), std::vector<Group>{expected});
  expected = {group.key, {}, {}};
  expected.amounts[0] = unit;
  EXPECT_EQ(present_only(bit_of_amount(0)), std::vector<Group>{expected});
  expected.amounts[1] = unit;
  EXPECT_EQ(present_only(bit_of_amount(0) | bit_of_amount(1)), std::vector<Group>{expected});
  EXPECT_EQ(present_only(all_sums), std::vector<Group>{group});
}

TEST(PackedSums, WhatNoPackerHasWrittenIsAnError) {
  Group group{{quarter, id(1), id(2)}, {1}, {unit, unit}};
  const std::string bytes = pack({group});
  for (std::size_t length = 1; length < bytes.size(); ++length) {
    EXPECT_EQ(unpack(bytes.substr(0, length)), std::nullopt) << length;
  }
  std::string other_version = bytes;
  other_version[0] = 2;
  EXPECT_EQ(unpack(other_version), std::nullopt);
  EXPECT_EQ(unpack(bytes + '\1'), std::nullopt);
  // Whatever stands there, what is read is a value or an error, and amounts are such as sums can hold.
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (unsigned value = 0; value < 256; ++value) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(value);
      const auto groups = unpack(changed);
      for (const Group& read : groups.value_or(std::vector<Group>())) {
        EXPECT_TRUE(std::all_of(read.amounts.begin(), read.amounts.end(),
                                [](i128 amount) { return amount >= -largest && amount <= largest; }));
      }
    }
  }
}

}  // namespace
}  // namespace spend

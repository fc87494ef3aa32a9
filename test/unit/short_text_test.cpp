#include "core/short_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace spend {
namespace {

std::string text_of(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += static_cast<char>('a' + i % 23);
  }
  return text;
}

TEST(ShortText, IsCopiedWhole) {
  constexpr char around = '#';
  for (std::size_t size = 0; size <= 200; ++size) {
    const std::string text = text_of(size);
    std::vector<char> room(size + 16, around);
    copy_bytes(text, room.data() + 8);
    EXPECT_EQ(std::string(room.data() + 8, size), text);
    EXPECT_TRUE(std::all_of(room.begin(), room.begin() + 8, [](char c) { return c == around; })) << size;
    EXPECT_TRUE(std::all_of(room.end() - 8, room.end(), [](char c) { return c == around; })) << size;
  }
}

TEST(ShortText, IsTheSameWhereAllBytesAre) {
  for (std::size_t size = 0; size <= 100; ++size) {
    const std::string text = text_of(size);
    const HashSecret secret{0x1234'5678'9ABC'DEF0, 42};
    EXPECT_TRUE(same_bytes(text, std::string(text).data()));
    for (std::size_t place = 0; place < size; ++place) {
      std::string other = text;
      other[place] = '\xFF';
      EXPECT_FALSE(same_bytes(text, other.data())) << size << " bytes, other at " << place;
      EXPECT_NE(hash_of_short(text, secret), hash_of_short(other, secret)) << size << " bytes, other at " << place;
    }
  }
}

}  // namespace
}  // namespace spend

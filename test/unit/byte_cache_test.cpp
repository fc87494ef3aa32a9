#include "core/byte_cache.hpp"

#include <gtest/gtest.h>

#include <string>

namespace spend::test {
namespace {

using Cache = ByteCache<int>;

TEST(ByteCache, FindsWhatItWasGiven) {
  Cache cache(1024, 1024 * 1024);
  EXPECT_EQ(cache.find("a"), nullptr);
  cache.insert("a", 1);
  cache.insert("", 2);
  ASSERT_NE(cache.find("a"), nullptr);
  EXPECT_EQ(*cache.find("a"), 1);
  ASSERT_NE(cache.find(""), nullptr);
  EXPECT_EQ(*cache.find(""), 2);
}

TEST(ByteCache, TellsApartEveryByte) {
  Cache cache(1024, 1024 * 1024);
  const std::string with_zero("team\0", 5);
  const std::string two_zeros("team\0\0", 6);
  cache.insert("team", 1);
  EXPECT_EQ(cache.find("Team"), nullptr);
  EXPECT_EQ(cache.find("team "), nullptr);
  EXPECT_EQ(cache.find(with_zero), nullptr) << "a short word is hashed with zeros behind it";
  cache.insert(with_zero, 2);
  EXPECT_EQ(cache.find(two_zeros), nullptr);
  EXPECT_EQ(*cache.find("team"), 1);
  EXPECT_EQ(*cache.find(with_zero), 2);
}

TEST(ByteCache, KeepsMostOfWhatFits) {
  Cache cache(4096, 1024 * 1024);
  for (int i = 0; i < 1500; ++i) {
    cache.insert("user-" + std::to_string(i), i);
  }
  int found = 0;
  for (int i = 0; i < 1500; ++i) {
    const int* const value = cache.find("user-" + std::to_string(i));
    if (value != nullptr) {
      EXPECT_EQ(*value, i);
      ++found;
    }
  }
  EXPECT_GT(found, 1450);
}

TEST(ByteCache, StaysWithinItsBounds) {
  Cache cache(256, 64 * 1024);
  for (int i = 0; i < 100'000; ++i) {
    const std::string key = std::string(static_cast<std::size_t>(i % 250), 'x') + std::to_string(i);
    cache.insert(key, i);
    ASSERT_LE(cache.places(), 256U);
    ASSERT_LE(cache.bytes(), 64U * 1024);
    if (key.size() <= 256) {
      ASSERT_NE(cache.find(key), nullptr) << "the last one is always there";
    }
  }
}

TEST(ByteCache, LongKeysAreNotKept) {
  Cache cache(256, 64 * 1024);
  cache.insert("short", 1);
  cache.insert(std::string(257, 'x'), 2);
  EXPECT_EQ(cache.find(std::string(257, 'x')), nullptr);
  EXPECT_EQ(*cache.find("short"), 1);
}

TEST(ByteCache, ForgetsEverythingWhenTold) {
  Cache cache(1024, 1024 * 1024);
  for (int i = 0; i < 500; ++i) {
    cache.insert(std::to_string(i), i);
  }
  cache.clear();
  EXPECT_EQ(cache.bytes(), 0U);
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(cache.find(std::to_string(i)), nullptr);
  }
}

}  // namespace
}  // namespace spend::test

// An index of entries that somebody else keeps.

#include "core/hash_index.hpp"

#include <gtest/gtest.h>

#include <string>

namespace spend {
namespace {

/// Texts by number, found through an index; of as many hashes as asked for.
class Texts {
 public:
  explicit Texts(std::uint32_t hashes) : hashes_(hashes) {}

  std::size_t find(const std::string& text) const {
    return index_.find(hash_of(text), [&](std::size_t number) { return texts_.at(number) == text; });
  }
  void add(const std::string& text) {
    index_.add(hash_of(text), texts_.size());
    texts_.push_back(text);
  }
  void clear() {
    texts_.clear();
    index_.clear();
  }
  std::size_t indexed() const { return index_.size(); }

 private:
  std::uint32_t hash_of(const std::string& text) const {
    return static_cast<std::uint32_t>(std::hash<std::string>()(text) % hashes_) * 0x9E3779B9U;
  }

  std::uint32_t hashes_;
  std::vector<std::string> texts_;
  HashIndex index_;
};

TEST(HashIndex, FindsWhatWasAdded) {
  for (const std::uint32_t hashes : {1U, 7U, 0xFFFFFFFFU}) {
    Texts texts(hashes);
    EXPECT_EQ(texts.find("0"), HashIndex::none);
    for (std::size_t i = 0; i < 1'000; ++i) {
      ASSERT_EQ(texts.find(std::to_string(i)), HashIndex::none) << hashes;
      texts.add(std::to_string(i));
      ASSERT_EQ(texts.find(std::to_string(i)), i) << hashes;
    }
    for (std::size_t i = 0; i < 1'000; ++i) {
      ASSERT_EQ(texts.find(std::to_string(i)), i) << hashes;
    }
    EXPECT_EQ(texts.indexed(), 1'000U);
  }
}

TEST(HashIndex, IsEmptyAfterClear) {
  Texts texts(7);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < 100; ++i) {
      texts.add(std::to_string(i));
    }
    texts.clear();
    EXPECT_EQ(texts.indexed(), 0U);
    EXPECT_EQ(texts.find("5"), HashIndex::none);
    texts.clear();
  }
}

}  // namespace
}  // namespace spend

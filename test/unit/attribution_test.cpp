#include "core/attribution.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support.hpp"

namespace spend::test {
namespace {

std::string hex(const Hash128& hash) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : hash) {
    text += digits[byte >> 4U];
    text += digits[byte & 0xFU];
  }
  return text;
}

Dimensions dimensions(std::initializer_list<std::pair<const char*, const char*>> values) {
  Dimensions result;
  for (const auto& [name, value] : values) {
    result.set(name, value);
  }
  return result;
}

TEST(ContentHash, IsBlake2bOf128Bits) {
  // b2sum -l 128 of nothing, and of "abc".
  EXPECT_EQ(hex(content_hash("")), "cae66941d9efbd404e4d88758ea67670");
  EXPECT_EQ(hex(content_hash("abc")), "cf4ab791c62b8d2b2109c90275287816");
}

TEST(Dimensions, AreNormalisedSortedAndUnique) {
  Dimensions row = dimensions({{"team", " Search "}, {"department", "R&D"}, {"project", "  "}});
  EXPECT_EQ(row.to_json(), R"({"department": "r&d", "team": "search"})");
  row.set("team", "OPS");
  EXPECT_EQ(*row.find("team"), "ops");
  row.set("team", "");
  EXPECT_EQ(row.find("team"), nullptr);
  EXPECT_EQ(row.find("nothing"), nullptr);
  row.set_normalised("user_id", "As It Is");
  EXPECT_EQ(*row.find("user_id"), "As It Is");
}

TEST(Dimensions, IdDependsOnContentOnly) {
  const Dimensions one = dimensions({{"team", "search"}, {"department", "r&d"}});
  const Dimensions other = dimensions({{"department", "R&D"}, {"team", "ops"}, {"team", "Search"}});
  EXPECT_EQ(one, other);
  EXPECT_EQ(one.attribution_id(), other.attribution_id());
  EXPECT_EQ(hex(Dimensions().attribution_id()), hex(content_hash("")));
  EXPECT_EQ(one.canonical(), std::string("\x0a\0\0\0department\x03\0\0\0r&d\x04\0\0\0team\x06\0\0\0search", 39));
}

TEST(Dimensions, NoTwoSetsShareAnImage) {
  const Dimensions sets[] = {dimensions({{"a", "bc"}}), dimensions({{"ab", "c"}}), dimensions({{"a", "b"}, {"c", "d"}}),
                             dimensions({{"a", "b\1\0\0\0c"}}), Dimensions()};
  for (const Dimensions& a : sets) {
    for (const Dimensions& b : sets) {
      EXPECT_EQ(a.canonical() == b.canonical(), &a == &b);
    }
  }
}

TEST(Dimensions, TextRoundTrip) {
  const Dimensions original = dimensions({{"team", "a \"quoted\" \\ name"}, {"größe", "ÄÖ \n x"}});
  EXPECT_EQ(must(Dimensions::from_json(original.to_json()), "json"), original);
  EXPECT_EQ(kind_of(Dimensions::from_json(R"({"team": 5})")), ErrorKind::invalid_value);
  EXPECT_EQ(kind_of(Dimensions::from_json(R"({"": "x"})")), ErrorKind::invalid_value);
  EXPECT_EQ(kind_of(Dimensions::from_json("[]")), ErrorKind::invalid_text);
  EXPECT_EQ(kind_of(Dimensions::from_json("{")), ErrorKind::invalid_text);
}

}  // namespace
}  // namespace spend::test

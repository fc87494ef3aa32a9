#include "core/scope.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support.hpp"

namespace spend::test {
namespace {

Scope scope(std::string_view json) {
  return must(Scope::from_json(json), json);
}
Dimensions row(std::string_view json) {
  return must(Dimensions::from_json(json), json);
}

TEST(Scope, IsAConjunctionOfConditions) {
  const Scope covered = scope(R"({"team": "Search", "environment": ["PROD", "staging", "prod"]})");
  ASSERT_EQ(covered.conditions().size(), 2U);
  EXPECT_EQ(covered.conditions()[0].dimension, "environment");
  EXPECT_EQ(covered.conditions()[0].any_of, (std::vector<std::string>{"prod", "staging"}));
  EXPECT_TRUE(covered.matches(row(R"({"team": "SEARCH ", "environment": "staging", "user_id": "ada"})")));
  EXPECT_FALSE(covered.matches(row(R"({"team": "search", "environment": "test"})")));
  EXPECT_FALSE(covered.matches(row(R"({"team": "search"})"))) << "a missing value meets no condition";
  EXPECT_TRUE(scope("{}").matches(Dimensions()));
  EXPECT_TRUE(scope("{}").matches(row(R"({"team": "x"})")));
}

TEST(Scope, ErrorsNameTheDimension) {
  const auto message = [](std::string_view json, ErrorKind kind) {
    const Error error = error_of(Scope::from_json(json));
    EXPECT_EQ(error.kind, kind) << json;
    return error.message;
  };
  for (const char* const json :
       {R"({"team": ""})", R"({"team": " "})", R"({"team": []})", R"({"team": [""]})", R"({"team": 5})",
        R"({"team": null})", R"({"team": [5]})", R"({"team": ["a", true]})"}) {
    EXPECT_NE(message(json, ErrorKind::invalid_value).find("\"team\""), std::string::npos) << json;
  }
  message(R"({"": "x"})", ErrorKind::invalid_value);
  message(R"({"team": {}})", ErrorKind::invalid_value);
  message(R"({"team": "a", "team": "b"})", ErrorKind::invalid_text);
  message(R"(["team"])", ErrorKind::invalid_text);
  message("", ErrorKind::invalid_text);
  message("{\"team\": \"" + std::string(70'000, 'x') + "\"}", ErrorKind::limit_exceeded);
}

TEST(Scope, Within) {
  EXPECT_TRUE(scope(R"({"team": "a"})").within(scope("{}")));
  EXPECT_TRUE(scope("{}").within(scope("{}")));
  EXPECT_FALSE(scope("{}").within(scope(R"({"team": "a"})")));
  EXPECT_TRUE(scope(R"({"team": "a", "user_id": "u"})").within(scope(R"({"team": ["a", "b"]})")));
  EXPECT_FALSE(scope(R"({"team": ["a", "c"]})").within(scope(R"({"team": ["a", "b"]})")));
  EXPECT_FALSE(scope(R"({"team": "a"})").within(scope(R"({"team": "a", "user_id": "u"})")));
}

TEST(GroupKey, IsTheValuesInOrder) {
  const Dimensions dimensions = row(R"({"team": "search", "user_id": "ada"})");
  const GroupKey none = group_key({}, dimensions);
  EXPECT_EQ(none.json, "{}");
  EXPECT_EQ(none.hash, Hash128{});
  const GroupKey key = group_key({"user_id", "team"}, dimensions);
  EXPECT_EQ(key.json, R"({"user_id": "ada", "team": "search"})");
  EXPECT_NE(key.hash, Hash128{});
  EXPECT_EQ(key.hash, group_key({"user_id", "team"}, row(R"({"team": "SEARCH", "user_id": " Ada"})")).hash);
  EXPECT_NE(key.hash, group_key({"team", "user_id"}, dimensions).hash);
  EXPECT_EQ(group_key({"agent"}, dimensions).json, "{\"agent\": \"(none)\"}") << "a missing value counts too";
  EXPECT_NE(group_key({"agent"}, dimensions).hash, group_key({"agent"}, row(R"({"agent": "x"})")).hash);
}

}  // namespace
}  // namespace spend::test

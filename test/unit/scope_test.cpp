#include "core/scope.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/scope_key.hpp"

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
  EXPECT_EQ(covered.conditions()[0].values, (std::vector<std::string>{"prod", "staging"}));
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

TEST(Scope, NegationAndPresence) {
  const Scope negated = scope(R"({"team": {"not": ["Ads", " search"]}})");
  EXPECT_TRUE(negated.matches(row(R"({"team": "ops"})")));
  EXPECT_FALSE(negated.matches(row(R"({"team": "ads"})")));
  EXPECT_TRUE(negated.matches(row("{}"))) << "what has no team is not of team ads";
  const Scope both = scope(R"({"team": {"not": "ads", "present": true}})");
  ASSERT_EQ(both.conditions().size(), 2U);
  EXPECT_TRUE(both.matches(row(R"({"team": "ops"})")));
  EXPECT_FALSE(both.matches(row(R"({"team": "ads"})")));
  EXPECT_FALSE(both.matches(row("{}")));
  EXPECT_TRUE(scope(R"({"team": {"present": false}})").matches(row(R"({"user_id": "ada"})")));
  EXPECT_FALSE(scope(R"({"team": {"present": false}})").matches(row(R"({"team": "ads"})")));
  for (const char* const json :
       {R"({"team": {}})", R"({"team": {"not": []}})", R"({"team": {"not": {"not": "a"}}})",
        R"({"team": {"present": "yes"}})", R"({"team": {"like": "a"}})", R"({"team": {"not": " "}})"}) {
    EXPECT_EQ(error_of(Scope::from_json(json)).kind, ErrorKind::invalid_value) << json;
  }
  EXPECT_EQ(error_of(Scope::of_values(R"({"team": {"not": "a"}})")).kind, ErrorKind::invalid_value);
}

TEST(Scope, ImplicationIsNeverClaimedWhereARowContradicts) {
  const std::vector<std::string> scopes = {"{}",
                                           R"({"t": "a"})",
                                           R"({"t": ["a", "b"]})",
                                           R"({"t": "c"})",
                                           R"({"t": {"not": "a"}})",
                                           R"({"t": {"not": ["a", "b"]}})",
                                           R"({"t": {"present": true}})",
                                           R"({"t": {"present": false}})",
                                           R"({"t": {"not": "a", "present": true}})",
                                           R"({"t": "b", "u": "x"})"};
  const std::vector<std::string> rows = {
      "{}",           R"({"t": "a"})", R"({"t": "b"})", R"({"t": "c"})", R"({"t": "d"})", R"({"t": "b", "u": "x"})",
      R"({"u": "x"})"};
  int implied = 0;
  for (const std::string& narrow : scopes) {
    for (const std::string& wide : scopes) {
      if (!scope(narrow).within(scope(wide))) {
        continue;
      }
      ++implied;
      for (const std::string& values : rows) {
        EXPECT_TRUE(!scope(narrow).matches(row(values)) || scope(wide).matches(row(values)))
            << narrow << " in " << wide << " by " << values;
      }
    }
  }
  EXPECT_EQ(implied, 35);
}

TEST(Scope, IdsAreComparedAsSent) {
  EXPECT_FALSE(scope(R"({"run_id": "aB"})").matches(row(R"({"run_id": "AB"})")));
  EXPECT_EQ(dimension_key("run_id", "aB "), "aB ");
  EXPECT_EQ(dimension_key("team", "aB "), "ab");
}

TEST(ScopeKey, ARowIsFoundUnderTheHashOfItsValues) {
  const ScopeKeys keys = scope_keys(scope(R"({"team": ["a", "b"], "environment": "prod", "user_id": {"not": "ci"}})"),
                                    {"project", "team"});
  EXPECT_EQ(keys.kind.to_text(), "environment,team|project,user_id");
  EXPECT_EQ(ScopeKind::from_text(keys.kind.to_text()).keys, keys.kind.keys);
  EXPECT_EQ(ScopeKind::from_text(keys.kind.to_text()).others, keys.kind.others);
  EXPECT_EQ(keys.hashes.size(), 2U);
  const auto found = [&](const char* values) {
    const std::optional<std::int64_t> hash = key_hash(keys.kind, row(values));
    return hash.has_value() && std::binary_search(keys.hashes.begin(), keys.hashes.end(), *hash);
  };
  EXPECT_TRUE(found(R"({"team": "b", "environment": "prod"})"));
  EXPECT_FALSE(found(R"({"team": "prod", "environment": "b"})"));
  EXPECT_FALSE(found(R"({"team": "c", "environment": "prod"})"));
  EXPECT_FALSE(found(R"({"team": "b"})"));
}

TEST(ScopeKey, LongListsAreTestedAfterwards) {
  std::string list = "[";
  for (int i = 0; i < 1001; ++i) {
    list += (i == 0 ? "\"" : ", \"") + std::to_string(i) + '"';
  }
  list += ']';
  const ScopeKeys keys = scope_keys(scope("{\"team\": " + list + ", \"project\": \"p\"}"), {});
  EXPECT_EQ(keys.kind.to_text(), "project|team");
  EXPECT_EQ(keys.hashes.size(), 1U);
  const ScopeKeys all = scope_keys(scope("{}"), {});
  EXPECT_EQ(all.kind.to_text(), "|");
  EXPECT_EQ(all.hashes.size(), 1U);
  EXPECT_EQ(key_hash(ScopeKind::from_text("|"), row(R"({"team": "x"})")), all.hashes.front());
  EXPECT_TRUE(ScopeKind::from_text("|").keys.empty());
  EXPECT_TRUE(ScopeKind::from_text("|").others.empty());
}

}  // namespace
}  // namespace spend::test

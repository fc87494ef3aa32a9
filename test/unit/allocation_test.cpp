#include "core/allocation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "support.hpp"

namespace spend::test {
namespace {

AllocationRule rule(std::int64_t id, std::int32_t priority, std::string_view scope, std::string_view assign,
                    bool overwrites = false) {
  AllocationRule made;
  made.rule_id = id;
  made.name = "rule " + std::to_string(id);
  made.priority = priority;
  made.scope = must(Scope::from_json(scope), scope);
  made.assignments = must(Assignment::from_json(assign), assign);
  made.overwrites = overwrites;
  return made;
}

Dimensions facts(std::string_view json) {
  return must(Dimensions::from_json(json), json);
}

std::string allocated(const AllocationRules& rules, std::string_view json, Timestamp at = 0) {
  Dimensions given = facts(json);
  rules.allocate(given, at);
  return given.to_json();
}

TEST(Allocation, FillsWhatIsMissingInOrder) {
  const AllocationRules rules = AllocationRules::build({
      rule(1, 20, R"({"team": "search"})", R"({"cost_center": "4711"})"),
      rule(2, 10, R"({"api_key": ["KEY-7", "key-8"]})", R"({"team": "Search"})"),
      rule(3, 30, "{}", R"({"cost_center": "overhead"})"),
      rule(4, 5, R"({"team": "search"})", R"({"project": "too early"})"),
  });
  EXPECT_EQ(allocated(rules, R"({"api_key": "key-7"})"),
            R"({"api_key": "key-7", "cost_center": "4711", "team": "search"})");
  EXPECT_EQ(allocated(rules, R"({"api_key": "key-7", "team": "ads"})"),
            R"({"api_key": "key-7", "cost_center": "overhead", "team": "ads"})");
  EXPECT_EQ(allocated(rules, R"({"team": "search", "cost_center": "1"})"),
            R"({"cost_center": "1", "project": "too early", "team": "search"})");
  EXPECT_EQ(rules.asked(), (std::vector<std::string>{"api_key", "team"}));
}

TEST(Allocation, SaysWhichRuleGaveWhat) {
  const AllocationRules rules = AllocationRules::build(
      {rule(7, 1, R"({"user_id": "svc", "asked_by": {"present": true}})", R"({"user_id": {"from": "asked_by"}})", true),
       rule(8, 2, R"({"user_id": "ada"})", R"({"team": "x", "user_id": "never"})", true)});
  Dimensions row = facts(R"({"user_id": "svc", "asked_by": "ada"})");
  const std::vector<Allocated> given = rules.allocate(row, 0);
  ASSERT_EQ(given.size(), 2U);
  EXPECT_EQ(given[0].dimension, "user_id");
  EXPECT_EQ(given[0].value, "ada");
  EXPECT_EQ(given[0].said, "svc");
  EXPECT_EQ(given[0].rule->rule_id, 7);
  EXPECT_EQ(given[1].dimension, "team") << "what a rule has given, no later one takes away";
  EXPECT_EQ(given[1].said, "");
  EXPECT_EQ(rules.asked(), (std::vector<std::string>{"asked_by", "user_id"}));
}

TEST(Allocation, HoldsForAStretchOfTime) {
  AllocationRule first = rule(1, 1, "{}", R"({"team": "a"})");
  first.valid_until = 100;
  AllocationRule second = rule(2, 1, "{}", R"({"team": "b"})");
  second.valid_from = 100;
  second.valid_until = 200;
  AllocationRule never = rule(3, 0, "{}", R"({"team": "c"})");
  never.valid_from = never.valid_until = 50;
  const AllocationRules rules = AllocationRules::build({second, never, first});
  EXPECT_EQ(rules.size(), 2U);
  EXPECT_EQ(allocated(rules, "{}", 99), R"({"team": "a"})");
  EXPECT_EQ(allocated(rules, "{}", 100), R"({"team": "b"})");
  EXPECT_EQ(allocated(rules, "{}", 200), "{}");
  EXPECT_EQ(rules.stretch_of(timestamp_min), rules.stretch_of(99));
  EXPECT_NE(rules.stretch_of(99), rules.stretch_of(100));
  EXPECT_EQ(rules.stretch_of(100), rules.stretch_of(199));
  EXPECT_NE(rules.stretch_of(199), rules.stretch_of(200));
}

TEST(Allocation, ErrorsNameTheDimension) {
  for (const char* const bad : {"", "[]", "{}", R"({"": "a"})", R"({"team": ""})", R"({"team": 1})",
                                R"({"team": ["a"]})", R"({"team": {"from": "team"}})", R"({"team": {"from": ""}})",
                                R"({"team": {"of": "a"}})", R"({"team": {"from": "a", "or": "b"}})"}) {
    EXPECT_FALSE(Assignment::from_json(bad).ok()) << bad;
  }
  EXPECT_NE(error_of(Assignment::from_json(R"({"team": {"of": "x"}})")).message.find("\"team\""), std::string::npos);
}

/// The same, by trying all rules one after the other.
Dimensions one_by_one(std::vector<AllocationRule> rules, Dimensions row, Timestamp at) {
  std::sort(rules.begin(), rules.end(), [](const AllocationRule& a, const AllocationRule& b) {
    return std::tie(a.priority, a.name) < std::tie(b.priority, b.name);
  });
  std::vector<std::string> given;
  for (const AllocationRule& r : rules) {
    if (at < r.valid_from || at >= r.valid_until || !r.scope.matches(row)) {
      continue;
    }
    for (const Assignment& a : r.assignments) {
      const bool is_given = std::find(given.begin(), given.end(), a.dimension) != given.end();
      const std::string* const source = a.from.empty() ? &a.value : row.find(a.from);
      if (!is_given && (r.overwrites || row.find(a.dimension) == nullptr) && source != nullptr) {
        row.set_normalised(a.dimension, std::string(*source));
        given.push_back(a.dimension);
      }
    }
  }
  return row;
}

TEST(Allocation, FindsTheSameAsTryingAllRules) {
  std::mt19937 random(20261127);
  const auto any = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  const auto name = [&] { return std::string(1, static_cast<char>('a' + any(5))); };
  const auto value = [&] { return std::to_string(any(4)); };
  std::size_t changed = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<AllocationRule> rules;
    for (int i = 0, count = any(30); i < count; ++i) {
      AllocationRule made;
      made.rule_id = i;
      made.name = "r" + std::to_string(i);
      made.priority = any(4);
      made.overwrites = any(3) == 0;
      made.valid_from = any(3);
      made.valid_until = made.valid_from + any(4);
      std::string scope;
      for (int c = 0, conditions = any(4); c < conditions; ++c) {
        const char* const tests[] = {R"("%")", R"(["%", "0"])", R"({"not": "%"})", R"({"present": true})",
                                     R"({"present": false})"};
        std::string test = tests[any(5)];
        if (const std::size_t at = test.find('%'); at != std::string::npos) {
          test.replace(at, 1, value());
        }
        const std::string dimension = name();
        if (scope.find("\"" + dimension + "\":") == std::string::npos) {
          scope += (scope.empty() ? "" : ", ") + ("\"" + dimension + "\": ") + test;
        }
      }
      made.scope = must(Scope::from_json("{" + scope + "}"), scope);
      const std::string target = name();
      const std::string from = name();
      made.assignments = must(
          Assignment::from_json(any(4) == 0 && from != target ? "{\"" + target + "\": {\"from\": \"" + from + "\"}}"
                                                              : "{\"" + target + "\": \"" + value() + "\"}"),
          "assign");
      rules.push_back(std::move(made));
    }
    const AllocationRules built = AllocationRules::build(rules);
    for (int i = 0; i < 20; ++i) {
      Dimensions row;
      for (int d = any(4); d > 0; --d) {
        row.set(name(), value());
      }
      const Timestamp at = any(6);
      Dimensions found = row;
      built.allocate(found, at);
      EXPECT_EQ(found.to_json(), one_by_one(rules, row, at).to_json()) << round;
      changed += found == row ? 0 : 1;
    }
  }
  EXPECT_GT(changed, 1000U);
}

}  // namespace
}  // namespace spend::test

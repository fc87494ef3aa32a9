#include <gtest/gtest.h>

#include "core/import/match_clauses.hpp"
#include "core/model_aliases.hpp"
#include "support.hpp"

namespace spend::test {
namespace {

/// What becomes of a clause, as "alias | alias | refused: reason".
std::string names(std::string_view clause, const std::string& model = "nova-2", const std::string& provider = "p") {
  const Json match = must(Json::parse(clause, {.max_bytes = 1 << 20}), clause);
  const MatchedNames result = read_match_clauses(match, provider, model);
  std::string text;
  for (const std::string& alias : result.aliases) {
    EXPECT_TRUE(!ModelPattern::is_pattern(alias) || ModelPattern::is_valid(alias)) << alias;
    text += (text.empty() ? "" : " | ") + alias;
  }
  for (const MatchedNames::Refused& refused : result.refused) {
    text += (text.empty() ? "" : " | ") + refused.clause + ": " + refused.reason;
  }
  return text;
}

TEST(MatchClauses, NamesAndPatterns) {
  EXPECT_EQ(names(R"({"equals": " Nova-Pro "})"), "nova-pro");
  EXPECT_EQ(names(R"({"starts_with": "nova-2"})"), "nova-2*");
  EXPECT_EQ(names(R"({"ends_with": "nova"})"), "*nova");
  EXPECT_EQ(names(R"({"contains": "nova"})"), "*nova*");
  EXPECT_EQ(names(R"({"or": [{"equals": "a"}, {"or": [{"equals": "b"}, {"equals": "A"}]}]})"), "a | b");
}

TEST(MatchClauses, WhatTheRulesKnowNeedsNoAlias) {
  EXPECT_EQ(names(R"({"or": [{"equals": "nova-2"}, {"equals": "nova-2-20260101"}, {"equals": "nova-2-latest"}]})"), "");
  EXPECT_EQ(names(R"({"or": [{"equals": "gpt-5-4"}, {"equals": "openai/gpt-5.4"}, {"equals": "gpt-5"}]})", "gpt-5.4",
                  "openai"),
            "gpt-5");
  // Spellings of one form are one alias.
  EXPECT_EQ(names(R"({"or": [{"equals": "mega-1.5"}, {"equals": "mega-1-5"}]})"), "mega-1.5");
  EXPECT_EQ(names(R"({"or": [{"starts_with": "mega-1.5"}, {"starts_with": "mega-1-5"}]})"), "mega-1.5*");
  // A free model is not the paid one by another name.
  EXPECT_EQ(names(R"({"equals": "nova-2:free"})"), "nova-2:free");
}

TEST(MatchClauses, Both) {
  EXPECT_EQ(names(R"({"and": [{"starts_with": "nova"}, {"ends_with": "lite"}]})"), "nova*lite");
  EXPECT_EQ(names(R"({"and": [{"starts_with": "nova"}, {"contains": "lite"}]})"), "nova*lite*");
  EXPECT_EQ(names(R"({"and": [{"contains": "nova"}, {"contains": "lite"}]})"), "*nova*lite* | *lite*nova*");
  EXPECT_EQ(names(R"({"and": [{"starts_with": "no"}, {"starts_with": "nova"}]})"), "nova*");
  EXPECT_EQ(names(R"({"and": [{"ends_with": "lite"}, {"ends_with": "x-lite"}]})"), "*x-lite");
  EXPECT_EQ(names(R"({"and": [{"starts_with": "nova"}, {"starts_with": "mega"}]})"), "");
  EXPECT_EQ(names(R"({"and": [{"equals": "nova-lite"}, {"ends_with": "lite"}]})"), "nova-lite");
  EXPECT_EQ(names(R"({"and": [{"equals": "nova-pro"}, {"ends_with": "lite"}]})"), "");
  EXPECT_EQ(names(R"({"and": [{"equals": "a"}, {"equals": "b"}]})"), "");
  EXPECT_EQ(names(R"({"and": [{"or": [{"starts_with": "nova"}, {"starts_with": "mega"}]}, {"ends_with": "lite"}]})"),
            "nova*lite | mega*lite");
  // Without the part that cannot be read, more names would match.
  EXPECT_EQ(names(R"({"and": [{"starts_with": "nova"}, {"regex": "[0-9]$"}]})"),
            R"(regex "[0-9]$": patterns of model names know no more than "*")");
}

TEST(MatchClauses, RegularExpressions) {
  EXPECT_EQ(names(R"({"regex": "^nova-3\\.1$"})"), "nova-3.1");
  EXPECT_EQ(names(R"({"regex": "^nova-3\\.1"})"), "nova-3.1*");
  EXPECT_EQ(names(R"({"regex": "nova/three$"})"), "*nova/three");
  EXPECT_EQ(names(R"({"regex": "nova-3"})"), "*nova-3*");
  EXPECT_EQ(names(R"({"regex": "^nova.*lite.*$"})"), "nova*lite*");
  // A date behind the model's own name is left off by the rules.
  EXPECT_EQ(names(R"({"or": [{"regex": "^nova-2-\\d{8}$"}, {"regex": "^nova-2-\\d{4}-\\d{2}-\\d{2}$"}]})"), "");
  EXPECT_EQ(names(R"({"regex": "^nova-3-\\d{8}$"})"),
            R"(regex with a date behind "nova-3": the name before the date is not the model's)");
  for (const char* const regex :
       {"^nova-\\\\d", "^nova-(a|b)$", "^nova.$", "^nova+$", "nova$|mega", "^no[v]a", "nova\\\\", "^.*-\\\\d{8}$"}) {
    EXPECT_NE(names(std::string(R"({"regex": ")") + regex + R"("})").find("know no more than"), std::string::npos)
        << regex;
  }
}

TEST(MatchClauses, WhatIsNoClauseIsNamed) {
  EXPECT_EQ(names("7"), "a clause: it is not an object with one member");
  EXPECT_EQ(names(R"({"equals": "a", "contains": "b"})"), "a clause: it is not an object with one member");
  EXPECT_EQ(names(R"({"or": []})"), R"("or": it is not a list of clauses)");
  EXPECT_EQ(names(R"({"not": {"equals": "a"}})"), R"("not": its value is not a text)");
  EXPECT_EQ(names(R"({"sounds_like": "a"})"), R"(sounds_like "a": it is not known)");
  EXPECT_EQ(names(R"({"equals": ""})"), R"(equals "": it is no part of a name)");
  EXPECT_EQ(names(R"({"contains": "a*b"})"), R"(contains "a*b": it is no part of a name)");
  EXPECT_EQ(names(R"({"starts_with": "ab"})"),
            R"("ab*": a pattern has 3 to 256 characters and at most 7 stars beside them)");
  EXPECT_NE(names(R"({"equals": ")" + std::string(300, 'x') + R"("})").find("it is too long"), std::string::npos);
  std::string many = R"({"or": [)";
  for (int i = 0; i < 300; ++i) {
    many += std::string(i == 0 ? "" : ",") + R"({"equals": "n)" + std::to_string(i) + R"("})";
  }
  EXPECT_NE(names(many + "]}").find("too many alternatives"), std::string::npos);
  std::string square = R"({"or": [)";
  for (int i = 0; i < 20; ++i) {
    square += std::string(i == 0 ? "" : ",") + R"({"contains": "n)" + std::to_string(i) + R"("})";
  }
  square += "]}";
  EXPECT_NE(names(R"({"and": [)" + square + "," + square + "]}").find("too many alternatives"), std::string::npos);
}

}  // namespace
}  // namespace spend::test

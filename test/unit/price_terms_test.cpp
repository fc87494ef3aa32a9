#include "core/price_terms.hpp"

#include <gtest/gtest.h>

#include <boost/multiprecision/cpp_int.hpp>
#include <random>
#include <string>

#include "support.hpp"

namespace spend::test {
namespace {

PriceTerm term(std::int64_t id, TermKind kind, std::string_view figure, std::string_view scope = "{}") {
  PriceTerm result;
  result.term_id = id;
  result.name = "term " + std::to_string(id);
  result.kind = kind;
  if (kind == TermKind::fixed) {
    result.amount = decimal(figure);
    result.currency = "USD";
  } else {
    result.percent = decimal(figure);
  }
  result.scope = must(TermScope::from_json(scope), scope);
  return result;
}

TermFacts facts(std::string_view json) {
  return must(TermFacts::from_json(json), json);
}

/// Numbers of the terms that apply to a row in USD at time 0.
std::vector<std::int64_t> applied(const PriceTerms& terms, std::string_view json, std::string_view currency = "USD",
                                  Timestamp at = 0) {
  std::vector<std::int64_t> result;
  for (const PriceTerm* const found : terms.applicable(facts(json), currency, at)) {
    result.push_back(found->term_id);
  }
  return result;
}
using Ids = std::vector<std::int64_t>;

std::string cost_after(std::string_view list_cost, std::vector<PriceTerm> given) {
  const PriceTerms terms = PriceTerms::build(std::move(given));
  const std::vector<const PriceTerm*> apply = terms.applicable(TermFacts(), "USD", 0);
  const Decimal cost = must(apply_terms(decimal(list_cost), apply), list_cost);
  // The lines are the way from one to the other.
  Decimal sum = decimal(list_cost);
  for (const TermLine& line : must(term_lines(decimal(list_cost), apply), list_cost)) {
    sum = line.is_negative ? subtract(sum, line.amount) : must(add(sum, line.amount), "line");
  }
  EXPECT_EQ(sum, cost);
  return cost.to_string();
}

// The first four are the cases of LiteLLM's test_cost_calculator.py (discount and margin), in exact decimals.
TEST(PriceTerms, DiscountThenMarkUpThenFixed) {
  EXPECT_EQ(cost_after("0.006", {term(1, TermKind::discount, "5"), term(2, TermKind::markup, "10")}), "0.00627");
  EXPECT_EQ(cost_after("0.006", {term(1, TermKind::markup, "10")}), "0.0066");
  EXPECT_EQ(cost_after("0.006", {term(1, TermKind::fixed, "0.001")}), "0.007");
  EXPECT_EQ(cost_after("0.006", {term(1, TermKind::fixed, "0.0005"), term(2, TermKind::markup, "8")}), "0.00698");
  EXPECT_EQ(cost_after("100", {term(3, TermKind::fixed, "1"), term(2, TermKind::markup, "50"),
                               term(1, TermKind::discount, "20")}),
            "121");
}

TEST(PriceTerms, LinesSayWhatEachTermDoes) {
  const PriceTerms terms = PriceTerms::build(
      {term(1, TermKind::discount, "5"), term(2, TermKind::markup, "10"), term(3, TermKind::fixed, "0.001")});
  const std::vector<TermLine> lines =
      must(term_lines(decimal("0.006"), terms.applicable(TermFacts(), "USD", 0)), "lines");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_TRUE(lines[0].is_negative);
  EXPECT_EQ(lines[0].amount, decimal("0.0003"));
  EXPECT_FALSE(lines[1].is_negative);
  EXPECT_EQ(lines[1].amount, decimal("0.00057"));
  EXPECT_EQ(lines[2].amount, decimal("0.001"));
}

TEST(PriceTerms, LimitsOfAPercentage) {
  EXPECT_EQ(cost_after("12.5", {term(1, TermKind::discount, "100")}), "0");
  EXPECT_EQ(cost_after("12.5", {term(1, TermKind::discount, "0")}), "12.5");
  EXPECT_EQ(cost_after("12.5", {term(1, TermKind::markup, "10000")}), "1262.5");
  EXPECT_EQ(cost_after("0", {term(1, TermKind::markup, "10"), term(2, TermKind::fixed, "0.25")}), "0.25");
}

TEST(PriceTerms, RoundsOnceHalfEven) {
  // 10^-18 × 0.5 and 3 × 10^-18 × 0.5: to the even neighbour.
  EXPECT_EQ(cost_after("0.000000000000000001", {term(1, TermKind::discount, "50")}), "0");
  EXPECT_EQ(cost_after("0.000000000000000003", {term(1, TermKind::discount, "50")}), "0.000000000000000002");
  // Rounded after each step this would be 0: the discount's half is gone before the mark-up doubles it.
  EXPECT_EQ(cost_after("0.000000000000000001", {term(1, TermKind::discount, "50"), term(2, TermKind::markup, "100")}),
            "0.000000000000000001");
}

TEST(PriceTerms, TooMuchIsAnError) {
  const PriceTerms markup = PriceTerms::build({term(1, TermKind::markup, "10000")});
  const Decimal large = decimal("99999999999999999999");
  EXPECT_EQ(kind_of(apply_terms(large, markup.applicable(TermFacts(), "USD", 0))), ErrorKind::out_of_range);
  EXPECT_EQ(kind_of(term_lines(large, markup.applicable(TermFacts(), "USD", 0))), ErrorKind::out_of_range);
  const PriceTerms fixed = PriceTerms::build({term(1, TermKind::fixed, "1")});
  EXPECT_EQ(kind_of(apply_terms(large, fixed.applicable(TermFacts(), "USD", 0))), ErrorKind::out_of_range);
}

TEST(PriceTerms, WideProductsAreExact) {
  // Against the plain fraction, for costs and percentages of every size.
  using boost::multiprecision::cpp_int;
  std::mt19937_64 random(20261122);
  const auto digits = [&](int count) {
    std::string text(1, static_cast<char>('1' + random() % 9));
    while (static_cast<int>(text.size()) < count) {
      text += static_cast<char>('0' + random() % 10);
    }
    return text;
  };
  for (int round = 0; round < 2000; ++round) {
    const std::string list = digits(1 + static_cast<int>(random() % 12)) + "." + digits(18);
    cpp_int numerator(list.substr(0, list.find('.')) + list.substr(list.find('.') + 1));
    cpp_int denominator = 1;
    std::vector<PriceTerm> given;
    const std::size_t count = 1 + random() % 6;
    for (std::size_t i = 0; i < count; ++i) {
      const bool is_discount = random() % 2 == 0;
      const std::string percent = digits(1) + "." + digits(6);
      given.push_back(
          term(static_cast<std::int64_t>(i) + 1, is_discount ? TermKind::discount : TermKind::markup, percent));
      given.back().is_additional = true;
      const cpp_int millionths(percent.substr(0, 1) + percent.substr(2));
      numerator *=
          is_discount ? cpp_int(cpp_int(100'000'000) - millionths) : cpp_int(cpp_int(100'000'000) + millionths);
      denominator *= 100'000'000;
    }
    cpp_int quotient = numerator / denominator;
    const cpp_int twice = (numerator % denominator) * 2;
    if (twice > denominator || (twice == denominator && quotient % 2 != 0)) {
      ++quotient;
    }
    std::string expected = quotient.str();
    expected.insert(0, expected.size() < 19 ? 19 - expected.size() : 0, '0');
    expected.insert(expected.size() - 18, ".");
    EXPECT_EQ(cost_after(list, given), decimal(expected).to_string()) << list << " with " << count << " terms";
  }
}

TEST(PriceTerms, TheMostSpecificOfAKindApplies) {
  const PriceTerms terms = PriceTerms::build({
      term(1, TermKind::discount, "5"),
      term(2, TermKind::discount, "6", R"({"provider": "openai"})"),
      term(3, TermKind::discount, "7", R"({"model": "gpt-*"})"),
      term(4, TermKind::discount, "8", R"({"model": "gpt-5*"})"),
      term(5, TermKind::discount, "9", R"({"model": "GPT-5-mini"})"),
      term(6, TermKind::discount, "10", R"({"provider": "openai", "team": "Search"})"),
      term(7, TermKind::markup, "1", R"({"team": ["search", "ads"]})"),
  });
  EXPECT_EQ(applied(terms, R"({"provider": "mistral", "model": "large"})"), Ids({1}));
  EXPECT_EQ(applied(terms, R"({"provider": "openai", "model": "o3"})"), Ids({2}));
  EXPECT_EQ(applied(terms, R"({"provider": "openai", "model": "gpt-4o"})"), Ids({3}));
  EXPECT_EQ(applied(terms, R"({"provider": "openai", "model": "gpt-5"})"), Ids({4}));
  EXPECT_EQ(applied(terms, R"({"provider": "openai", "model": "gpt-5-mini"})"), Ids({5}));
  EXPECT_EQ(applied(terms, R"({"provider": "openai", "model": "gpt-5-mini", "team": "search "})"), Ids({6, 7}));
  EXPECT_EQ(applied(terms, R"({"provider": "openai", "model": "o3", "team": "ADS"})"), Ids({2, 7}));
}

TEST(PriceTerms, PrecedenceBeatsScopeAndAdditionalTermsJoin) {
  std::vector<PriceTerm> given = {
      term(1, TermKind::discount, "5"),
      term(2, TermKind::discount, "6", R"({"provider": "openai"})"),
      term(3, TermKind::discount, "1"),
      term(4, TermKind::discount, "2", R"({"team": "search"})"),
  };
  given[0].precedence = 1;
  given[2].is_additional = true;
  given[3].is_additional = true;
  const PriceTerms terms = PriceTerms::build(std::move(given));
  EXPECT_EQ(applied(terms, R"({"provider": "openai"})"), Ids({1, 3}));
  Ids both = applied(terms, R"({"provider": "openai", "team": "search"})");
  std::sort(both.begin(), both.end());
  EXPECT_EQ(both, Ids({1, 3, 4}));
}

TEST(PriceTerms, ValidityIsHalfOpenAndCurrencyIsACondition) {
  std::vector<PriceTerm> given = {term(1, TermKind::discount, "5"), term(2, TermKind::fixed, "1"),
                                  term(3, TermKind::markup, "1")};
  given[0].valid_from = 100;
  given[0].valid_until = 200;
  given[2].is_withdrawn = true;
  const PriceTerms terms = PriceTerms::build(std::move(given));
  EXPECT_EQ(applied(terms, "{}", "USD", 99), Ids({2}));
  EXPECT_EQ(applied(terms, "{}", "USD", 100), Ids({1, 2}));
  EXPECT_EQ(applied(terms, "{}", "USD", 199), Ids({1, 2}));
  EXPECT_EQ(applied(terms, "{}", "USD", 200), Ids({2}));
  EXPECT_EQ(applied(terms, "{}", "EUR", 100), Ids({1}));
  ASSERT_NE(terms.find(3), nullptr) << "a withdrawn term still explains";
  EXPECT_EQ(terms.find(3)->name, "term 3");
  EXPECT_EQ(terms.find(4), nullptr);
  EXPECT_FALSE(terms.empty());
  EXPECT_TRUE(PriceTerms::build({}).empty());
}

TEST(TermScope, Patterns) {
  EXPECT_TRUE(matches_pattern("gpt-5*", "gpt-5"));
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("*-mini", "gpt-5-mini"));
  EXPECT_TRUE(matches_pattern("gpt-*-mini*", "gpt-5-mini-mini-2025"));
  EXPECT_TRUE(matches_pattern("a*b*b", "abb"));
  EXPECT_FALSE(matches_pattern("a*b*b", "ab"));
  EXPECT_FALSE(matches_pattern("ab*ba", "aba")) << "start and end may not share characters";
  EXPECT_FALSE(matches_pattern("gpt-5*", "gpt-4.1"));
  EXPECT_FALSE(matches_pattern("gpt-5", "gpt-5-mini"));
  // The worst case for backtracking matchers ends at once.
  std::string pattern;
  for (int i = 0; i < 60; ++i) {
    pattern += "*a";
  }
  EXPECT_FALSE(matches_pattern(pattern + "b", std::string(100'000, 'a')));
}

TEST(TermScope, ServiceTierHasItsOtherNames) {
  const TermScope scope = must(TermScope::from_json(R"({"service_tier": "on_demand"})"), "scope");
  EXPECT_TRUE(scope.matches(TermFacts()));
  EXPECT_TRUE(scope.matches(facts(R"({"service_tier": "default"})")));
  EXPECT_FALSE(scope.matches(facts(R"({"service_tier": "batch"})")));
}

TEST(TermScope, Errors) {
  const Error pattern = error_of(TermScope::from_json(R"({"provider": "open*"})"));
  EXPECT_EQ(pattern.kind, ErrorKind::invalid_value);
  EXPECT_NE(pattern.message.find("\"provider\""), std::string::npos);
  EXPECT_EQ(kind_of(TermScope::from_json("{\"model\": \"" + std::string(300, 'm') + "*\"}")),
            ErrorKind::limit_exceeded);
  EXPECT_EQ(kind_of(TermScope::from_json(R"({"team": ""})")), ErrorKind::invalid_value);
  EXPECT_EQ(kind_of(TermScope::from_json("[]")), ErrorKind::invalid_text);
  EXPECT_EQ(kind_of(TermFacts::from_json(R"({"team": 5})")), ErrorKind::invalid_value);
  EXPECT_EQ(kind_of(TermFacts::from_json(R"("x")")), ErrorKind::invalid_value);
  EXPECT_TRUE(TermFacts::from_json(R"({"team": null})").ok());
}

TEST(TermScope, MayMeet) {
  const auto meet = [](std::string_view a, std::string_view b) {
    const TermScope first = must(TermScope::from_json(a), a);
    const TermScope second = must(TermScope::from_json(b), b);
    EXPECT_EQ(first.may_meet(second), second.may_meet(first)) << a << " " << b;
    return first.may_meet(second);
  };
  EXPECT_TRUE(meet("{}", R"({"team": "a"})"));
  EXPECT_TRUE(meet(R"({"customer": "x"})", R"({"team": "a"})"));
  EXPECT_TRUE(meet(R"({"team": ["a", "b"]})", R"({"team": ["b", "c"]})"));
  EXPECT_FALSE(meet(R"({"team": ["a", "b"]})", R"({"team": "c"})"));
  EXPECT_FALSE(meet(R"({"provider": "openai"})", R"({"provider": "mistral"})"));
  EXPECT_TRUE(meet(R"({"model": "gpt-5*"})", R"({"model": "gpt-5-mini"})"));
  EXPECT_TRUE(meet(R"({"model": "gpt-5*"})", R"({"model": "*-mini"})"));
  EXPECT_FALSE(meet(R"({"model": "gpt-5*"})", R"({"model": "gpt-4*"})"));
  EXPECT_FALSE(meet(R"({"model": "*-mini"})", R"({"model": "*-nano"})"));
}

}  // namespace
}  // namespace spend::test

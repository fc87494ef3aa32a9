// Figures of other projects' test suites and of vendors' bills: see test/golden/README.md.

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "core/price_terms.hpp"
#include "core/timestamp_text.hpp"
#include "json_text.hpp"
#include "support.hpp"

namespace spend::test {
namespace {

/// The text of row[name][part], or "" where there is none.
std::string expected(const Json& row, std::string_view part) {
  const Json* const expect = row.find("expect");
  const Json* const value = expect != nullptr ? expect->find(part) : nullptr;
  return value != nullptr ? value->text : "";
}

/// What row["context"] says of the request; the row must live as long.
struct Context {
  std::vector<RequestContext::Parameter> parameters;
  RequestContext request;
  explicit Context(const Json& row) {
    const Json* const context = row.find("context");
    if (context == nullptr) {
      return;
    }
    for (const auto& [key, value] : context->members) {
      if (key == "at") {
        request.at = must(parse_timestamp(value.text), value.text);
      } else if (key == "service_tier") {
        request.service_tier = value.text;
      } else if (key == "region") {
        request.region = value.text;
      } else if (key == "speed") {
        request.speed = value.text;
      } else {
        parameters.push_back({key, value.text});
      }
    }
    request.parameters = parameters;
  }
};

/// The cost after row["terms"], where the row has some.
Decimal after_terms(const Decimal& list_cost, const Json& row) {
  const Json* const given = row.find("terms");
  std::vector<PriceTerm> terms;
  for (const TermKind kind : {TermKind::discount, TermKind::markup, TermKind::fixed}) {
    const Json* const figure = given == nullptr ? nullptr : given->find(to_string(kind));
    if (figure != nullptr) {
      PriceTerm& term = terms.emplace_back();
      term.kind = kind;
      (kind == TermKind::fixed ? term.amount : term.percent) = decimal(figure->text);
      term.currency = "USD";
    }
  }
  EXPECT_EQ(terms.size(), given == nullptr ? 0 : given->members.size());
  const PriceTerms built = PriceTerms::build(std::move(terms));
  return must(apply_terms(list_cost, built.applicable(TermFacts(), "USD", 0)), "terms");
}

void check(const Json& row) {
  const Result<Price> price = Price::from_json(json_text(*row.find("price")));
  if (expected(row, "refused") == "price") {
    EXPECT_FALSE(price.ok());
    return;
  }
  ASSERT_TRUE(price.ok()) << price.error().message;
  const Result<Usage> usage = Usage::from_json(json_text(*row.find("usage")));
  ASSERT_TRUE(usage.ok()) << usage.error().message;
  if (expected(row, "refused") == "usage") {
    EXPECT_EQ(kind_of(evaluate(*price, *usage, OnInconsistent::raise, false)), ErrorKind::inconsistent_usage);
    EXPECT_NE(costing(*price, *usage).status, PricingStatus::free);
    return;
  }
  if (const std::string status = expected(row, "status"); !status.empty()) {
    EXPECT_EQ(to_string(costing(*price, *usage).status), status);
    return;
  }
  const Context context(row);
  const Result<Costing> result = evaluate(*price, *usage, OnInconsistent::raise, true, context.request);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_NE(result->status, PricingStatus::unpriced) << result->reason;
  EXPECT_EQ(after_terms(result->cost, row), decimal(expected(row, "cost")));
}

TEST(Golden, EveryRowOfPricing) {
  std::ifstream file(SPEND_GOLDEN_DIR "/pricing.jsonl");
  ASSERT_TRUE(file) << SPEND_GOLDEN_DIR;
  int rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const Result<Json> row = Json::parse(line, {line.size(), 16});
    ASSERT_TRUE(row.ok()) << line;
    ASSERT_FALSE(expected(*row, "refused").empty() && expected(*row, "status").empty() &&
                 expected(*row, "cost").empty())
        << line;
    SCOPED_TRACE(line);
    check(*row);
  }
  EXPECT_GT(rows, 400);
}

}  // namespace
}  // namespace spend::test

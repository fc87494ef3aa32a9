#include "core/cost.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support.hpp"

namespace spend::test {
namespace {

TEST(Inconsistent, RaisesOrClamps) {
  const Price card = rates(R"("input_tokens": "1/1", "cache_read_tokens": "2/1")");
  const Usage row = usage(R"({"input_tokens": 300, "cache_read_tokens": 500})");
  const Error error = error_of(evaluate(card, row, OnInconsistent::raise, false));
  EXPECT_EQ(error.kind, ErrorKind::inconsistent_usage);
  EXPECT_EQ(error.message, "inconsistent usage: cache_read_tokens 500 is above input_tokens 300");
  const Costing result = costing(card, row);
  EXPECT_EQ(result.status, PricingStatus::inconsistent);
  EXPECT_EQ(result.reason, "cache_read_tokens 500 is above input_tokens 300");
  EXPECT_EQ(result.cost.to_string(), "600");
}

TEST(Inconsistent, SiblingsOfOneAxisAboveTheParent) {
  const Costing result =
      costing(rates(R"("input_tokens": "1/1", "cache_read_tokens": "2/1", "cache_write_tokens": "3/1")"),
              usage(R"({"input_tokens": 10, "cache_read_tokens": 6, "cache_write_tokens": 7})"));
  EXPECT_EQ(result.reason, "cache_read_tokens 6 + cache_write_tokens 7 together are above input_tokens 10");
  EXPECT_EQ(result.cost.to_string(), "24") << "the last is reduced";
  EXPECT_EQ(status(R"("output_tokens": "1/1")", R"({"output_tokens": 10, "output_text_tokens": 8,
                                                    "output_reasoning_tokens": 8})"),
            PricingStatus::priced)
      << "siblings of two axes may overlap";
}

TEST(Inconsistent, MissingParentIsRaisedToItsChildren) {
  const Costing result =
      costing(rates(R"("input_tokens": "1/1", "cache_read_tokens": "2/1", "cache_write_1h_tokens": "5/1")"),
              usage(R"({"cache_read_tokens": 3, "cache_write_1h_tokens": 4})"));
  EXPECT_EQ(result.status, PricingStatus::inconsistent);
  EXPECT_EQ(result.cost.to_string(), "26");
  EXPECT_EQ(result.reason,
            "cache_write_tokens is missing although there is cache_write_1h_tokens 4; "
            "input_tokens is missing although there is cache_read_tokens 3 + cache_write_tokens 4");
}

TEST(Inconsistent, OverlapIsRaisedOnce) {
  const Costing result = costing(rates(R"("input_tokens": "1/1", "cache_image_read_tokens": "7/1")"),
                                 usage(R"({"cache_image_read_tokens": 1})"));
  EXPECT_EQ(result.status, PricingStatus::inconsistent);
  EXPECT_EQ(result.cost.to_string(), "7");
}

TEST(Inconsistent, UnpricedIsStillUnpriced) {
  const Costing result = costing(rates(R"("input_tokens": "1/1")"),
                                 usage(R"({"input_tokens": 1, "cache_read_tokens": 2, "output_tokens": 1})"));
  EXPECT_EQ(result.status, PricingStatus::unpriced);
  EXPECT_EQ(result.reason, "no rate for output_tokens; cache_read_tokens 2 is above input_tokens 1");
}

TEST(Inconsistent, ExtremeCountsDoNotWrap) {
  std::string row = R"({"input_tokens": 1)";
  for (const char* const modality : {"text", "audio", "image", "video", "document"}) {
    row += std::string(R"(, "input_)") + modality + R"(_tokens": 99999999999999999999.999999999999999999)";
    row += std::string(R"(, "cache_)") + modality + R"(_read_tokens": 99999999999999999999.999999999999999999)";
  }
  const Costing result = costing(
      rates(R"("input_tokens": "1/1", "cache_read_tokens": "2/1", "input_audio_tokens": "3/1")"), usage(row + "}"));
  EXPECT_EQ(result.status, PricingStatus::inconsistent);
  Decimal billed;
  for (const CostLine& line : result.lines) {
    billed = must(add(billed, line.quantity), "quantities");
  }
  EXPECT_EQ(billed, decimal("1"));
}

}  // namespace
}  // namespace spend::test

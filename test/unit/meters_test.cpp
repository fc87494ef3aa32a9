#include "core/meters.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace spend::test {
namespace {

TEST(Meters, EveryMeterIsFoundByItsName) {
  std::set<std::string_view> names;
  for (const MeterInfo& meter : known_meters()) {
    EXPECT_EQ(find_meter(meter.name), &meter);
    EXPECT_TRUE(is_meter_name(meter.name)) << meter.name;
    EXPECT_TRUE(names.insert(meter.name).second) << meter.name << " twice";
  }
  EXPECT_EQ(find_meter("input_token"), nullptr);
  EXPECT_EQ(find_meter("input_tokenss"), nullptr);
  EXPECT_EQ(find_meter("INPUT_TOKENS"), nullptr);
  EXPECT_EQ(find_meter(""), nullptr);
  EXPECT_EQ(find_meter(std::string(10'000'000, 'a')), nullptr);
}

TEST(Meters, VendorsMetersAreKnown) {
  for (const char* const name : {"input_tokens",
                                 "output_tokens",
                                 "cache_read_tokens",
                                 "cache_write_tokens",
                                 "cache_write_5m_tokens",
                                 "cache_write_1h_tokens",
                                 "output_reasoning_tokens",
                                 "output_citation_tokens",
                                 "input_tool_tokens",
                                 "input_audio_tokens",
                                 "output_image_tokens",
                                 "cache_audio_read_tokens",
                                 "images",
                                 "input_images",
                                 "output_pixels",
                                 "audio_seconds",
                                 "video_seconds",
                                 "characters",
                                 "pages",
                                 "annotated_pages",
                                 "rerank_searches",
                                 "web_searches",
                                 "map_searches",
                                 "file_searches",
                                 "code_sessions",
                                 "tool_calls",
                                 "storage_gb_days",
                                 "requests",
                                 "review_minutes",
                                 "orchestration_calls",
                                 "retrieval_queries",
                                 "vector_storage_gb_days"}) {
    EXPECT_NE(find_meter(name), nullptr) << name;
  }
}

TEST(Meters, ParentsExistAndComeFirst) {
  for (const MeterInfo& meter : known_meters()) {
    for (const std::string_view parent : meter.parents) {
      if (!parent.empty()) {
        ASSERT_NE(find_meter(parent), nullptr) << meter.name << " under " << parent;
        EXPECT_LT(find_meter(parent), &meter) << meter.name << " under " << parent;
        EXPECT_NE(meter.axis, MeterInfo::Axis::none) << meter.name;
      }
    }
    EXPECT_TRUE(!meter.parents[0].empty() || meter.parents[1].empty()) << meter.name;
  }
}

TEST(Meters, CachedAudioHasTwoParents) {
  const MeterInfo* const meter = find_meter("cache_audio_read_tokens");
  ASSERT_NE(meter, nullptr);
  EXPECT_EQ(meter->parents[0], "cache_read_tokens") << "a missing rate falls back to cached first";
  EXPECT_EQ(meter->parents[1], "input_audio_tokens");
}

TEST(Meters, Names) {
  EXPECT_TRUE(is_meter_name("a"));
  EXPECT_TRUE(is_meter_name("gpu_seconds_h100"));
  EXPECT_TRUE(is_meter_name(std::string(63, 'a')));
  for (const std::string& name :
       {std::string(), std::string(64, 'a'), std::string("1a"), std::string("_a"), std::string("A"), std::string("a-b"),
        std::string("a b"), std::string("é"), std::string("a\0b", 3), std::string("a\"")}) {
    EXPECT_FALSE(is_meter_name(name)) << name;
  }
}

TEST(Meters, OrderIsTotal) {
  EXPECT_TRUE(meter_less("input_tokens", "cache_read_tokens"));
  EXPECT_TRUE(meter_less("cache_read_tokens", "output_tokens"));
  EXPECT_TRUE(meter_less("output_tokens", "aaa")) << "known meters first";
  EXPECT_FALSE(meter_less("aaa", "output_tokens"));
  EXPECT_TRUE(meter_less("aaa", "aab"));
  EXPECT_FALSE(meter_less("aaa", "aaa"));
  EXPECT_FALSE(meter_less("input_tokens", "input_tokens"));
}

}  // namespace
}  // namespace spend::test

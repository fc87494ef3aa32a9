#include "core/timestamp_text.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace spend::test {
namespace {

Timestamp at(std::string_view text) {
  return must(parse_timestamp(text), text);
}

TEST(TimestampText, ReadsRfc3339) {
  EXPECT_EQ(at("2000-01-01T00:00:00Z"), 0);
  EXPECT_EQ(at("2000-01-01"), 0);
  EXPECT_EQ(at("2000-01-01T00:00:00.000001Z"), 1);
  EXPECT_EQ(at("1999-12-31T23:59:59.999999Z"), -1);
  EXPECT_EQ(at("2025-06-10T02:00:00+02:00"), at("2025-06-10"));
  EXPECT_EQ(at("2025-06-09t18:30:00-05:30"), at("2025-06-10"));
  EXPECT_EQ(at("2025-06-10 00:00:00z"), at("2025-06-10"));
  EXPECT_EQ(at("2024-02-29") - at("2024-02-28"), 86'400'000'000);
  EXPECT_EQ(at("2025-06-10T00:00:00.5000000000Z") - at("2025-06-10"), 500'000);
  EXPECT_EQ(at("infinity"), timestamp_max);
  EXPECT_EQ(at("-infinity"), timestamp_min);
}

TEST(TimestampText, WritesWhatItReads) {
  for (const char* const text :
       {"2025-06-10T00:00:00Z", "1999-12-31T23:59:59.999999Z", "2000-01-01T12:34:56.5Z", "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z", "infinity", "-infinity", "1900-03-01T00:00:00Z"}) {
    EXPECT_EQ(timestamp_text(at(text)), text);
  }
  EXPECT_EQ(timestamp_text(at("2025-06-10T02:00:00+02:00")), "2025-06-10T00:00:00Z");
}

TEST(TimestampText, RefusesTheRest) {
  for (const char* const text : {"",
                                 "2025",
                                 "2025-06",
                                 "2025-6-10",
                                 "2025-06-10T",
                                 "2025-06-10T00:00Z",
                                 "2025-06-10T00:00:00",
                                 "2025-06-10T00:00:00.Z",
                                 "2025-06-10T24:00:00Z",
                                 "2025-06-10T00:60:00Z",
                                 "2025-06-10T00:00:60Z",
                                 "2025-02-29",
                                 "2025-13-01",
                                 "2025-00-10",
                                 "2025-06-00",
                                 "2025-06-10T00:00:00+24:00",
                                 "2025-06-10T00:00:00+0200",
                                 "2025-06-10T00:00:00+02",
                                 "2025-06-10T00:00:00Z ",
                                 " 2025-06-10",
                                 "+2025-06-10",
                                 "-2025-06-10",
                                 "20250610",
                                 "10.06.2025",
                                 "Infinity",
                                 "now",
                                 "2025-06-10T00:00:00 UTC"}) {
    EXPECT_EQ(kind_of(parse_timestamp(text)), ErrorKind::invalid_text) << text;
  }
  for (const char* const text :
       {"2025-06-10T00:00:00.0000001Z", "0000-12-31", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"}) {
    EXPECT_EQ(kind_of(parse_timestamp(text)), ErrorKind::out_of_range) << text;
  }
}

TEST(TimestampText, KnowsWhatItCanWrite) {
  EXPECT_TRUE(is_writable_timestamp(at("0001-01-01")));
  EXPECT_FALSE(is_writable_timestamp(at("0001-01-01") - 1));
  EXPECT_TRUE(is_writable_timestamp(at("9999-12-31T23:59:59.999999Z")));
  EXPECT_FALSE(is_writable_timestamp(at("9999-12-31T23:59:59.999999Z") + 1));
  EXPECT_TRUE(is_writable_timestamp(timestamp_min));
  EXPECT_FALSE(is_writable_timestamp(timestamp_max - 1));
}

}  // namespace
}  // namespace spend::test

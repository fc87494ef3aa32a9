#include "core/text_key.hpp"
#include "core/text_key_ascii.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace spend::test {
namespace {

TEST(TextKey, FoldsCaseWidthAndSpace) {
  EXPECT_EQ(text_key("gpt-4o"), "gpt-4o");
  EXPECT_EQ(text_key("  Customer \t\r\n Support "), "customer support");
  EXPECT_EQ(text_key(""), "");
  EXPECT_EQ(text_key(" \t "), "");
  EXPECT_EQ(text_key("STRASSE"), text_key("Straße")) << "full case folding";
  EXPECT_EQ(text_key("ＳＥＡＲＣＨ"), "search") << "full width";
  EXPECT_EQ(text_key("ﬁnance"), "finance") << "ligature";
  EXPECT_EQ(text_key("Cafe\xcc\x81"), text_key("CAFÉ")) << "combining accent";
  EXPECT_EQ(text_key("\xc2\xa0research\xe2\x80\x83lab\xe3\x80\x80"), "research lab") << "other spaces";
  EXPECT_EQ(text_key("a\xe2\x80\xa8"
                     "b\xc2\x85"
                     "c"),
            "a b c")
      << "line separators";
  EXPECT_EQ(text_key("soft\xc2\xadhyphen"), "softhyphen") << "ignorable characters";
}

TEST(TextKey, IllFormedBytesBecomeReplacementCharacters) {
  EXPECT_EQ(text_key("a\xff"
                     "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(text_key(std::string_view("A\0B", 3)), std::string("a\0b", 3));
}

TEST(TextKey, AsciiShortcutAgreesWithIcu) {
  // A character that folds to nothing forces the long way round.
  const std::string ignorable = "\xc2\xad";
  std::mt19937_64 random(3);  // the same cases in every run
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    for (std::uint64_t left = random() % 40; left > 0; --left) {
      text += static_cast<char>(random() % 4 == 0 ? ' ' : random() % 128);
    }
    EXPECT_EQ(text_key(text), text_key(text + ignorable));
  }
}

TEST(TextKey, EveryAsciiByteInEveryPlaceOfAWord) {
  for (int c = 0; c < 128; ++c) {
    for (std::size_t place = 0; place < 8; ++place) {
      std::string text = "abcdefgh";
      text[place] = static_cast<char>(c);
      // An ignorable character forces the long way round.
      const std::string expected = text_key(text.substr(0, 4) + "\xc2\xad" + text.substr(4));
      EXPECT_EQ(text_key(text), expected) << c << " at " << place;
      EXPECT_EQ(is_own_text_key(text), c > ' ' && expected == text) << c << " at " << place;
      EXPECT_EQ(is_own_text_key("own" + text), is_own_text_key(text)) << c << " at " << place;
    }
  }
}

TEST(TextKey, IsIdempotent) {
  std::mt19937_64 random(4);  // the same cases in every run
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::uint64_t left = random() % 12; left > 0; --left) {
      // Any bytes at times, else one character of the first planes.
      if (random() % 8 == 0) {
        text += static_cast<char>(random());
        continue;
      }
      const auto code = static_cast<unsigned>(random() % (random() % 2 == 0 ? 0x300 : 0x20000));
      if (code < 0x80) {
        text += static_cast<char>(code);
      } else if (code < 0x800) {
        text += {static_cast<char>(0xC0U | code >> 6U), static_cast<char>(0x80U | (code & 0x3FU))};
      } else if (code < 0x10000) {
        text += {static_cast<char>(0xE0U | code >> 12U), static_cast<char>(0x80U | (code >> 6U & 0x3FU)),
                 static_cast<char>(0x80U | (code & 0x3FU))};
      } else {
        text += {static_cast<char>(0xF0U | code >> 18U), static_cast<char>(0x80U | (code >> 12U & 0x3FU)),
                 static_cast<char>(0x80U | (code >> 6U & 0x3FU)), static_cast<char>(0x80U | (code & 0x3FU))};
      }
    }
    const std::string once = text_key(text);
    EXPECT_EQ(text_key(once), once) << text;
  }
}

TEST(TextKey, CharactersThatGrowFit) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) {
    text += "\xef\xb7\xba";  // one character that folds to eighteen
  }
  EXPECT_EQ(text_key(text), text_key(text_key(text)));
  EXPECT_GT(text_key(text).size(), text.size() * 5);
}

}  // namespace
}  // namespace spend::test

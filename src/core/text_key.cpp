#include "core/text_key.hpp"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include <cstdint>
#include <new>
#include <vector>

#include "core/text_key_ascii.hpp"

namespace spend {

namespace {

/// ICU fails here only for want of memory (or of its own data, which is linked in): the one failure the core throws.
void require(UErrorCode status) {
  if (U_FAILURE(status) != 0) {
    throw std::bad_alloc();
  }
}

std::vector<UChar> to_utf16(std::string_view text) {
  constexpr UChar32 replacement = 0xFFFD;
  // UTF-16 never has more units than UTF-8 has bytes.
  std::vector<UChar> result(text.size() + 1);
  UErrorCode status = U_ZERO_ERROR;
  std::int32_t length = 0;
  u_strFromUTF8WithSub(result.data(), static_cast<std::int32_t>(result.size()), &length, text.data(),
                       static_cast<std::int32_t>(text.size()), replacement, nullptr, &status);
  require(status);
  result.resize(static_cast<std::size_t>(length));
  return result;
}

std::vector<UChar> fold(const std::vector<UChar>& text) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* const normalizer = unorm2_getNFKCCasefoldInstance(&status);
  require(status);
  std::vector<UChar> result(text.size() + 16);
  for (;;) {
    status = U_ZERO_ERROR;
    const std::int32_t length = unorm2_normalize(normalizer, text.data(), static_cast<std::int32_t>(text.size()),
                                                 result.data(), static_cast<std::int32_t>(result.size()), &status);
    const bool too_short = status == U_BUFFER_OVERFLOW_ERROR;
    if (!too_short) {
      require(status);
    }
    result.resize(static_cast<std::size_t>(length));
    if (!too_short) {
      return result;
    }
  }
}

std::string to_utf8(const std::vector<UChar>& text) {
  std::string result(text.size() * 3, '\0');
  UErrorCode status = U_ZERO_ERROR;
  std::int32_t length = 0;
  u_strToUTF8(result.data(), static_cast<std::int32_t>(result.size()), &length, text.data(),
              static_cast<std::int32_t>(text.size()), &status);
  require(status);
  result.resize(static_cast<std::size_t>(length));
  return result;
}

/// Every character of Unicode White_Space lies in the basic plane, so units can be looked at one by one.
void collapse_white_space(std::vector<UChar>& text) {
  std::size_t out = 0;
  bool pending = false;
  for (const UChar unit : text) {
    if (u_isUWhiteSpace(unit) != 0) {
      pending = out > 0;
      continue;
    }
    if (pending) {
      text[out++] = u' ';
      pending = false;
    }
    text[out++] = unit;
  }
  text.resize(out);
}

}  // namespace

std::string text_key(std::string_view text) {
  std::string key(text.size(), '\0');
  if (const std::optional<std::size_t> length = ascii_text_key(text, key.data())) {
    key.resize(*length);
    return key;
  }
  std::vector<UChar> folded = fold(to_utf16(text));
  collapse_white_space(folded);
  return to_utf8(folded);
}

}  // namespace spend

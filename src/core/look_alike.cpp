#include "core/look_alike.hpp"

#include <unicode/uspoof.h>

#include <cstdint>
#include <new>

#include "core/text_key.hpp"

namespace spend {

namespace {

/// ICU fails here only for want of memory: its data is linked in.
const USpoofChecker* checker() {
  static const USpoofChecker* const opened = [] {
    UErrorCode status = U_ZERO_ERROR;
    const USpoofChecker* const made = uspoof_open(&status);
    return U_SUCCESS(status) != 0 ? made : nullptr;
  }();
  if (opened == nullptr) {
    throw std::bad_alloc();
  }
  return opened;
}

}  // namespace

std::string skeleton(std::string_view key) {
  std::string result(key.size() * 2 + 16, '\0');
  for (;;) {
    UErrorCode status = U_ZERO_ERROR;
    const std::int32_t length =
        uspoof_getSkeletonUTF8(checker(), 0, key.data(), static_cast<std::int32_t>(key.size()), result.data(),
                               static_cast<std::int32_t>(result.size()), &status);
    const bool too_short = status == U_BUFFER_OVERFLOW_ERROR;
    if (U_FAILURE(status) != 0 && !too_short) {
      throw std::bad_alloc();
    }
    result.resize(static_cast<std::size_t>(length));
    if (!too_short) {
      // What a skeleton is made of need not be in the normal form itself: an O for a 0.
      return text_key(result);
    }
  }
}

}  // namespace spend

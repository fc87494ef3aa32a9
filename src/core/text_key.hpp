#pragma once

#include <string>
#include <string_view>

namespace spend {

/// The form under which dimension values and SKU parts are compared: Unicode NFKC with full case folding (ICU
/// nfkc_cf without its removal of default-ignorables beyond what nfkc_cf does), white space (Unicode White_Space)
/// trimmed and collapsed to one U+0020. Idempotent. Input is UTF-8; ill-formed sequences become U+FFFD. ASCII input
/// takes a fast path.
std::string text_key(std::string_view text);

}  // namespace spend

#pragma once

#include <string>
#include <string_view>

namespace spend {

/// What a normalised value (text_key()) looks like: two values that people can hardly tell apart have the same skeleton
/// (Unicode TS #39; a Cyrillic а is an a, a 1 an l, rn an m). Only to compare, not to show. Input is UTF-8; ill-formed
/// sequences become U+FFFD.
std::string skeleton(std::string_view key);

}  // namespace spend

#pragma once

#include <string>
#include <string_view>

namespace spend {

/// `text` in double quotes for an error message: cut after 64 bytes at a character boundary, control characters and
/// ill-formed UTF-8 replaced by '?', because the message itself must be valid in any server encoding path.
std::string quoted(std::string_view text);

}  // namespace spend

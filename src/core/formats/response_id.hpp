#pragma once

#include <optional>
#include <string>

#include "core/formats/payload.hpp"

namespace spend::formats {

/// What tells a response from others in one payload: the id of a complete response, of a line of a batch's results or
/// of an event that is billed apart. "" for a complete response that says no id, so is one of its own; nothing for a
/// part of a stream, which belongs to the response before it.
std::optional<std::string> response_id(const Located& located);

}  // namespace spend::formats

#pragma once

#include <functional>
#include <string_view>

namespace spend::formats {

/// Calls use(document) for the objects in a text: one, one a line, or those behind "data:" of an event stream, whose
/// other lines ("event: …", ": ping", "data: [DONE]") are not JSON.
void for_each_document(std::string_view text, const std::function<void(std::string_view document)>& use);

}  // namespace spend::formats

#include "core/formats/response_id.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/formats/names.hpp"
#include "core/formats/shape.hpp"

namespace spend::formats {

namespace {

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& texts) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

/// The id that this object says.
std::string id_of(const Json& part) {
  constexpr std::array<std::string_view, 4> done = {"response.done", "response.completed", "response.incomplete",
                                                    "response.failed"};
  constexpr std::array<std::string_view, 3> complete = {"chat.completion", "text_completion", "response"};
  const std::string_view type = text_member(part, {"type"});
  const Json* const response = member(part, "response");
  if (is_one_of(type, done) && is_object(response)) {
    return std::string(text_member(*response, {"id"}));
  }
  // Transcribing what was said in a realtime session is the work of another model.
  if (type.ends_with("transcription.completed")) {
    return "item " + std::string(text_member(part, {"item_id", "event_id"}));
  }
  if (type == "message" || is_one_of(text_member(part, {"object"}), complete)) {
    return std::string(text_member(part, {"id"}));
  }
  // A line of a batch's results.
  return std::string(text_member(part, {"custom_id", "record_id"}));
}

}  // namespace

std::string response_id(const Located& located) {
  for (const Json* const envelope : located.envelopes) {
    // Anthropic's streams begin with a frame that looks like a complete message.
    if (text_member(*envelope, {"type"}) == "message_start") {
      return {};
    }
    if (std::string id = id_of(*envelope); !id.empty()) {
      return id;
    }
    // All parts of a stream of Gemini carry the id of their response.
    if (shape_of(*located.usage) == Shape::gemini) {
      if (const std::string_view id = text_member(*envelope, {"response_id"}); !id.empty()) {
        return std::string(id);
      }
    }
  }
  return {};
}

}  // namespace spend::formats

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

/// Events that end a response of OpenAI's.
constexpr std::array<std::string_view, 4> done = {"response.done", "response.completed", "response.incomplete",
                                                  "response.failed"};

/// The id that this object says.
std::string_view id_of(const Json& part) {
  constexpr std::array<std::string_view, 4> complete = {"chat.completion", "text_completion", "response",
                                                        "interaction"};
  const std::string_view type = text_member(part, {"type"});
  const Json* const response = member(part, "response");
  if (is_one_of(type, done) && is_object(response)) {
    return text_member(*response, {"id"});
  }
  if (type == "message" || is_one_of(text_member(part, {"object"}), complete)) {
    return text_member(part, {"id"});
  }
  // A turn in a log of Codex, which writes the event again when only its limits have changed.
  if (const Json* const so_far = member(part, "total_token_usage"); is_object(so_far)) {
    const Json* const total = member(*so_far, "total_tokens");
    return total != nullptr ? std::string_view(total->text) : std::string_view();
  }
  // A line of a batch's results. OpenAI's have an id beside the caller's, which a batch that is run again repeats.
  if (member(part, "custom_id") != nullptr) {
    return text_member(part, {"id", "custom_id"});
  }
  // Predictions of Replicate, records of OpenRouter, entries of Bedrock's log.
  const bool is_prediction = is_object(member(part, "metrics")) && member(part, "choices") == nullptr;
  if (is_prediction || member(part, "native_tokens_prompt") != nullptr) {
    return text_member(part, {"id"});
  }
  if (text_member(part, {"schema_type"}) == "ModelInvocationLog") {
    return text_member(part, {"request_id"});
  }
  return text_member(part, {"record_id"});
}

bool has_list_with(const Json& part, std::string_view list, Names keys) {
  const Json* const found = member(part, list);
  return found != nullptr && found->type == Json::Type::array &&
         std::any_of(found->items.begin(), found->items.end(), [&](const Json& item) {
           return std::any_of(keys.begin(), keys.end(),
                              [&](std::string_view key) { return item.find(key) != nullptr; });
         });
}

/// Whether this object is an answer as a whole: parts of streams hold pieces of text, or nothing but counts.
bool is_whole(const Json& part) {
  constexpr std::array<std::string_view, 4> complete = {"list", "chat.completion", "response", "interaction"};
  const bool is_named =
      is_one_of(text_member(part, {"object"}), complete) || is_one_of(text_member(part, {"type"}), done);
  const bool is_done = part.find("done") != nullptr && part.find("done")->boolean;  // Ollama
  const bool is_converse = member(part, "stop_reason") != nullptr && is_object(member(part, "output"));
  const bool is_llama = member(part, "stop_reason") != nullptr && part.find("generation") != nullptr;
  const bool is_cohere = member(part, "finish_reason") != nullptr && member(part, {"usage", "meta"}) != nullptr;
  const bool is_vectors = part.find("embedding") != nullptr || part.find("embeddings") != nullptr ||
                          part.find("embeddingsByType") != nullptr;
  const bool is_chat = has_list_with(part, "choices", {"message"}) && !has_list_with(part, "choices", {"delta"});
  const bool is_images = has_list_with(part, "data", {"url", "b64_json"});
  const bool is_pages = member(part, "usage_info") != nullptr && member(part, "pages") != nullptr;
  // Events of Claude Code, Codex and Gemini's command line, each of a call.
  const std::string_view event = text_member(part, {"event.name"});
  const bool is_event = event.ends_with("api_request") || event.ends_with("api_response") ||
                        text_member(part, {"event.kind"}) == "response.completed";
  const bool is_logged = text_member(part, {"schema_type"}) == "ModelInvocationLog" ||  // Bedrock's, and Vertex AI's
                         member(part, "full_response") != nullptr;
  const bool is_turn = member(part, "last_token_usage") != nullptr;  // of a log of Codex
  const bool is_ranked = member(part, "results") != nullptr && member(part, {"meta", "usage"}) != nullptr;
  return is_named || is_done || is_converse || is_llama || is_cohere || is_vectors || is_chat || is_images ||
         is_pages || is_turn || is_ranked || is_event || is_logged;
}

}  // namespace

std::optional<std::string> response_id(const Located& located) {
  const auto& envelopes = located.envelopes;
  // Anthropic's streams begin with a frame that looks like a complete message.
  if (std::any_of(envelopes.begin(), envelopes.end(),
                  [](const Json* each) { return text_member(*each, {"type"}) == "message_start"; })) {
    return std::nullopt;
  }
  // Transcribing what was said in a realtime session is the work of another model.
  for (const Json* const envelope : envelopes) {
    if (text_member(*envelope, {"type"}).ends_with("transcription.completed")) {
      const std::string_view item = text_member(*envelope, {"item_id", "event_id"});
      return item.empty() ? std::string() : "item " + std::string(item);
    }
  }
  // The innermost is the vendor's own; what is around it may be the caller's.
  bool whole = false;
  for (auto envelope = envelopes.rbegin(); envelope != envelopes.rend(); ++envelope) {
    if (const std::string_view id = id_of(**envelope); !id.empty()) {
      return std::string(id);
    }
    // All parts of a stream of Gemini carry the id of their response.
    if (shape_of(*located.usage) == Shape::gemini) {
      if (const std::string_view id = text_member(**envelope, {"response_id"}); !id.empty()) {
        return std::string(id);
      }
    }
    if (is_whole(**envelope)) {
      if (const std::string_view id = text_member(**envelope, {"id"}); !id.empty()) {
        return std::string(id);
      }
      whole = true;
    }
  }
  return whole ? std::optional<std::string>("") : std::nullopt;
}

}  // namespace spend::formats

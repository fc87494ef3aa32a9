#include "core/formats/shape.hpp"

#include <array>
#include <string_view>

#include "core/formats/names.hpp"

namespace spend::formats {

namespace {

struct Rule {
  Shape shape;
  std::string_view key;
};

/// From the telling keys to the common ones: the first rule that has its key tells the shape, be its value null.
constexpr std::array rules = {
    Rule{Shape::cohere, "billed_units"},
    Rule{Shape::interactions, "total_input_tokens"},
    Rule{Shape::interactions, "total_output_tokens"},
    Rule{Shape::interactions, "total_thought_tokens"},
    Rule{Shape::gemini, "prompt_token_count"},
    Rule{Shape::gemini, "candidates_token_count"},
    Rule{Shape::gemini, "response_token_count"},
    Rule{Shape::gemini, "thoughts_token_count"},
    Rule{Shape::gemini, "total_token_count"},
    Rule{Shape::gemini, "cached_content_token_count"},
    Rule{Shape::gemini, "tool_use_prompt_token_count"},
    Rule{Shape::gemini, "generation_token_count"},
    Rule{Shape::gemini, "traffic_type"},
    Rule{Shape::chat, "prompt_tokens"},
    Rule{Shape::chat, "completion_tokens"},
    Rule{Shape::tokens, "input_tokens"},
    Rule{Shape::tokens, "output_tokens"},
    Rule{Shape::router, "native_tokens_prompt"},
    Rule{Shape::tokens, "input_token_count"},
    Rule{Shape::tokens, "output_token_count"},
    Rule{Shape::tokens, "generated_token_count"},
    Rule{Shape::tokens, "x_amzn_bedrock_input_token_count"},
    Rule{Shape::tokens, "x_amzn_bedrock_output_token_count"},
    Rule{Shape::tokens, "cache_read_input_tokens"},
    Rule{Shape::tokens, "cache_creation_input_tokens"},
    Rule{Shape::tokens, "input_text_token_count"},
    Rule{Shape::ollama, "prompt_eval_count"},
    Rule{Shape::ollama, "eval_count"},
    Rule{Shape::pages, "pages_processed"},
    Rule{Shape::total, "total_tokens"},
};

}  // namespace

Shape shape_of(const Json& object) {
  if (object.type != Json::Type::object) {
    return Shape::unknown;
  }
  for (const Rule& rule : rules) {
    for (const auto& [key, value] : object.members) {
      if (same_name(key, rule.key)) {
        return rule.shape;
      }
    }
  }
  // Whisper's verbose answers have no usage, but say what they listened to.
  const std::string_view task = text_member(object, {"task"});
  const bool is_heard = (task == "transcribe" || task == "translate") && member(object, "duration") != nullptr;
  return is_heard || text_member(object, {"type"}) == "duration" ? Shape::duration : Shape::unknown;
}

}  // namespace spend::formats

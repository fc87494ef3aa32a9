#pragma once

#include <cstdint>

#include "core/json.hpp"

namespace spend::formats {

/// The families of usage objects, told apart by their keys.
enum class Shape : std::uint8_t {
  unknown,
  chat,          ///< prompt_tokens, completion_tokens
  tokens,        ///< input_tokens, output_tokens: OpenAI responses, Anthropic messages, Bedrock Converse, SDKs
  gemini,        ///< promptTokenCount, candidatesTokenCount
  interactions,  ///< Gemini interactions: total_input_tokens, total_output_tokens
  cohere,        ///< billed_units
  ollama,        ///< prompt_eval_count, eval_count
  duration,      ///< {"type": "duration", "seconds": 27}
  router,        ///< OpenRouter's record of a generation: native_tokens_prompt
  pages,         ///< Mistral OCR: pages_processed
  total,         ///< total_tokens and nothing else
};

/// The shape of an object, unknown when it has none of the keys.
Shape shape_of(const Json& object);

}  // namespace spend::formats

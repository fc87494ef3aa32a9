#pragma once

#include <string_view>

namespace spend::formats {

/// What the caller's words for provider and API settle, where the shape of the usage leaves it open.
struct Hints {
  bool xai = false;             ///< chat counts reasoning beside completion
  bool perplexity = false;      ///< reasoning and citations beside completion
  bool openai = false;          ///< OpenAI's own or Azure's: server-side tools stand in the output
  bool total_is_input = false;  ///< embeddings and reranking: there is no output
  bool images = false;          ///< output without details is image tokens
  bool excludes_cache = false;  ///< Anthropic messages, Bedrock Converse
  bool includes_cache = false;  ///< OpenAI responses and their kin
  bool counts_only = false;     ///< an API that counts tokens before a call
  bool processed = false;       ///< Cohere: the tokens processed, not those billed

  static Hints of(std::string_view provider, std::string_view api);
};

}  // namespace spend::formats

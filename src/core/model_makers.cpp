#include "core/model_makers.hpp"

#include <array>
#include <cstddef>

namespace spend {

namespace {

struct Family {
  std::string_view prefix;
  bool whole_word;  ///< what follows must not be a letter or digit: "o1-mini", but not "o100"
  std::string_view maker;
};

constexpr std::array families = {
    Family{"gpt", true, "openai"},
    Family{"chatgpt", true, "openai"},
    Family{"o1", true, "openai"},
    Family{"o3", true, "openai"},
    Family{"o4", true, "openai"},
    Family{"codex", true, "openai"},
    Family{"computer-use", true, "openai"},
    Family{"dall-e", true, "openai"},
    Family{"davinci", true, "openai"},
    Family{"babbage", true, "openai"},
    Family{"omni-moderation", true, "openai"},
    Family{"sora", true, "openai"},
    Family{"text-embedding-3", true, "openai"},
    Family{"text-embedding-ada", true, "openai"},
    Family{"tts", true, "openai"},
    Family{"whisper", true, "openai"},
    Family{"claude", true, "anthropic"},
    Family{"gemini", true, "google"},
    Family{"gemma", false, "google"},
    Family{"imagen", true, "google"},
    Family{"veo", true, "google"},
    Family{"text-embedding-0", false, "google"},
    Family{"mistral", true, "mistral"},
    Family{"mixtral", true, "mistral"},
    Family{"ministral", true, "mistral"},
    Family{"magistral", true, "mistral"},
    Family{"codestral", true, "mistral"},
    Family{"devstral", true, "mistral"},
    Family{"pixtral", true, "mistral"},
    Family{"voxtral", true, "mistral"},
    Family{"open-mistral", true, "mistral"},
    Family{"open-mixtral", true, "mistral"},
    Family{"deepseek", true, "deepseek"},
    Family{"grok", true, "xai"},
    Family{"command", true, "cohere"},
    Family{"rerank", true, "cohere"},
    Family{"embed", true, "cohere"},
    Family{"c4ai", true, "cohere"},
    Family{"llama", false, "meta"},
    Family{"sonar", true, "perplexity"},
    Family{"nova", true, "amazon"},
    Family{"titan", true, "amazon"},
    Family{"qwen", false, "alibaba"},
    Family{"kimi", true, "moonshot"},
    Family{"glm", true, "zhipuai"},
    Family{"minimax", true, "minimax"},
    Family{"jamba", true, "ai21"},
    Family{"phi", true, "microsoft"},
    Family{"voyage", true, "voyage"},
};

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string_view maker_of_key(std::string_view model) {
  for (const Family& family : families) {
    const std::size_t length = family.prefix.size();
    if (model.starts_with(family.prefix) &&
        (!family.whole_word || model.size() == length || !is_word_character(model[length]))) {
      return family.maker;
    }
  }
  return {};
}

}  // namespace spend

#include "core/provider_names.hpp"

#include <algorithm>
#include <array>

namespace spend {

namespace {

struct OtherName {
  std::string_view other;
  std::string_view name;
  std::string_view surface = {};
};

/// Sorted by the other name, which may be the name itself.
constexpr std::array other_names = {
    OtherName{"ai21", "ai21"},
    OtherName{"ai21labs", "ai21"},
    OtherName{"alibaba", "alibaba"},
    OtherName{"amazon", "bedrock"},
    OtherName{"amazon-bedrock", "bedrock"},
    OtherName{"amazon.bedrock", "bedrock"},
    OtherName{"amazon_bedrock", "bedrock"},
    OtherName{"anthropic", "anthropic"},
    OtherName{"aws", "bedrock"},
    OtherName{"aws-bedrock", "bedrock"},
    OtherName{"aws.bedrock", "bedrock"},
    OtherName{"aws_bedrock", "bedrock"},
    OtherName{"az.ai.inference", "azure"},
    OtherName{"az.ai.openai", "azure"},
    OtherName{"azure", "azure"},
    OtherName{"azure-openai", "azure"},
    OtherName{"azure.ai.inference", "azure"},
    OtherName{"azure.ai.openai", "azure"},
    OtherName{"azure_ai", "azure"},
    OtherName{"azure_openai", "azure"},
    OtherName{"azure_text", "azure"},
    OtherName{"azureopenai", "azure"},
    OtherName{"bedrock", "bedrock"},
    OtherName{"bedrock-converse", "bedrock"},
    OtherName{"bedrock_converse", "bedrock"},
    OtherName{"cerebras", "cerebras"},
    OtherName{"claude", "anthropic"},
    OtherName{"cohere", "cohere"},
    OtherName{"cohere_chat", "cohere"},
    OtherName{"dashscope", "alibaba"},
    OtherName{"databricks", "databricks"},
    OtherName{"deepinfra", "deepinfra"},
    OtherName{"deepseek", "deepseek"},
    OtherName{"deepseek-ai", "deepseek"},
    OtherName{"fireworks", "fireworks"},
    OtherName{"fireworks-ai", "fireworks"},
    OtherName{"fireworks_ai", "fireworks"},
    OtherName{"gcp.gemini", "google"},
    OtherName{"gcp.gen_ai", "google"},
    OtherName{"gcp.vertex.agent", "google", "vertex_ai"},
    OtherName{"gcp.vertex_ai", "google", "vertex_ai"},
    OtherName{"gemini", "google"},
    OtherName{"google", "google"},
    OtherName{"google-ai", "google"},
    OtherName{"google-ai-studio", "google"},
    OtherName{"google-genai", "google"},
    OtherName{"google-generative-ai", "google"},
    OtherName{"google-gla", "google"},
    OtherName{"google-vertex", "google", "vertex_ai"},
    OtherName{"google-vertex-search", "google", "vertex_ai"},
    OtherName{"google-vertexai", "google", "vertex_ai"},
    OtherName{"google.vertex", "google", "vertex_ai"},
    OtherName{"google_ai_studio", "google"},
    OtherName{"google_genai", "google"},
    OtherName{"google_vertex", "google", "vertex_ai"},
    OtherName{"google_vertexai", "google", "vertex_ai"},
    OtherName{"googleai", "google"},
    OtherName{"groq", "groq"},
    OtherName{"ibm.watsonx.ai", "watsonx"},
    OtherName{"litellm_proxy", "litellm_proxy"},
    OtherName{"meta", "meta"},
    OtherName{"meta-llama", "meta"},
    OtherName{"meta_llama", "meta"},
    OtherName{"microsoft", "microsoft"},
    OtherName{"minimax", "minimax"},
    OtherName{"minimaxai", "minimax"},
    OtherName{"mistral", "mistral"},
    OtherName{"mistral-ai", "mistral"},
    OtherName{"mistral_ai", "mistral"},
    OtherName{"mistralai", "mistral"},
    OtherName{"moonshot", "moonshot"},
    OtherName{"moonshotai", "moonshot"},
    OtherName{"nebius", "nebius"},
    OtherName{"novita", "novita"},
    OtherName{"novita-ai", "novita"},
    OtherName{"nvidia", "nvidia"},
    OtherName{"nvidia_nim", "nvidia"},
    OtherName{"openai", "openai"},
    OtherName{"openai_responses", "openai"},
    OtherName{"openrouter", "openrouter"},
    OtherName{"ovhcloud", "ovhcloud"},
    OtherName{"perplexity", "perplexity"},
    OtherName{"perplexity-ai", "perplexity"},
    OtherName{"pplx", "perplexity"},
    OtherName{"qwen", "alibaba"},
    OtherName{"replicate", "replicate"},
    OtherName{"sambanova", "sambanova"},
    OtherName{"stability", "stability"},
    OtherName{"text-completion-openai", "openai"},
    OtherName{"together", "together"},
    OtherName{"together-ai", "together"},
    OtherName{"together_ai", "together"},
    OtherName{"togetherai", "together"},
    OtherName{"vercel_ai_gateway", "vercel_ai_gateway"},
    OtherName{"vertex", "google", "vertex_ai"},
    OtherName{"vertex-ai", "google", "vertex_ai"},
    OtherName{"vertex_ai", "google", "vertex_ai"},
    OtherName{"vertex_ai_beta", "google", "vertex_ai"},
    OtherName{"vertexai", "google", "vertex_ai"},
    OtherName{"volcengine", "volcengine"},
    OtherName{"voyage", "voyage"},
    OtherName{"voyageai", "voyage"},
    OtherName{"watsonx", "watsonx"},
    OtherName{"writer", "writer"},
    OtherName{"x-ai", "xai"},
    OtherName{"x.ai", "xai"},
    OtherName{"x_ai", "xai"},
    OtherName{"xai", "xai"},
    OtherName{"z-ai", "zhipuai"},
    OtherName{"z.ai", "zhipuai"},
    OtherName{"zai", "zhipuai"},
    OtherName{"zai-org", "zhipuai"},
    OtherName{"zhipu", "zhipuai"},
    OtherName{"zhipuai", "zhipuai"},
};

static_assert(std::is_sorted(other_names.begin(), other_names.end(),
                             [](const OtherName& a, const OtherName& b) { return a.other < b.other; }));

const OtherName* find(std::string_view name) {
  const auto* const place =
      std::lower_bound(other_names.begin(), other_names.end(), name,
                       [](const OtherName& entry, std::string_view wanted) { return entry.other < wanted; });
  return place != other_names.end() && place->other == name ? place : nullptr;
}

}  // namespace

ProviderName canonical_provider(std::string_view name) {
  const OtherName* entry = find(name);
  if (entry == nullptr) {
    // SDKs append the API: "anthropic.messages", "openai.chat", "google.generative-ai".
    const std::size_t dot = name.find('.');
    entry = dot != std::string_view::npos ? find(name.substr(0, dot)) : nullptr;
  }
  return entry != nullptr ? ProviderName{entry->name, entry->surface, true} : ProviderName{name, {}, false};
}

bool same_provider(std::string_view a, std::string_view b) {
  return a == b || canonical_provider(a).name == canonical_provider(b).name;
}

bool is_router(std::string_view canonical) {
  return canonical == "openrouter" || canonical == "vercel_ai_gateway" || canonical == "litellm_proxy";
}

}  // namespace spend

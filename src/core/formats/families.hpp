#pragma once

#include <array>
#include <initializer_list>
#include <string_view>

#include "core/formats/counts.hpp"
#include "core/formats/hints.hpp"
#include "core/json.hpp"

namespace spend::formats {

// Each function reads one family's usage object into inclusive counts: input contains cached tokens, output contains
// reasoning. Source of the rules: the vendors' API references, checked against recorded responses (test/golden).

/// OpenAI chat and completions and what follows their shape: Azure, xAI, DeepSeek, Mistral, Groq, OpenRouter,
/// Perplexity, Together, Cerebras, Gemini's and LiteLLM's compatible endpoints.
void read_chat(const Json& usage, const Hints& hints, Counts& counts);
/// input_tokens and output_tokens: with the cache inside (OpenAI responses, realtime, images, audio) or beside it
/// (Anthropic messages, Bedrock Converse).
void read_tokens(const Json& usage, const Hints& hints, Counts& counts);
/// Gemini generateContent, live, embedContent; Llama on Bedrock.
void read_gemini(const Json& usage, Counts& counts);
/// Gemini interactions.
void read_interactions(const Json& usage, Counts& counts);
/// Cohere: what is billed, unless `processed` asks for the tokens.
void read_cohere(const Json& usage, const Hints& hints, Counts& counts);
/// OpenRouter's record of a generation, in the tokens of the model that served.
void read_router(const Json& usage, Counts& counts);
/// Ollama's own API, transcription by seconds, OCR by pages, and total_tokens alone.
void read_small(const Json& usage, const Hints& hints, Counts& counts);
/// Whichever of them the shape tells. A shape that is not known leaves counts without any count.
void read_usage(const Json& usage, const Hints& hints, Counts& counts);

/// A modality in a vendor's words and in a meter's name. Gemini and others count documents as images, and bill them so.
struct Modality {
  std::string_view vendor;
  std::string_view meter;
};
inline constexpr std::array modalities = {Modality{"text", "text"}, Modality{"audio", "audio"},
                                          Modality{"image", "image"}, Modality{"video", "video"},
                                          Modality{"document", "image"}};

/// "input_audio_tokens" from "input_", "audio", "_tokens".
std::string meter_name(std::string_view before, std::string_view modality, std::string_view after);

/// Times to live of cache entries that are meters of their own; writes of another time stay in cache_write_tokens.
inline constexpr std::array cache_lifetimes = {std::string_view("5m"), std::string_view("30m"), std::string_view("1h"),
                                               std::string_view("24h")};

/// The member if it is an object; nullptr otherwise.
const Json* object_member(const Json* parent, std::string_view name);
/// Cache writes by time to live out of "ephemeral_5m_input_tokens" and kin, in places that say the same thing and of
/// which some may be nullptr. Their sum.
Count read_cache_lifetimes(std::initializer_list<const Json*> places, Counts& counts);
/// Modality counts of a details object: text_tokens, audio_tokens, … into before + modality + after.
void read_modalities(const Json* details, std::string_view before, std::string_view after, Counts& counts);
/// Web searches and other tools that the vendor ran and bills by the call.
void read_server_tools(const Json& usage, Counts& counts);

}  // namespace spend::formats

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/meters.hpp"

namespace spend {

/// The registry as compile-time data, so that the lattice below needs no start-up work and costs no allocation.
/// Parents stand before their children; meters that belong to a tree stand before the flat ones. New meters may be
/// inserted anywhere; what is stored names meters by text, so their place is not part of any image but its order.
inline constexpr std::array meter_table = {
    MeterInfo{"input_tokens", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"cache_read_tokens", {"input_tokens", ""}, MeterInfo::Axis::cache, false},
    MeterInfo{"cache_write_tokens", {"input_tokens", ""}, MeterInfo::Axis::cache, false},
    MeterInfo{"cache_write_5m_tokens", {"cache_write_tokens", ""}, MeterInfo::Axis::ttl, false},
    MeterInfo{"cache_write_30m_tokens", {"cache_write_tokens", ""}, MeterInfo::Axis::ttl, false},
    MeterInfo{"cache_write_1h_tokens", {"cache_write_tokens", ""}, MeterInfo::Axis::ttl, false},
    MeterInfo{"cache_write_24h_tokens", {"cache_write_tokens", ""}, MeterInfo::Axis::ttl, false},
    MeterInfo{"input_text_tokens", {"input_tokens", ""}, MeterInfo::Axis::modality, false},
    MeterInfo{"input_audio_tokens", {"input_tokens", ""}, MeterInfo::Axis::modality, false},
    MeterInfo{"input_image_tokens", {"input_tokens", ""}, MeterInfo::Axis::modality, false},
    MeterInfo{"input_video_tokens", {"input_tokens", ""}, MeterInfo::Axis::modality, false},
    MeterInfo{"input_document_tokens", {"input_tokens", ""}, MeterInfo::Axis::modality, false},
    MeterInfo{"input_tool_tokens", {"input_tokens", ""}, MeterInfo::Axis::kind, false},
    MeterInfo{"cache_text_read_tokens", {"cache_read_tokens", "input_text_tokens"}, MeterInfo::Axis::modality, false},
    MeterInfo{"cache_audio_read_tokens", {"cache_read_tokens", "input_audio_tokens"}, MeterInfo::Axis::modality, false},
    MeterInfo{"cache_image_read_tokens", {"cache_read_tokens", "input_image_tokens"}, MeterInfo::Axis::modality, false},
    MeterInfo{"cache_video_read_tokens", {"cache_read_tokens", "input_video_tokens"}, MeterInfo::Axis::modality, false},
    MeterInfo{
        "cache_document_read_tokens", {"cache_read_tokens", "input_document_tokens"}, MeterInfo::Axis::modality, false},
    MeterInfo{"cache_text_write_tokens", {"cache_write_tokens", "input_text_tokens"}, MeterInfo::Axis::modality, false},
    MeterInfo{
        "cache_audio_write_tokens", {"cache_write_tokens", "input_audio_tokens"}, MeterInfo::Axis::modality, false},
    MeterInfo{
        "cache_image_write_tokens", {"cache_write_tokens", "input_image_tokens"}, MeterInfo::Axis::modality, false},
    MeterInfo{
        "cache_video_write_tokens", {"cache_write_tokens", "input_video_tokens"}, MeterInfo::Axis::modality, false},
    MeterInfo{"cache_document_write_tokens",
              {"cache_write_tokens", "input_document_tokens"},
              MeterInfo::Axis::modality,
              false},
    MeterInfo{"input_text_tool_tokens", {"input_tool_tokens", "input_text_tokens"}, MeterInfo::Axis::modality, false},
    MeterInfo{"input_audio_tool_tokens", {"input_tool_tokens", "input_audio_tokens"}, MeterInfo::Axis::modality, false},
    MeterInfo{"input_image_tool_tokens", {"input_tool_tokens", "input_image_tokens"}, MeterInfo::Axis::modality, false},
    MeterInfo{"input_video_tool_tokens", {"input_tool_tokens", "input_video_tokens"}, MeterInfo::Axis::modality, false},
    MeterInfo{
        "input_document_tool_tokens", {"input_tool_tokens", "input_document_tokens"}, MeterInfo::Axis::modality, false},
    MeterInfo{"output_tokens", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"output_reasoning_tokens", {"output_tokens", ""}, MeterInfo::Axis::kind, false},
    MeterInfo{"output_citation_tokens", {"output_tokens", ""}, MeterInfo::Axis::kind, false},
    MeterInfo{"output_text_tokens", {"output_tokens", ""}, MeterInfo::Axis::modality, false},
    MeterInfo{"output_audio_tokens", {"output_tokens", ""}, MeterInfo::Axis::modality, false},
    MeterInfo{"output_image_tokens", {"output_tokens", ""}, MeterInfo::Axis::modality, false},
    MeterInfo{"output_video_tokens", {"output_tokens", ""}, MeterInfo::Axis::modality, false},
    MeterInfo{"output_document_tokens", {"output_tokens", ""}, MeterInfo::Axis::modality, false},
    // Flat meters from here on: see tree_size.
    MeterInfo{"images", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"input_images", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"input_pixels", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"output_pixels", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"input_megapixels", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"output_megapixels", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"audio_seconds", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"video_seconds", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"characters", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"pages", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"annotated_pages", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"rerank_searches", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"web_searches", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"map_searches", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"file_searches", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"code_sessions", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"tool_calls", {"", ""}, MeterInfo::Axis::none, true},
    MeterInfo{"storage_gb_days", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"cache_token_hours", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"requests", {"", ""}, MeterInfo::Axis::none, true},
    MeterInfo{"provisioned_hours", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"review_minutes", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"orchestration_calls", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"retrieval_queries", {"", ""}, MeterInfo::Axis::none, true},
    MeterInfo{"vector_storage_gb_days", {"", ""}, MeterInfo::Axis::none, false},
    MeterInfo{"agent_steps", {"", ""}, MeterInfo::Axis::none, true},
};

/// Place of a name in meter_table; a name that is not there does not compile.
consteval std::size_t meter_index(std::string_view name) {
  for (std::size_t i = 0; i < meter_table.size(); ++i) {
    if (meter_table[i].name == name) {
      return i;
    }
  }
  throw "no such meter";
}

inline std::size_t index_of(const MeterInfo& meter) {
  return static_cast<std::size_t>(&meter - meter_table.data());
}

/// Meters before this place belong to the input or output tree.
inline constexpr std::size_t tree_size = meter_index("images");
static_assert(tree_size <= 64, "tree meters are kept as bits of one word");

/// Flat meters by which vendors bill a whole call, so that token counts beside them are information only. Tools such as
/// web searches are charged beside tokens and are no such basis.
constexpr bool is_call_basis(std::size_t meter) {
  return meter >= meter_index("images") && meter <= meter_index("rerank_searches");
}

}  // namespace spend

// The families that take a few lines each.

#include "core/formats/families.hpp"
#include "core/formats/shape.hpp"

namespace spend::formats {

void read_cohere(const Json& usage, const Hints& hints, Counts& counts) {
  const Json* const billed = counts.object(&usage, {"billed_units"});
  if (hints.processed || billed == nullptr) {
    const Json* const tokens = counts.object(&usage, {"tokens"});
    counts.set("input_tokens", counts.first(tokens, {"input_tokens"}));
    counts.set("output_tokens", counts.first(tokens, {"output_tokens"}));
    counts.set("cache_read_tokens", counts.first(&usage, {"cached_tokens"}));
    return;
  }
  // Embeddings of images count their tokens beside those of the texts.
  const Count images = counts.first(billed, {"image_tokens"});
  counts.set("input_tokens", counts.sum(counts.first(billed, {"input_tokens"}), images));
  counts.set("input_image_tokens", images);
  counts.set("output_tokens", counts.first(billed, {"output_tokens"}));
  counts.set("input_images", counts.first(billed, {"images"}));
  counts.set("rerank_searches", counts.first(billed, {"search_units"}));
  counts.set("classifications", counts.first(billed, {"classifications"}));
}

void read_router(const Json& usage, Counts& counts) {
  counts.set("input_tokens", counts.first(&usage, {"native_tokens_prompt"}));
  counts.set("cache_read_tokens", counts.first(&usage, {"native_tokens_cached"}));
  counts.set("output_tokens", counts.first(&usage, {"native_tokens_completion"}));
  counts.set("output_reasoning_tokens", counts.first(&usage, {"native_tokens_reasoning"}));
  counts.set("output_image_tokens", counts.first(&usage, {"native_tokens_completion_images"}));
}

void read_small(const Json& usage, const Hints& hints, Counts& counts) {
  switch (shape_of(usage)) {
    case Shape::ollama:
      counts.set("input_tokens", counts.first(&usage, {"prompt_eval_count"}));
      counts.set("output_tokens", counts.first(&usage, {"eval_count"}));
      break;
    case Shape::duration:
      counts.set("audio_seconds", counts.first(&usage, {"seconds", "duration"}));
      break;
    case Shape::pages:
      counts.set("pages", counts.first(&usage, {"pages_processed"}));
      break;
    case Shape::total:
      // Voyage bills pixels apart from the text; its total counts them as tokens, too.
      if (member(usage, {"image_pixels", "video_pixels"}) != nullptr) {
        counts.set("input_tokens", counts.first(&usage, {"text_tokens"}));
        counts.set("input_pixels",
                   counts.sum(counts.first(&usage, {"image_pixels"}), counts.first(&usage, {"video_pixels"})));
        break;
      }
      // Of a chat the total leaves open what was input and what output.
      if (hints.total_is_input) {
        counts.set("input_tokens", counts.first(&usage, {"total_tokens"}));
      }
      break;
    default:
      break;
  }
}

}  // namespace spend::formats

#include "core/formats/measures.hpp"

#include <algorithm>
#include <string_view>

#include "core/formats/families.hpp"

namespace spend::formats {

namespace {

/// Sound that Deepgram listened to; a session's own message at its end says the same without a wrapper.
void read_deepgram(const Json& answer, Counts& counts, std::string& model) {
  const Json* const inner = object_member(&answer, "metadata");
  const Json& told = inner != nullptr ? *inner : answer;
  if (member(told, "request_id") == nullptr || member(told, "channels") == nullptr) {
    return;
  }
  counts.set("audio_seconds", counts.first(&told, {"duration"}));
  if (const Json* const models = object_member(&told, "model_info"); models != nullptr && !models->members.empty()) {
    model = text_member(models->members.front().value, {"arch", "name"});
  }
}

/// "3.500s", as Google writes a duration.
void read_billed_time(const Json& answer, Counts& counts) {
  const Json* const metadata = object_member(&answer, "metadata");
  const std::string_view v1 = text_member(answer, {"total_billed_time"});
  const std::string_view text =
      v1.empty() && metadata != nullptr ? text_member(*metadata, {"total_billed_duration"}) : v1;
  if (text.size() > 1 && text.ends_with('s')) {
    Json seconds;
    seconds.type = Json::Type::string;
    seconds.text = text.substr(0, text.size() - 1);
    counts.set("audio_seconds", counts.read("total_billed_time", seconds));
  }
}

/// Vertex AI's predictions: embeddings count each text, text models the request as a whole.
void read_predictions(const Json& answer, Counts& counts) {
  const Json* const predictions = member(answer, "predictions");
  for (const Json& prediction : predictions != nullptr ? predictions->items : std::vector<Json>()) {
    const Json* const embeddings = object_member(&prediction, "embeddings");
    counts.add("input_tokens", counts.first(object_member(embeddings, "statistics"), {"token_count"}));
  }
  if (const Json* const tokens = object_member(object_member(&answer, "metadata"), "token_metadata")) {
    counts.set("input_tokens", counts.first(object_member(tokens, "input_token_count"), {"total_tokens"}));
    counts.set("output_tokens", counts.first(object_member(tokens, "output_token_count"), {"total_tokens"}));
  }
}

/// A prediction of Replicate's without tokens: by the picture, or by the time that it took.
void read_replicate(const Json& answer, Counts& counts) {
  const Json* const metrics = object_member(&answer, "metrics");
  if (metrics == nullptr || text_member(answer, {"status"}) != "succeeded") {
    return;
  }
  if (member(*metrics, "image_count") != nullptr) {
    counts.set("images", counts.first(metrics, {"image_count"}));
  } else {
    counts.set("compute_seconds", counts.first(metrics, {"predict_time"}));
  }
}

/// Bedrock's log of invocations, where it keeps no body with a usage of its own: as Converse, input excludes the cache.
void read_invocation_log(const Json& entry, Counts& counts) {
  const Json* const input = object_member(&entry, "input");
  const Count read = counts.first(input, {"cache_read_input_token_count"});
  const Count written = counts.first(input, {"cache_write_input_token_count"});
  counts.set("input_tokens", counts.sum(counts.first(input, {"input_token_count"}), counts.sum(read, written)));
  counts.set("cache_read_tokens", read);
  counts.set("cache_write_tokens", written);
  counts.set("output_tokens", counts.first(object_member(&entry, "output"), {"output_token_count"}));
}

/// Speech of ElevenLabs, as its history tells: the running count of characters before and after.
void read_history(const Json& answer, Counts& counts) {
  const Count before = counts.first(&answer, {"character_count_change_from"});
  const Count after = counts.first(&answer, {"character_count_change_to"});
  counts.set("characters", difference(after, before));
}

}  // namespace

void read_measures(const Json& answer, Counts& counts, std::string& model) {
  read_deepgram(answer, counts, model);
  read_billed_time(answer, counts);
  read_predictions(answer, counts);
  read_replicate(answer, counts);
  if (member(answer, "history_item_id") != nullptr) {
    read_history(answer, counts);
  }
  if (text_member(answer, {"schema_type"}) == "ModelInvocationLog") {
    read_invocation_log(answer, counts);
  }
  const std::string_view status = text_member(answer, {"status"});
  // ElevenLabs' transcripts, AssemblyAI's.
  if (member(answer, "language_code") != nullptr || status == "completed") {
    counts.set("audio_seconds", counts.first(&answer, {"audio_duration_secs", "audio_duration"}));
  }
  // OpenAI's videos.
  if (text_member(answer, {"object"}) == "video" && status == "completed") {
    counts.set("video_seconds", counts.first(&answer, {"seconds"}));
  }
  // Azure's document intelligence.
  if (const Json* const analysis = object_member(&answer, "analyze_result")) {
    if (const Json* const pages = counts.list(analysis, {"pages"})) {
      counts.set("pages", Decimal::from_integer(pages->items.size()));
      counts.mark_found();
      model = text_member(*analysis, {"model_id"});
    }
  }
  // MiniMax' speech.
  counts.set("characters",
             larger(counts.usage.find("characters") != nullptr ? Count(*counts.usage.find("characters")) : std::nullopt,
                    counts.first(object_member(&answer, "extra_info"), {"usage_characters"})));
}

std::size_t images_in(const Json& part) {
  const Json* const data = member(part, {"data", "predictions", "images", "artifacts"});
  if (data == nullptr || data->type != Json::Type::array) {
    return 0;
  }
  return static_cast<std::size_t>(std::count_if(data->items.begin(), data->items.end(), [](const Json& item) {
    return item.type == Json::Type::string ||
           (item.type == Json::Type::object &&
            member(item, {"url", "b64_json", "bytes_base64_encoded", "base64"}) != nullptr);
  }));
}

void read_flat_measures(const Json& usage, Counts& counts) {
  counts.set("images", counts.first(&usage, {"image_count"}));
  counts.set("characters", counts.first(&usage, {"characters"}));
  counts.set("audio_seconds", counts.first(&usage, {"duration"}));
}

}  // namespace spend::formats

// What providers' payloads look like beyond the recorded ones: variants, streams, several models, garbage.

#include "core/formats/provider_usage.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support.hpp"

namespace spend::test {
namespace {

using Outcome = ProviderUsage::Outcome;

std::string read(std::string_view provider, std::string_view payload, std::string_view api = "") {
  const ProviderUsage usage = read_provider_usage(provider, payload, api);
  return usage.outcome == Outcome::usage ? must(usage.answered(), payload).to_json() : "none: " + usage.problem;
}

Outcome outcome(std::string_view payload, std::string_view provider = "") {
  return read_provider_usage(provider, payload, "").outcome;
}

TEST(ProviderUsage, TheSameFromBodyAndFromUsageAlone) {
  const std::string usage = R"({"input_tokens": 3, "cache_read_input_tokens": 10, "output_tokens": 5})";
  const std::string expected = R"({"input_tokens": 13, "cache_read_tokens": 10, "output_tokens": 5})";
  EXPECT_EQ(read("anthropic", usage), expected);
  EXPECT_EQ(read("anthropic", R"({"model": "m", "content": [{"type": "text"}], "usage": )" + usage + "}"), expected);
  EXPECT_EQ(read("", R"({"type": "message_start", "message": {"usage": )" + usage + "}}"), expected);
  EXPECT_EQ(read("", R"({"custom_id": "a", "result": {"type": "succeeded", "message": {"usage": )" + usage + "}}}"),
            expected);
  EXPECT_EQ(read("vertex", R"([{"event": "message_start", "data": {"message": {"usage": )" + usage + "}}}]"), expected);
}

TEST(ProviderUsage, TitanCountsEachResult) {
  EXPECT_EQ(
      read("bedrock",
           R"({"inputTextTokenCount": 5, "results": [{"tokenCount": 32, "outputText": "x"}, {"tokenCount": 8}]})"),
      R"({"input_tokens": 5, "output_tokens": 40})");
  EXPECT_EQ(read("bedrock", R"([{"outputText": "x", "inputTextTokenCount": 5, "totalOutputTextTokenCount": null},
                                {"outputText": "y", "inputTextTokenCount": 5, "totalOutputTextTokenCount": 40}])"),
            R"({"input_tokens": 5, "output_tokens": 40})");
  EXPECT_EQ(read("bedrock", R"({"embedding": [0.5], "inputTextTokenCount": 5})"), R"({"input_tokens": 5})");
  EXPECT_EQ(read("bedrock", R"({"inputTextTokenCount": 5, "results": [{"tokenCount": -1}]})"),
            "none: \"token_count\" is not a count: \"-1\"");
}

TEST(ProviderUsage, TextThatHoldsJson) {
  const std::string expected = R"({"input_tokens": 7, "output_tokens": 2})";
  EXPECT_EQ(read("openai", R"("{\"usage\": {\"prompt_tokens\": 7, \"completion_tokens\": 2}}")"), expected);
  EXPECT_EQ(
      read("openai", R"(["data: {\"usage\": {\"prompt_tokens\": 7, \"completion_tokens\": 2}}", "data: [DONE]"])"),
      expected);
  EXPECT_EQ(
      read("openai", R"([{"event": "x", "data": "{\"usage\": {\"prompt_tokens\": 7, \"completion_tokens\": 2}}"}])"),
      expected);
}

TEST(ProviderUsage, WholeStreamsAsText) {
  const std::string event = R"({\"usage\": {\"prompt_tokens\": 5, \"completion_tokens\": 1}})";
  const std::string wanted = R"({"input_tokens": 5, "output_tokens": 1})";
  EXPECT_EQ(read("openai",
                 R"("event: x\ndata: {\"choices\": []}\n\n: ping\r\ndata: )" + event + R"(\r\n\r\ndata: [DONE]\n")"),
            wanted);
  EXPECT_EQ(read("openai", R"("{\"done\": false}\n)" + event + R"(\n")"), wanted);
  EXPECT_EQ(read("openai", R"(" \n)" + event + "\""), wanted);
  EXPECT_EQ(read("openai", R"("{\n\"usage\":\n{\"prompt_tokens\": 5,\n\"completion_tokens\": 1}\n}")"), wanted);
  EXPECT_EQ(read("openai", R"("data: {\"usage\"")").substr(0, 36), "none: text in the payload is no JSON");
  EXPECT_EQ(read("openai", R"("hello\nworld")"), "none: the payload has no usage");
}

TEST(ProviderUsage, NullsAreAbsent) {
  EXPECT_EQ(read("openai", R"({"usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": null,
                               "prompt_tokens_details": null, "completion_tokens_details": {"reasoning_tokens": null}}})"),
            R"({"input_tokens": 9, "output_tokens": 2})");
  EXPECT_EQ(read("php", R"({"usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": []}})"),
            R"({"input_tokens": 9, "output_tokens": 2})");
  EXPECT_EQ(read("bedrock", R"({"usage": {"inputTokens": 9, "outputTokens": 2, "cacheReadInputTokens": null}})"),
            R"({"input_tokens": 9, "output_tokens": 2})");
}

TEST(ProviderUsage, AnEmptyObjectOfMistralIsNoAudio) {
  EXPECT_EQ(read("mistral", R"({"usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_audio_seconds": {}}})"),
            R"({"input_tokens": 9, "output_tokens": 2})");
  EXPECT_EQ(read("mistral", R"({"usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_audio_seconds": 4}})"),
            R"({"input_tokens": 9, "output_tokens": 2, "audio_seconds": 4})");
}

TEST(ProviderUsage, MissingIsNotZero) {
  for (const char* payload :
       {R"({"model": "gpt-5"})", R"({"usage": null})", R"({"usage": {}})", "{}", "null", R"("ok")",
        R"([{"choices": [], "usage": null}])", R"({"usage": {"tokens": 5}})",
        R"({"usageMetadata": {"trafficType": "ON_DEMAND"}})", R"({"usageMetadata": {"totalTokenCount": 3512}})",
        R"({"usage": {"total_tokens": 12}})", R"({"usage": {"prompt_tokens": null, "completion_tokens": null}})"}) {
    EXPECT_EQ(outcome(payload), Outcome::no_usage) << payload;
  }
  EXPECT_EQ(read("openai", R"({"usage": {"prompt_tokens": 0, "completion_tokens": 0}})"), "{}");
}

TEST(ProviderUsage, WhatIsKnownBesidesTheUsage) {
  const ProviderUsage usage =
      read_provider_usage("openai", R"({"model": "gpt-5", "service_tier": "flex", "usage": 1})", "");
  EXPECT_EQ(usage.outcome, Outcome::malformed);
  ASSERT_EQ(usage.lines.size(), 1U);
  EXPECT_EQ(usage.lines[0].model, "gpt-5");
  EXPECT_EQ(usage.lines[0].service_tier, "flex");
}

TEST(ProviderUsage, GarbageIsNotZero) {
  for (const char* count : {"-1", "\"many\"", "true", "[]", "{}", "[1]", "\"NaN\"", "1e15", "1e300", "\"\"",
                            "0.0000000000000000001", "123456789012345678901234567890123456789012345678901234567890"}) {
    EXPECT_EQ(outcome(R"({"usage": {"input_tokens": )" + std::string(count) + R"(, "output_tokens": 1}})"),
              Outcome::malformed)
        << count;
  }
  EXPECT_EQ(outcome(R"({"usage": 123})"), Outcome::malformed);
  EXPECT_EQ(outcome(R"({"usage": "none"})"), Outcome::malformed);
  EXPECT_EQ(outcome(R"({"usage": {"prompt_tokens": 1, "prompt_tokens_details": 5}})"), Outcome::malformed);
  EXPECT_EQ(outcome(R"({"usageMetadata": {"promptTokenCount": 1, "promptTokensDetails": "TEXT"}})"),
            Outcome::malformed);
  EXPECT_EQ(outcome(R"({"usage": {"input_tokens": 1, "iterations": [{"type": "message"}]}})"), Outcome::malformed);
  EXPECT_EQ(outcome("{"), Outcome::malformed);
  EXPECT_EQ(outcome("[]"), Outcome::malformed);
  EXPECT_EQ(outcome("17"), Outcome::malformed);
  EXPECT_EQ(outcome(R"({"usage": {"input_tokens": 1}, "usage": {"input_tokens": 2}})"), Outcome::malformed);
}

TEST(ProviderUsage, FractionsAndTextAreCounts) {
  EXPECT_EQ(read("x", R"({"usage": {"input_tokens": "120", "output_tokens": 0.25}})"),
            R"({"input_tokens": 120, "output_tokens": 0.25})");
}

TEST(ProviderUsage, DeepAndLargeContentDoesNotHideTheUsage) {
  std::string deep;
  for (int i = 0; i < 5000; ++i) {
    deep += "[";
  }
  deep += std::string(5000, ']');
  EXPECT_EQ(read("openai", R"({"choices": )" + deep + R"(, "usage": {"prompt_tokens": 1, "completion_tokens": 2}})"),
            R"({"input_tokens": 1, "output_tokens": 2})");
  std::string vector = "0.5";
  for (int i = 0; i < 500'000; ++i) {
    vector += ",0.25";
  }
  EXPECT_EQ(read("openai",
                 R"({"data": [{"values": [)" + vector + R"(]}], "usage": {"prompt_tokens": 8, "total_tokens": 8}})"),
            R"({"input_tokens": 8})");
  EXPECT_EQ(outcome("[\"" + std::string(max_payload_bytes, 'x') + "\"]"), Outcome::malformed);
}

TEST(ProviderUsage, MergingLargeObjectsIsBounded) {
  std::string members;
  for (int i = 0; i < 100'000; ++i) {
    members += "\"k" + std::to_string(i) + "\": 1, ";
  }
  const std::string part = R"({"usage": {)" + members + R"("input_tokens": 1}})";
  EXPECT_EQ(outcome("[" + part + ", " + part + "]"), Outcome::malformed);
  const std::string nested =
      R"({"usage": {"input_tokens": 4, "input_tokens_details": {)" + members + R"("cached_tokens": 1}}})";
  EXPECT_EQ(read("openai", "[" + nested + ", " + nested + "]"), R"({"input_tokens": 4, "cache_read_tokens": 1})");
}

TEST(ProviderUsage, StreamsMergeByMaximum) {
  EXPECT_EQ(read("anthropic", R"([{"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 5,
                    "cache_read_input_tokens": 100, "cache_creation": {"ephemeral_1h_input_tokens": 7},
                    "cache_creation_input_tokens": 7, "output_tokens": 1}}},
                  {"type": "content_block_delta", "delta": {"text": "x"}}, {"type": "ping"},
                  {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 40}},
                  {"type": "message_delta", "usage": {"output_tokens": 90}}, {"type": "message_stop"}])"),
            R"({"input_tokens": 112, "cache_read_tokens": 100, "cache_write_tokens": 7, "cache_write_1h_tokens": 7, )"
            R"("output_tokens": 90})");
  EXPECT_EQ(read("openai", R"([{"choices": [], "usage": null}, {"usage": {"prompt_tokens": 4, "completion_tokens": 1}},
                               {"usage": {"prompt_tokens": 4, "completion_tokens": 9}}, {"choices": []}])"),
            R"({"input_tokens": 4, "output_tokens": 9})");
  EXPECT_EQ(
      read("moonshot", R"([{"choices": [{"delta": {}, "usage": {"prompt_tokens": 4, "completion_tokens": 9}}]}])"),
      R"({"input_tokens": 4, "output_tokens": 9})");
  EXPECT_EQ(
      read("groq", R"([{"x_groq": {"id": "r"}}, {"x_groq": {"usage": {"prompt_tokens": 4, "completion_tokens": 9}}}])"),
      R"({"input_tokens": 4, "output_tokens": 9})");
  EXPECT_EQ(read("bedrock", R"([{"contentBlockDelta": {}}, {"metadata": {"usage": {"inputTokens": 4, "outputTokens": 9,
                                 "cacheWriteInputTokens": 6, "cacheDetails": [{"ttl": "1h", "inputTokens": 6}]}}}])"),
            R"({"input_tokens": 10, "cache_write_tokens": 6, "cache_write_1h_tokens": 6, "output_tokens": 9})");
  EXPECT_EQ(read("cohere", R"([{"type": "content-delta"}, {"type": "message-end", "delta": {"usage":
                               {"billed_units": {"input_tokens": 4, "output_tokens": 9}, "tokens": {"input_tokens": 70}}}}])"),
            R"({"input_tokens": 4, "output_tokens": 9})");
}

TEST(ProviderUsage, TheLastChunkOfGeminiWins) {
  EXPECT_EQ(read("google",
                 R"([{"usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 9, "thoughtsTokenCount": 50}},
                              {"usageMetadata": {"promptTokenCount": 80, "candidatesTokenCount": 20, "thoughtsTokenCount": 30}},
                              {"candidates": []}])"),
            R"({"input_tokens": 80, "output_tokens": 50, "output_reasoning_tokens": 30})");
  EXPECT_EQ(
      read(
          "google",
          R"({"usage_metadata": {"prompt_token_count": 8, "candidates_token_count": 2, "thoughts_token_count": null}})"),
      R"({"input_tokens": 8, "output_tokens": 2})");
}

TEST(ProviderUsage, SeveralResponsesAreAddedUp) {
  EXPECT_EQ(
      read("openai",
           R"([{"type": "response.done", "response": {"id": "a", "usage": {"input_tokens": 4, "output_tokens": 9}}},
                              {"type": "response.created", "response": {"id": "b", "usage": null}},
                              {"type": "response.done", "response": {"id": "b", "usage": {"input_tokens": 6, "output_tokens": 1}}}])"),
      R"({"input_tokens": 10, "output_tokens": 10})");
  EXPECT_EQ(read("openai",
                 R"([{"object": "chat.completion", "id": "a", "usage": {"prompt_tokens": 4, "completion_tokens": 9}},
                              {"object": "chat.completion", "id": "a", "usage": {"prompt_tokens": 4, "completion_tokens": 9}}])"),
            R"({"input_tokens": 4, "output_tokens": 9})");
}

TEST(ProviderUsage, ReasoningBesideCompletion) {
  const char* const chat = R"({"usage": {"prompt_tokens": 10, "completion_tokens": 8, "total_tokens": %s,
                               "completion_tokens_details": {"reasoning_tokens": 6}}})";
  const auto with_total = [&](const char* total) {
    std::string payload = chat;
    return payload.replace(payload.find("%s"), 2, total);
  };
  EXPECT_EQ(read("xai", with_total("24")),
            R"({"input_tokens": 10, "output_tokens": 14, "output_reasoning_tokens": 6})");
  EXPECT_EQ(read("xai", with_total("18")), R"({"input_tokens": 10, "output_tokens": 8, "output_reasoning_tokens": 6})");
  EXPECT_EQ(read("x-ai", with_total("null")),
            R"({"input_tokens": 10, "output_tokens": 14, "output_reasoning_tokens": 6})");
  EXPECT_EQ(read("openai", with_total("null")),
            R"({"input_tokens": 10, "output_tokens": 8, "output_reasoning_tokens": 6})");
  EXPECT_EQ(read("google", with_total("30")),
            R"({"input_tokens": 10, "output_tokens": 20, "output_reasoning_tokens": 12})");
}

TEST(ProviderUsage, CachedAboveInputComesOutAsSent) {
  EXPECT_EQ(
      read(
          "openai",
          R"({"usage": {"prompt_tokens": 10, "completion_tokens": 8, "prompt_tokens_details": {"cached_tokens": 12}}})"),
      R"({"input_tokens": 10, "cache_read_tokens": 12, "output_tokens": 8})");
}

TEST(ProviderUsage, InclusiveSdks) {
  const std::string expected =
      R"({"input_tokens": 100, "cache_read_tokens": 60, "output_tokens": 40, "output_reasoning_tokens": 30})";
  EXPECT_EQ(
      read(
          "",
          R"({"inputTokens": 100, "cachedInputTokens": 60, "outputTokens": 40, "reasoningTokens": 30, "totalTokens": 140})"),
      expected);
  EXPECT_EQ(read("", R"({"usage_metadata": {"input_tokens": 100, "output_tokens": 40, "total_tokens": 140,
                         "input_token_details": {"cache_read": 60}, "output_token_details": {"reasoning": 30}}})"),
            expected);
  EXPECT_EQ(
      read("",
           R"({"input_tokens": 100, "cached_input_tokens": 60, "output_tokens": 40, "reasoning_output_tokens": 30})"),
      expected);
  EXPECT_EQ(
      read("", R"({"input_tokens": 100, "cache_read_tokens": 60, "output_tokens": 40, "output_reasoning_tokens": 30})"),
      expected);
}

TEST(ProviderUsage, Iterations) {
  const std::string fallback = R"({"model": "opus", "usage": {"input_tokens": 412, "output_tokens": 264, "iterations": [
      {"type": "message", "model": "fable", "input_tokens": 408, "output_tokens": OUT},
      {"type": "fallback_message", "model": "opus", "input_tokens": 412, "output_tokens": 264}]}})";
  const auto with_output = [&](const char* tokens) {
    std::string payload = fallback;
    return payload.replace(payload.find("OUT"), 3, tokens);
  };
  const ProviderUsage declined = read_provider_usage("anthropic", with_output("0"), "messages");
  ASSERT_EQ(declined.lines.size(), 1U);
  EXPECT_EQ(declined.lines[0].model, "opus");
  const ProviderUsage stopped = read_provider_usage("anthropic", with_output("12"), "messages");
  ASSERT_EQ(stopped.lines.size(), 2U);
  EXPECT_EQ(stopped.lines[0].model, "opus");
  EXPECT_EQ(stopped.lines[1].model, "fable");
  EXPECT_EQ(stopped.lines[1].usage, usage(R"({"input_tokens": 408, "output_tokens": 12})"));

  const ProviderUsage advised = read_provider_usage("anthropic", R"({"model": "sonnet", "usage": {"input_tokens": 30,
      "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}, "server_tool_use": {"web_search_requests": 2},
      "iterations": [{"type": "compaction", "input_tokens": 500, "cache_read_input_tokens": 70, "output_tokens": 20},
                     {"type": "message", "input_tokens": 30, "output_tokens": 9},
                     {"type": "advisor_message", "model": "opus", "input_tokens": 80, "output_tokens": 6},
                     {"type": "advisor_message", "input_tokens": 1, "output_tokens": 1}]}})",
                                                    "");
  ASSERT_EQ(advised.lines.size(), 3U);
  EXPECT_EQ(advised.lines[0].usage, usage(R"({"input_tokens": 600, "cache_read_tokens": 70, "output_tokens": 29,
                                              "output_reasoning_tokens": 4, "web_searches": 2})"));
  EXPECT_EQ(advised.lines[1].usage, usage(R"({"input_tokens": 80, "output_tokens": 6})"));
  EXPECT_EQ(advised.lines[2].model, "");
}

TEST(ProviderUsage, ServedTierSpeedAndRegion) {
  const auto line = [](std::string_view provider, std::string_view payload) {
    const ProviderUsage usage = read_provider_usage(provider, payload, "");
    return usage.lines.front();
  };
  EXPECT_EQ(line("openai", R"([{"type": "response.created", "response": {"service_tier": "auto", "usage": null}},
      {"type": "response.completed", "response": {"service_tier": "priority", "model": "m", "usage": {"input_tokens": 1}}}])")
                .service_tier,
            "priority");
  EXPECT_EQ(line("openai", R"({"service_tier": "auto", "usage": {"prompt_tokens": 1}})").service_tier, "");
  EXPECT_EQ(
      line("google", R"({"usageMetadata": {"promptTokenCount": 1, "trafficType": "ON_DEMAND_PRIORITY"}})").service_tier,
      "priority");
  EXPECT_EQ(line("google", R"({"usageMetadata": {"promptTokenCount": 1, "serviceTier": "flex"}})").service_tier,
            "flex");
  EXPECT_EQ(
      line(
          "bedrock",
          R"({"serviceTier": {"type": "flex"}, "performanceConfig": {"latency": "optimized"}, "usage": {"inputTokens": 1}})")
          .speed,
      "optimized");
  const UsageLine claude =
      line("anthropic",
           R"({"usage": {"input_tokens": 1, "speed": "fast", "inference_geo": "us", "service_tier": "batch"}})");
  EXPECT_EQ(claude.speed, "fast");
  EXPECT_EQ(claude.region, "us");
  EXPECT_EQ(claude.service_tier, "batch");
  const UsageLine plain =
      line("anthropic", R"({"usage": {"input_tokens": 1, "speed": "standard", "inference_geo": "global"}})");
  EXPECT_EQ(plain.speed + plain.region, "");
}

TEST(ProviderUsage, ReportedCost) {
  const auto cost = [](std::string_view payload) {
    const ProviderUsage usage = read_provider_usage("", payload, "");
    const auto& reported = usage.lines.front().reported_cost;
    return reported.has_value() ? reported->to_string() + usage.lines.front().reported_currency : std::string();
  };
  EXPECT_EQ(cost(R"({"usage": {"prompt_tokens": 1, "cost_in_usd_ticks": 1466250}})"), "0.000146625USD");
  EXPECT_EQ(cost(R"({"usage": {"prompt_tokens": 1, "cost": 1.1165000000000002e-05}})"), "0.000011165USD");
  EXPECT_EQ(cost(R"({"usage": {"prompt_tokens": 1, "cost": {"total_cost": 0.006, "request_cost": 0.005}}})"),
            "0.006USD");
  EXPECT_EQ(cost(R"({"usage": {"prompt_tokens": 1, "estimated_cost": 0}})"), "0USD");
  EXPECT_EQ(cost(R"({"usage": {"prompt_tokens": 1, "cost": "free"}})"), "");
  EXPECT_EQ(cost(R"({"usage": {"prompt_tokens": 1}})"), "");
  EXPECT_EQ(cost(R"({"usage": {"prompt_tokens": 1, "cost": 0.9999999999999999995}})"), "1USD");
  EXPECT_EQ(cost(R"({"usage": {"prompt_tokens": 1, "cost": 2.5e-19}})"), "0USD");
}

TEST(ProviderUsage, OtherUnits) {
  EXPECT_EQ(read("openai", R"({"usage": {"type": "duration", "seconds": 27}})"), R"({"audio_seconds": 27})");
  EXPECT_EQ(read("mistral", R"({"pages": [], "usage_info": {"pages_processed": 3, "doc_size_bytes": 900}})"),
            R"({"pages": 3})");
  EXPECT_EQ(read("cohere", R"({"meta": {"billed_units": {"search_units": 1}}})"), R"({"rerank_searches": 1})");
  EXPECT_EQ(read("voyage", R"({"object": "list", "usage": {"total_tokens": 3}})"), R"({"input_tokens": 3})");
  EXPECT_EQ(read("ollama", R"({"model": "m", "prompt_eval_count": 7, "eval_count": 2})"),
            R"({"input_tokens": 7, "output_tokens": 2})");
  EXPECT_EQ(
      read("openai", R"({"created": 1, "data": [{"b64_json": "x"}], "usage": {"input_tokens": 50, "output_tokens": 60,
                              "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}}})"),
      R"({"input_tokens": 50, "input_text_tokens": 10, "input_image_tokens": 40, "output_tokens": 60, "output_image_tokens": 60})");
  // DALL-E: paid by the image, and no usage.
  const char* const pictures =
      R"({"created": 1, "data": [{"url": "x", "revised_prompt": "y"}, {"b64_json": "x"}, {}, 7]})";
  EXPECT_EQ(read("openai", pictures, "images"), R"({"images": 2})");
  EXPECT_EQ(read("openai", pictures), "none: the payload has no usage");
  EXPECT_EQ(read("openai", R"({"created": 1, "data": []})", "images"), "none: the payload has no usage");
  EXPECT_EQ(read("openai", R"({"output": [{"type": "web_search_call", "action": {"type": "search"}},
                              {"type": "web_search_call", "action": {"type": "open_page"}}, {"type": "message"}],
                              "usage": {"input_tokens": 5, "output_tokens": 6}})"),
            R"({"input_tokens": 5, "output_tokens": 6, "web_searches": 1})");
}

TEST(ProviderUsage, OpenTelemetry) {
  const std::string expected = R"({"input_tokens": 120, "cache_read_tokens": 30, "output_tokens": 40})";
  EXPECT_EQ(
      read(
          "",
          R"({"gen_ai.usage.input_tokens": "120", "gen_ai.usage.output_tokens": "40", "gen_ai.usage.cache_read.input_tokens": 30})"),
      expected);
  EXPECT_EQ(read("", R"({"gen_ai": {"operation": {"name": "chat"}, "usage": {"input_tokens": 120, "output_tokens": 40,
                         "cache_read": {"input_tokens": 30}}}})"),
            expected);
  EXPECT_EQ(read("", R"({"name": "chat gpt-5", "attributes": {"gen_ai.usage.prompt_tokens": 120,
                         "gen_ai.usage.completion_tokens": 40, "gen_ai.usage.input_tokens.cached": 30}})"),
            expected);
  const std::string otlp = R"([{"key": "gen_ai.usage.input_tokens", "value": {"intValue": "120"}},
                              {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "40"}},
                              {"key": "gen_ai.usage.cache_read.input_tokens", "value": {"doubleValue": 30}}])";
  EXPECT_EQ(read("", otlp), expected);
  EXPECT_EQ(read("", R"({"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": )" + otlp + "}]}]}]}"), expected);
  EXPECT_EQ(
      read(
          "",
          R"({"llm.token_count.prompt": 120, "llm.token_count.completion": 40, "llm.token_count.prompt_details.cache_read": 30})"),
      expected);
  EXPECT_EQ(read("", R"({"gen_ai.usage.input_tokens": 9, "gen_ai.usage.audio.input_tokens": 4})"),
            R"({"input_tokens": 9, "input_audio_tokens": 4})");
}

TEST(ProviderUsage, OnlyInferenceBills) {
  for (const char* operation : {"invoke_agent", "execute_tool", "create_agent", "invoke_workflow"}) {
    EXPECT_EQ(
        outcome(R"({"gen_ai.operation.name": ")" + std::string(operation) + R"(", "gen_ai.usage.input_tokens": 9})"),
        Outcome::not_billed)
        << operation;
  }
  for (const char* operation : {"chat", "text_completion", "generate_content", "embeddings", "image_generation"}) {
    EXPECT_EQ(
        outcome(R"({"gen_ai.operation.name": ")" + std::string(operation) + R"(", "gen_ai.usage.input_tokens": 9})"),
        Outcome::usage)
        << operation;
  }
  EXPECT_EQ(outcome(R"({"ai.operationId": "ai.generateText", "ai.usage.inputTokens": 9})"), Outcome::not_billed);
  EXPECT_EQ(
      outcome(
          R"({"ai.operationId": "ai.generateText.doGenerate", "operation.name": "ai.generateText.doGenerate my-agent",
                        "ai.usage.inputTokens": 9})"),
      Outcome::usage);
  EXPECT_EQ(outcome(R"({"openinference.span.kind": "AGENT", "llm.token_count.prompt": 9})"), Outcome::not_billed);
  EXPECT_EQ(outcome(R"({"openinference.span.kind": "LLM", "llm.token_count.prompt": 9})"), Outcome::usage);
  EXPECT_EQ(outcome(R"({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"})"), Outcome::no_usage);
}

}  // namespace
}  // namespace spend::test

#include <benchmark/benchmark.h>

#include "core/cost.hpp"

namespace spend {
namespace {

void run(benchmark::State& state, const char* price_json, const char* usage_json, bool with_lines) {
  const Price price = Price::from_json(price_json).value();
  const Usage usage = Usage::from_json(usage_json).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(evaluate(price, usage, OnInconsistent::clamp, with_lines));
  }
}

constexpr const char* four_rates = R"({"rates": {"input_tokens": "2.50/1M", "cache_read_tokens": "1.25/1M",
    "cache_write_tokens": "3.125/1M", "output_tokens": "10/1M"}})";
constexpr const char* tiered = R"({"rates": {
    "input_tokens": {"base": "2.50/1M", "tiers": [{"above": 200000, "rate": "5/1M"}]},
    "cache_read_tokens": {"base": "0.25/1M", "tiers": [{"above": 200000, "rate": "0.5/1M"}]},
    "output_tokens": {"base": "10/1M", "tiers": [{"above": 200000, "rate": "15/1M"}]}}})";
constexpr const char* row = R"({"input_tokens": 1200, "cache_read_tokens": 800, "output_tokens": 350})";

/// A row as most are: flat rates, three meters.
void evaluate_typical(benchmark::State& state) {
  run(state, four_rates, row, false);
}
void evaluate_tiered(benchmark::State& state) {
  run(state, tiered, row, false);
}
void evaluate_with_lines(benchmark::State& state) {
  run(state, four_rates, row, true);
}

/// Cached and audio tokens overlap: the lattice at work.
void evaluate_multimodal(benchmark::State& state) {
  run(state, R"({"rates": {"input_tokens": "4/1M", "cache_read_tokens": "0.4/1M", "input_audio_tokens": "32/1M",
                 "cache_audio_read_tokens": "0.4/1M", "output_tokens": "24/1M", "output_audio_tokens": "64/1M"}})",
      R"({"input_tokens": 1000, "cache_read_tokens": 400, "input_audio_tokens": 250, "cache_audio_read_tokens": 100,
          "output_tokens": 500, "output_audio_tokens": 300})",
      false);
}

/// Numbers that 128 bits do not hold.
void evaluate_wide(benchmark::State& state) {
  run(state, R"({"rates": {"input_tokens": "1234567890.123456789012345678/1B"}})",
      R"({"input_tokens": 1234567890.123456789012345678})", false);
}

BENCHMARK(evaluate_typical);
BENCHMARK(evaluate_tiered);
BENCHMARK(evaluate_with_lines);
BENCHMARK(evaluate_multimodal);
BENCHMARK(evaluate_wide);

}  // namespace
}  // namespace spend

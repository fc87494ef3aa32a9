#include <benchmark/benchmark.h>

#include <cstddef>
#include <span>
#include <string>

#include "core/usage.hpp"

namespace spend {
namespace {

constexpr const char* row = R"({"input_tokens": 1200, "cache_read_tokens": 800, "output_tokens": 350})";

void usage_from_json(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(Usage::from_json(row));
  }
}

void usage_to_json(benchmark::State& state) {
  const Usage usage = Usage::from_json(row).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(usage.to_json());
  }
}

void usage_from_image(benchmark::State& state) {
  const std::string image = Usage::from_json(row).value().to_image();
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(image.data()), image.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(Usage::from_image(bytes));
  }
}

/// The transition of an aggregate.
void usage_add(benchmark::State& state) {
  const Usage usage = Usage::from_json(row).value();
  Usage sum;
  for (auto _ : state) {
    benchmark::DoNotOptimize(sum.add(usage));
  }
}

BENCHMARK(usage_from_json);
BENCHMARK(usage_to_json);
BENCHMARK(usage_from_image);
BENCHMARK(usage_add);

}  // namespace
}  // namespace spend

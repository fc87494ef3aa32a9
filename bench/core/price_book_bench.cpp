#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "core/price_book.hpp"

namespace spend {
namespace {

/// Books are built once per size: building one of 100,000 models would otherwise dwarf the measurement.
const PriceBook& book_of(std::int64_t models) {
  static std::vector<std::pair<std::int64_t, PriceBook>> books;
  for (const auto& [size, book] : books) {
    if (size == models) {
      return book;
    }
  }
  const Price price = Price::from_json(R"({"rates": {"input_tokens": "2.50/1M"}})").value();
  std::vector<PriceEntry> entries;
  for (std::int64_t i = 0; i < models; ++i) {
    PriceEntry entry;
    entry.sku.provider = "provider-" + std::to_string(i % 40);
    entry.sku.model = "vendor-model-" + std::to_string(i) + "-2026-03-05";
    entry.price = price;
    entries.push_back(entry);
  }
  books.emplace_back(models, PriceBook::build(std::move(entries)));
  return books.back().second;
}

/// Looks models up in an order that defeats the caches of the processor as real traffic over many models does.
void run(benchmark::State& state, bool with_provider, const char* service_tier) {
  const std::int64_t models = state.range(0);
  const PriceBook& book = book_of(models);
  std::vector<std::pair<std::string, std::string>> names;
  for (std::int64_t i = 0; i < 1024; ++i) {
    const std::int64_t model = i * 7919 % models;
    names.emplace_back("provider-" + std::to_string(model % 40),
                       "vendor-model-" + std::to_string(model) + "-2026-03-05");
  }
  std::size_t next = 0;
  for (auto _ : state) {
    const auto& [provider, model] = names[next++ % names.size()];
    SkuQuery query;
    query.provider = with_provider ? std::string_view(provider) : std::string_view();
    query.model = model;
    query.service_tier = service_tier;
    PriceMatch match = book.find(query, 0);
    if (match.entry == nullptr) {
      state.SkipWithError("model not found");
      break;
    }
    benchmark::DoNotOptimize(match);
  }
}

void find_by_provider(benchmark::State& state) {
  run(state, true, "");
}
void find_without_provider(benchmark::State& state) {
  run(state, false, "");
}
void find_missing_tier(benchmark::State& state) {
  run(state, true, "batch");
}

BENCHMARK(find_by_provider)->Arg(10)->Arg(1000)->Arg(100'000);
BENCHMARK(find_without_provider)->Arg(10)->Arg(1000)->Arg(100'000);
BENCHMARK(find_missing_tier)->Arg(10)->Arg(1000)->Arg(100'000);

}  // namespace
}  // namespace spend

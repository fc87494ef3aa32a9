#include "core/price_answers.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

namespace spend {

PriceAnswers::Key PriceAnswers::key_of(const SkuQuery& query) const {
  const std::size_t others = query.surface.size() | query.region.size() | query.service_tier.size() |
                             query.speed.size() | query.variant.size();
  if (others == 0) {
    return {query.provider, query.model, {}};
  }
  return with_others(query);
}

PriceAnswers::Key PriceAnswers::with_others(const SkuQuery& query) const {
  others_.clear();
  for (const std::string_view part : {query.surface, query.region, query.service_tier, query.speed, query.variant}) {
    if (part.size() > longest_key) {
      return {};
    }
    others_ += static_cast<char>(part.size() & 0xFFU);
    others_ += static_cast<char>(part.size() >> 8U);
    others_ += part;
  }
  return {query.provider, query.model, others_};
}

[[gnu::flatten]] const PriceAnswer* PriceAnswers::find(const SkuQuery& query, Timestamp at) const {
  const Key key = key_of(query);
  if (places_.empty() || key.size() == 0 || key.size() > longest_key) {
    return nullptr;
  }
  return answer_of(key, hash_of(key), at);
}

std::uint32_t PriceAnswers::keep(std::string text) {
  text_bytes_ += text.size();
  texts_.push_back(std::move(text));
  return static_cast<std::uint32_t>(texts_.size() - 1);
}

std::uint16_t PriceAnswers::kind_number(const PlainPrice& plain) {
  constexpr std::size_t most_kinds = 4096;
  const auto& multipliers = plain.multipliers();
  const bool fits = std::all_of(multipliers.begin(), multipliers.end(), [](std::int64_t multiplier) {
    return multiplier >= std::numeric_limits<std::int32_t>::min() &&
           multiplier <= std::numeric_limits<std::int32_t>::max();
  });
  const auto known = std::find(kinds_.begin(), kinds_.end(), plain.kind());
  if (!plain.is_usable() || !fits || (known == kinds_.end() && kinds_.size() >= most_kinds)) {
    return 0;
  }
  const auto number = static_cast<std::uint16_t>(known - kinds_.begin());
  if (known == kinds_.end()) {
    kinds_.push_back(plain.kind());
  }
  return number;
}

const PriceAnswer* PriceAnswers::remember(const SkuQuery& query, const PriceEntry& entry, MatchedBy matched_by,
                                          Timestamp from, Timestamp until, std::string_view fallback) {
  const Key key = key_of(query);
  if (key.size() == 0 || key.size() > longest_key) {
    return nullptr;
  }
  if (cells_.size() >= 2 * most_answers || text_bytes_ >= most_text_bytes) {
    clear();
  }
  if (keys_.size() * 2 >= places_.size()) {
    grow();
  }
  PriceAnswer answer = {.from = from,
                        .until = until,
                        .entry = &entry,
                        .fallback = fallback.empty() ? 0 : keep(std::string(fallback)),
                        .kind_number = kind_number(entry.price.plain()),
                        .matched_by = matched_by,
                        .scale = static_cast<std::uint8_t>(entry.price.plain().scale())};
  if (answer.kind_number != 0) {
    std::transform(entry.price.plain().multipliers().begin(), entry.price.plain().multipliers().end(),
                   answer.multipliers.begin(),
                   [](std::int64_t multiplier) { return static_cast<std::int32_t>(multiplier); });
  }
  const std::uint64_t hash = hash_of(key);
  std::uint32_t last = first_of(key, hash);
  if (last == nowhere) {
    last = add_key(key, hash) + 1;
    cells_[last].answer = answer;
    return &cells_[last].answer;
  }
  std::size_t times = 1;
  for (; cells_[last].answer.next != nowhere; last = cells_[last].answer.next) {
    ++times;
  }
  if (times < most_times) {
    const auto added = static_cast<std::uint32_t>(cells_.size());
    cells_.emplace_back();
    cells_[last].answer.next = added;
    last = added;
  }
  cells_[last].answer = answer;
  return &cells_[last].answer;
}

std::uint32_t PriceAnswers::add_key(const Key& key, std::uint64_t hash) {
  std::string bytes(key.provider);
  bytes += key.model;
  bytes += key.others;
  StoredKey stored = {.hash = hash, .sizes = sizes_of(key), .short_bytes = {}};
  if (bytes.size() > short_key_bytes) {
    stored.long_bytes = texts_[keep(std::move(bytes))].data();
  } else {
    std::memcpy(stored.short_bytes.data(), bytes.data(), bytes.size());
  }
  const auto cell = static_cast<std::uint32_t>(cells_.size());
  cells_.resize(cells_.size() + 2);
  cells_[cell].key = stored;
  keys_.push_back(cell);
  put(hash, cell);
  return cell;
}

void PriceAnswers::put(std::uint64_t hash, std::uint32_t cell) {
  std::size_t i = hash & (places_.size() - 1);
  while (places_[i] != 0) {
    i = (i + 1) & (places_.size() - 1);
  }
  places_[i] = tag_of(hash) | cell;
}

void PriceAnswers::clear() {
  places_.assign(places_.size(), 0);
  keys_.clear();
  cells_.resize(2);
  texts_.resize(1);
  text_bytes_ = 0;
}

void PriceAnswers::grow() {
  if (places_.empty()) {
    if (sodium_init() < 0) {
      throw std::bad_alloc();  // it fails only when the system gives it no resources
    }
    randombytes_buf(secrets_.data(), sizeof secrets_);
    cells_.resize(2);  // a key and its answer are two: so they share the lines that memory brings in pairs
  }
  places_.assign(places_.empty() ? 64 : places_.size() * 2, 0);
  for (const std::uint32_t cell : keys_) {
    put(cells_[cell].key.hash, cell);
  }
}

}  // namespace spend

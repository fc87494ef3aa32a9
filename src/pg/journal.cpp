#include "pg/journal.hpp"

#include <bit>

namespace spend {

namespace {

void add_checked(Atto& total, Atto amount) {
  if (__builtin_add_overflow(total, amount, &total)) {
    raise(Error{ErrorKind::out_of_range,
                "the usage of one transaction is out of range",
                "Amounts hold 20 integer digits and 18 decimals.",
                {}});
  }
}

void add_sums(Journal::Entry& into, Atto cost, Atto tokens, std::int64_t calls) {
  add_checked(into.cost, cost);
  add_checked(into.tokens, tokens);
  into.calls += calls;
}

bool is_same_key(const Journal::Entry& entry, const Attribution* attribution, Timestamp bucket,
                 std::uint32_t currency) {
  return entry.attribution == attribution && entry.bucket == bucket && entry.currency == currency;
}

/// Nobody outside knows at which addresses attributions lie, so keys cannot be chosen to collide.
std::uint32_t hash_of(const Attribution* attribution, Timestamp bucket, std::uint32_t currency) {
  std::uint64_t hash = reinterpret_cast<std::uintptr_t>(attribution) * 0x9E3779B97F4A7C15U;
  hash ^= (static_cast<std::uint64_t>(bucket / quarter_hour) + (std::uint64_t{currency} << 40U)) * 0xC2B2AE3D27D4EB4FU;
  hash ^= hash >> 32U;
  hash *= 0x9E3779B97F4A7C15U;
  return static_cast<std::uint32_t>(hash >> 32U);
}

}  // namespace

Journal::Entry& Journal::Sums::append(Attribution* attribution, Timestamp bucket, std::uint32_t currency) {
  if (size_ % chunk_size == 0 && size_ / chunk_size == chunks_.size()) {
    chunks_.push_back(std::make_unique_for_overwrite<Entry[]>(chunk_size));
  }
  Entry& appended = entry(size_++);
  appended = Entry{attribution, bucket, currency, 0, 0, 0};
  return appended;
}

void Journal::Sums::merge() {
  constexpr std::uint32_t none = 0;
  std::vector<std::uint32_t> places(std::bit_ceil(2 * size_), none);  // plus one
  std::size_t kept = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    const Entry moved = entry(i);
    std::size_t slot = hash_of(moved.attribution, moved.bucket, moved.currency) & (places.size() - 1);
    while (places[slot] != none &&
           !is_same_key(entry(places[slot] - 1), moved.attribution, moved.bucket, moved.currency)) {
      slot = (slot + 1) & (places.size() - 1);
    }
    if (places[slot] != none) {
      add_sums(entry(places[slot] - 1), moved.cost, moved.tokens, moved.calls);
    } else {
      entry(kept) = moved;
      places[slot] = static_cast<std::uint32_t>(++kept);
    }
  }
  size_ = kept;
  chunks_.resize((kept + chunk_size - 1) / chunk_size);
  recent_.clear();
  merge_at_ = std::max(first_merge, 2 * kept);
}

Journal::Entry& Journal::Sums::at(Attribution* attribution, Timestamp bucket, std::uint32_t currency) {
  if (size_ <= most_compared) {
    for (std::size_t i = 0; i < size_; ++i) {
      if (is_same_key(entry(i), attribution, bucket, currency)) {
        return entry(i);
      }
    }
    return append(attribution, bucket, currency);
  }
  if (size_ >= merge_at_) {
    merge();
  }
  if (recent_.empty()) {
    recent_.resize(recent_places);
  }
  std::uint32_t& place = recent_[hash_of(attribution, bucket, currency) % recent_places];
  if (place < size_ && is_same_key(entry(place), attribution, bucket, currency)) {
    return entry(place);
  }
  place = static_cast<std::uint32_t>(size_);
  return append(attribution, bucket, currency);
}

std::uint32_t Journal::currency_number(std::string_view name) {
  if (currencies_.size() == 2 && currencies_.back() == name) {
    return 1;  // one is the rule
  }
  if (currencies_.empty()) {
    currencies_.emplace_back();
  }
  const auto known = currency_numbers_.find(name);
  if (known != currency_numbers_.end()) {
    return known->second;
  }
  const auto number = static_cast<std::uint32_t>(currencies_.size());
  currency_numbers_.emplace(name, number);
  currencies_.emplace_back(name);
  return number;
}

void Journal::add(Attribution& attribution, const RowFacts& facts, int sign) {
  const int nesting = GetCurrentTransactionNestLevel();
  if (levels_.empty() || levels_.back().nesting < nesting) {
    levels_.push_back({nesting, {}});
  }
  const std::uint32_t currency = facts.is_priced ? currency_number(facts.currency) : 0;
  Entry& entry = levels_.back().sums.at(&attribution, floor_to_quarter_hour(facts.occurred_at), currency);
  add_sums(entry, sign * facts.cost, sign * facts.tokens, sign);
}

void Journal::at_subabort(int level) {
  while (!levels_.empty() && levels_.back().nesting >= level) {
    levels_.pop_back();
  }
}

void Journal::at_subcommit(int level) {
  if (levels_.empty() || levels_.back().nesting < level) {
    return;
  }
  Level ended = std::move(levels_.back());
  levels_.pop_back();
  if (levels_.empty() || levels_.back().nesting < level - 1) {
    ended.nesting = level - 1;
    levels_.push_back(std::move(ended));
    return;
  }
  Sums& into = levels_.back().sums;
  ended.sums.for_each([&](const Entry& entry) {
    add_sums(into.at(entry.attribution, entry.bucket, entry.currency), entry.cost, entry.tokens, entry.calls);
  });
}

void Journal::clear() {
  levels_.clear();
  currencies_.clear();
  currency_numbers_.clear();
}

CounterDelta Journal::delta_of(const Budget& budget, const Entry& entry) const {
  switch (budget.measure) {
    case Measure::tokens:
      return {entry.tokens, entry.calls, 0};
    case Measure::calls:
      return {static_cast<Atto>(entry.calls) * atto_per_unit, entry.calls, 0};
    case Measure::cost:
      break;
  }
  if (entry.currency == 0 || currencies_[entry.currency] != budget.currency) {
    return {0, entry.calls, entry.calls};
  }
  return {entry.cost, entry.calls, 0};
}

}  // namespace spend

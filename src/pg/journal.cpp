#include "pg/journal.hpp"

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

void merge(Journal::Sum& into, const Journal::Sum& from) {
  add_checked(into.cost, from.cost);
  add_checked(into.tokens, from.tokens);
  into.calls += from.calls;
}

}  // namespace

std::size_t Journal::HashOfKey::operator()(const Key& key) const {
  std::size_t hash;
  std::memcpy(&hash, key.attribution.data(), sizeof hash);
  return hash ^ (static_cast<std::size_t>(key.bucket / quarter_hour) * 0x9E3779B97F4A7C15ULL) ^
         (key.is_priced ? 1U : 0U);
}

void Journal::add(const RowFacts& facts, int sign) {
  const int nesting = GetCurrentTransactionNestLevel();
  if (levels_.empty() || levels_.back().nesting < nesting) {
    levels_.push_back({nesting, {}});
  }
  const Key key{facts.attribution, floor_to_quarter_hour(facts.occurred_at), facts.is_priced, facts.currency};
  merge(levels_.back().sums[key], Sum{sign * facts.cost, sign * facts.tokens, sign});
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
  for (const auto& [key, sum] : ended.sums) {
    merge(levels_.back().sums[key], sum);
  }
}

CounterDelta delta_of(const Budget& budget, const Journal::Key& key, const Journal::Sum& sum) {
  switch (budget.measure) {
    case Measure::tokens:
      return {sum.tokens, sum.calls, 0};
    case Measure::calls:
      return {static_cast<Atto>(sum.calls) * atto_per_unit, sum.calls, 0};
    case Measure::cost:
      break;
  }
  if (!key.is_priced || key.currency != budget.currency) {
    return {0, sum.calls, sum.calls};
  }
  return {sum.cost, sum.calls, 0};
}

}  // namespace spend

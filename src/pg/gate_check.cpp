#include "pg/gate_check.hpp"

#include "pg/limits.hpp"
#include "pg/numeric.hpp"
#include "pg/tables.hpp"

namespace spend {

namespace {

constexpr std::int64_t most_output_tokens = 1'000'000'000;  ///< above it, nothing limits them

AttrNumber output_tokens_of(const UsageColumns& columns) {
  const auto found = std::find_if(UsageColumns::meter_names.begin(), UsageColumns::meter_names.end(),
                                  [](const char* name) { return std::string_view(name) == "output_tokens"; });
  return columns.meters[static_cast<std::size_t>(found - UsageColumns::meter_names.begin())];
}

/// What the call would ask of a line's budget with so many output tokens; nothing when it cannot be priced so.
class Repriced {
 public:
  explicit Repriced(const UsageRow& row) : row_(row.clone()) {}

  std::optional<Atto> amount(const Budget& budget, std::int64_t output_tokens) {
    set_output(output_tokens);
    if (budget.measure == Measure::cost && !is_priced_) {
      price_expected(row_);
      is_priced_ = true;
    }
    const Movement movement = movement_of(budget, facts_of(row_));
    return movement.unpriced ? std::nullopt : std::optional(movement.amount);
  }

 private:
  void set_output(std::int64_t output_tokens) {
    if (output_tokens_ != output_tokens) {
      row_.set(output_tokens_of(row_.columns()),
               encode_numeric(Decimal::from_integer(static_cast<std::uint64_t>(output_tokens))));
      output_tokens_ = output_tokens;
      is_priced_ = false;
    }
  }

  UsageRow row_;
  std::optional<std::int64_t> output_tokens_;
  bool is_priced_ = false;  ///< with these
};

/// The largest number of output tokens whose amount is at most `room`. Cost grows with the tokens, in a line except
/// where a tier begins: a guess by proportion is tested, and bisection finds what it misses.
std::int64_t most_that_fit(Repriced& repriced, const Budget& budget, Atto room) {
  const auto fits = [&](std::int64_t tokens) {
    const std::optional<Atto> amount = repriced.amount(budget, tokens);
    return amount.has_value() && *amount <= room;
  };
  if (!fits(0)) {
    return 0;
  }
  if (fits(most_output_tokens)) {
    return most_output_tokens;
  }
  std::int64_t low = 0;
  std::int64_t high = most_output_tokens;
  const std::optional<Atto> none = repriced.amount(budget, 0);
  const std::optional<Atto> many = repriced.amount(budget, 1'000'000);
  if (none.has_value() && many.has_value() && *many > *none) {
    const Atto guess = (room - *none) / ((*many - *none) / 1'000'000 + 1);
    const auto start = static_cast<std::int64_t>(std::clamp<Atto>(guess, 0, most_output_tokens - 1));
    // The rate was rounded up, so the guess is a little low, if anything.
    const std::int64_t beyond = start + start / 1'000'000'000 + 2;
    if (fits(start)) {
      low = start;
    }
    if (beyond < high && !fits(beyond)) {
      high = beyond;
    }
  }
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace

bool GateLine::is_near_limit() const {
  return !use.budget->fallback_model.empty() &&
         standing.spent + standing.held >= share_of(limit, use.budget->fallback_at);
}

const GateLine* Candidate::stopped_by() const {
  const auto found = std::find_if(lines.begin(), lines.end(), [](const GateLine& line) { return line.stops(); });
  return found == lines.end() ? nullptr : &*found;
}

bool Candidate::fits() const {
  return stopped_by() == nullptr;
}

const GateLine* Candidate::asks_approval() const {
  const auto found =
      std::find_if(lines.begin(), lines.end(), [](const GateLine& line) { return line.needs_approval(); });
  return found == lines.end() ? nullptr : &*found;
}

std::optional<std::int64_t> Candidate::output_tokens_that_fit(bool is_approved) const {
  std::int64_t fewest = most_output_tokens;
  Repriced repriced(row);
  for (const GateLine& line : lines) {
    const Budget& budget = *line.use.budget;
    const bool is_limit = budget.on_exceeded != OnExceeded::alert;
    const bool wants_approval = budget.approval_above.has_value() && !is_approved;
    if ((!is_limit && !wants_approval) || (line.asked.unpriced && !budget.denies_unpriced && !wants_approval)) {
      continue;
    }
    // More output makes no more calls.
    if (budget.measure == Measure::calls) {
      fewest = (is_limit && line.is_exceeded()) || (wants_approval && line.needs_approval()) ? 0 : fewest;
      continue;
    }
    Atto room = is_limit ? line.limit - line.standing.spent - line.standing.held : atto_limit;
    if (wants_approval) {
      room = std::min(room, *budget.approval_above);
    }
    const std::optional<Atto> at_fewest = repriced.amount(budget, fewest);
    if (!at_fewest.has_value() || *at_fewest > room) {
      fewest = std::min(fewest, most_that_fit(repriced, budget, room));
    }
  }
  return fewest == most_output_tokens ? std::nullopt : std::optional(fewest);
}

std::vector<GateLine> lines_of(const UsageRow& row, Timestamp now, Timestamp until) {
  std::vector<GateLine> lines;
  UsageRow later = row.clone();
  const AttrNumber occurred_at = row.columns().occurred_at;
  for (const RowMovement& movement : movements_of(row)) {
    const Budget& budget = *movement.use.budget;
    lines.push_back({movement.use, {movement.delta.amount, movement.delta.unpriced_calls != 0}, {}, 0, false});
    if (budget.period.kind == PeriodKind::rolling) {
      continue;  // its window only moves on
    }
    for (Timestamp at = movement.use.period.end; at <= until && at < budget.valid.end;) {
      later.set(occurred_at, TimestampTzGetDatum(at));
      GateLine line = lines.back();
      for (const RowMovement& in_later : movements_of(later)) {
        if (in_later.use.budget->budget_id == budget.budget_id) {
          line.use = in_later.use;
        }
      }
      if (line.use.period.start <= now || line.use.period.end <= at) {
        break;
      }
      line.is_later_period = true;
      at = line.use.period.end;
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

std::vector<Asked> Candidate::asked_of_reject_budgets() const {
  std::vector<Asked> all;
  for (const GateLine& line : lines) {
    if (line.use.budget->locks_in_statement() && line.asked.amount > 0) {
      all.push_back(asked_of(line.use, line.asked.amount));
    }
  }
  std::sort(all.begin(), all.end(), [](const Asked& a, const Asked& b) { return a.use.key() < b.use.key(); });
  return all;
}

void find_standing(std::vector<Candidate>& candidates, bool counts_pending) {
  std::map<CounterKey, CounterUse> uses;
  for (const Candidate& candidate : candidates) {
    for (const GateLine& line : candidate.lines) {
      uses.emplace(line.use.key(), line.use);
    }
  }
  std::map<CounterKey, Counters::Standing> found;
  for (const auto& [key, use] : uses) {
    Counters::Standing standing = standing_of(use);
    if (counts_pending && use.budget->locks_in_statement()) {
      standing.held += standing.pending;
    }
    found.emplace(key, standing);
  }
  for (Candidate& candidate : candidates) {
    for (GateLine& line : candidate.lines) {
      line.standing = found.at(line.use.key());
      line.limit = limit_of(line.use);
    }
  }
}

}  // namespace spend

#include "pg/budgets.hpp"

#include "pg/access.hpp"
#include "pg/budget_rows.hpp"
#include "pg/row_attribution.hpp"
#include "pg/settings.hpp"
#include "pg/tables.hpp"
#include "pg/values.hpp"

extern "C" {
#include "access/transam.h"
}

namespace spend {

namespace {

BudgetSet load() {
  CommitHorizon seen = CommitHorizon::now();
  std::vector<ScopeKind> kinds = read_scope_kinds();
  return BudgetSet(std::move(kinds), dimension_registry(), std::move(seen));
}

TableCache<BudgetSet> cache(Table::budgets, load);

bool contains(const std::vector<std::string>& sorted, const std::string& name) {
  return std::binary_search(sorted.begin(), sorted.end(), name);
}

bool is_part(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

}  // namespace

bool Budget::is_own_uncommitted() const {
  const FullTransactionId own = GetTopFullTransactionIdIfAny();
  return FullTransactionIdIsValid(own) && U64FromFullTransactionId(own) == redefined_by;
}

BudgetSet::BudgetSet(std::vector<ScopeKind> kinds, std::shared_ptr<const DimensionRegistry> registry,
                     CommitHorizon seen)
    : registry_(std::move(registry)), seen_(std::move(seen)) {
  static std::uint64_t last_number = 0;
  number_ = ++last_number;
  for (ScopeKind& dimensions : kinds) {
    Kind kind;
    const auto add_of_row = [&](const std::vector<std::string>& names) {
      for (const std::string& name : names) {
        if (registry_->is_of_row(name)) {
          kind.row_dimensions.push_back(name);
        }
      }
    };
    add_of_row(dimensions.keys);
    kind.is_keyed_by_row = !kind.row_dimensions.empty();
    add_of_row(dimensions.others);
    std::sort(kind.row_dimensions.begin(), kind.row_dimensions.end());
    kind.dimensions = std::move(dimensions);
    for (const std::vector<std::string>* const names : {&kind.dimensions.keys, &kind.dimensions.others}) {
      dimensions_.insert(dimensions_.end(), names->begin(), names->end());
    }
    kinds_.push_back(std::move(kind));
  }
  std::sort(dimensions_.begin(), dimensions_.end());
  dimensions_.erase(std::unique(dimensions_.begin(), dimensions_.end()), dimensions_.end());
}

const Budget* BudgetSet::find(std::int64_t budget_id) const {
  const auto [place, is_new] = budgets_.try_emplace(budget_id);
  if (is_new) {
    try {
      place->second = read_budget(budget_id, *registry_);
    } catch (...) {
      budgets_.erase(place);
      throw;
    }
  }
  return place->second.get();
}

const std::vector<const Budget*>& BudgetSet::under(const Kind& kind, std::int64_t hash) const {
  const auto known = found_.find({&kind, hash});
  if (known != found_.end()) {
    return known->second;
  }
  std::vector<const Budget*> budgets;
  for (const std::int64_t budget_id : read_budgets_under(kind.dimensions, hash)) {
    if (const Budget* const budget = find(budget_id)) {
      budgets.push_back(budget);
    }
  }
  return found_.emplace(std::pair(&kind, hash), std::move(budgets)).first->second;
}

/// Whether the budget covers rows of the attribution, whatever their row dimensions.
bool BudgetSet::may_cover(const Budget& budget, const Dimensions& dimensions) const {
  return std::all_of(budget.scope.conditions().begin(), budget.scope.conditions().end(),
                     [&](const Scope::Condition& condition) {
                       return contains(budget.row_dimensions, condition.dimension) || condition.matches(dimensions);
                     });
}

/// The values that matching() depends on, as bytes in which no two different sets are alike. Valid until the next call.
std::string_view BudgetSet::looked_at_in(const Attribution& attribution) const {
  static std::string bytes;  // kept for its memory
  bytes.clear();
  const auto append = [&](const std::string* value) {
    const std::uint32_t length = value == nullptr ? UINT32_MAX : static_cast<std::uint32_t>(value->size());
    bytes.append(reinterpret_cast<const char*>(&length), sizeof length);
    if (value != nullptr) {
      bytes += *value;
    }
  };
  for (const std::string& name : dimensions_) {
    append(attribution.dimensions.find(name));
  }
  for (const std::string& name : attribution.looked_at) {
    append(&name);
  }
  return bytes;
}

/// False for a budget that was given another scope after its kind was read: its change is about to be taken in.
bool BudgetSet::looks_at_all_of(const Budget& budget) const {
  return is_part(budget.row_dimensions, dimensions_) &&
         std::all_of(budget.group_by.begin(), budget.group_by.end(),
                     [&](const std::string& name) { return contains(dimensions_, name); }) &&
         std::all_of(budget.scope.conditions().begin(), budget.scope.conditions().end(),
                     [&](const Scope::Condition& condition) { return contains(dimensions_, condition.dimension); });
}

const std::shared_ptr<const std::vector<BudgetMatch>>& BudgetSet::matching(Attribution& attribution) const {
  if (attribution.matched_by == number_) {
    return attribution.matches;
  }
  if (const Answer* const known = answers_.find(looked_at_in(attribution))) {
    attribution.matches = known->matches;
    attribution.needed_of_row = known->needed_of_row;
    attribution.matched_by = number_;
    return attribution.matches;
  }
  std::vector<BudgetMatch> found;
  std::set<std::string> needed;
  bool is_general = true;
  for (const Kind& kind : kinds_) {
    const bool is_known = is_part(kind.row_dimensions, attribution.looked_at);
    if (!is_known && kind.is_keyed_by_row) {
      // Only a row can say under which hash to look. Here it is enough that it may.
      if (std::all_of(kind.dimensions.keys.begin(), kind.dimensions.keys.end(), [&](const std::string& name) {
            return contains(kind.row_dimensions, name) || attribution.dimensions.find(name) != nullptr;
          })) {
        needed.insert(kind.row_dimensions.begin(), kind.row_dimensions.end());
      }
      continue;
    }
    const std::optional<std::int64_t> hash = key_hash(kind.dimensions, attribution.dimensions);
    if (!hash.has_value()) {
      continue;
    }
    for (const Budget* const budget : under(kind, *hash)) {
      is_general = is_general && looks_at_all_of(*budget);
      if (!is_known) {
        if (may_cover(*budget, attribution.dimensions)) {
          needed.insert(kind.row_dimensions.begin(), kind.row_dimensions.end());
        }
      } else if (budget->scope.matches(attribution.dimensions)) {
        found.push_back(
            {budget, std::make_shared<const GroupKey>(group_key(budget->group_by, attribution.dimensions))});
      }
    }
  }
  std::sort(found.begin(), found.end(),
            [](const BudgetMatch& a, const BudgetMatch& b) { return a.budget->budget_id < b.budget->budget_id; });
  attribution.matches = std::make_shared<const std::vector<BudgetMatch>>(std::move(found));
  attribution.needed_of_row.assign(needed.begin(), needed.end());
  attribution.matched_by = number_;
  if (is_general) {
    answers_.insert(looked_at_in(attribution), {attribution.matches, attribution.needed_of_row});
  }
  return attribution.matches;
}

const std::vector<std::string>& BudgetSet::needed_of_row(Attribution& attribution) const {
  matching(attribution);
  return attribution.needed_of_row;
}

std::optional<Attribution> BudgetSet::refined(const UsageRow& row, Attribution& attribution) const {
  const std::vector<std::string>& needed = needed_of_row(attribution);
  if (needed.empty()) {
    return std::nullopt;
  }
  Attribution result{.dimensions = attribution.dimensions, .base = &attribution, .looked_at = needed};
  for (const std::string& name : needed) {
    result.dimensions.set_normalised(name, row.row_dimension(name));
  }
  return result;
}

Attribution& BudgetSet::refine(const UsageRow& row, Attribution& attribution) const {
  std::optional<Attribution> more = refined(row, attribution);
  return more.has_value() ? remember_refined(attribution, *std::move(more)) : attribution;
}

bool BudgetSet::knows_rows_of(Attribution& attribution) const {
  return needed_of_row(attribution).empty();
}

bool BudgetSet::saw(const Budget& budget) const {
  if (!budget.is_own_uncommitted()) {
    return seen_.has_ended(budget.redefined_by);
  }
  const auto known = budgets_.find(budget.budget_id);
  return known != budgets_.end() && known->second != nullptr && known->second->generation == budget.generation &&
         known->second->redefined_by == budget.redefined_by;
}

const std::shared_ptr<const BudgetSet>& budget_set() {
  // Their defaults come from the settings, and what is a row dimension from the registry; others read these, too:
  // whether they are another version tells their address.
  static std::shared_ptr<const Settings> defaults;
  static std::shared_ptr<const DimensionRegistry> registry;
  if (const std::shared_ptr<const Settings>& current = settings(); current != defaults) {
    mark_changed(Table::budgets);
    defaults = current;
  }
  if (const std::shared_ptr<const DimensionRegistry>& current = dimension_registry(); current != registry) {
    mark_changed(Table::budgets);
    registry = current;
  }
  return cache.get();
}

void bound_budget_set() {
  constexpr std::size_t most_remembered = 100'000;
  if (unchanged(Table::budgets) && cache.get()->remembered() > most_remembered) {
    mark_changed(Table::budgets);
  }
}

bool may_see_figures(const Budget& budget) {
  return may_see_all_of(budget.scope);
}

RowFacts facts_of(const UsageRow& row) {
  const UsageColumns& at = row.columns();
  RowFacts facts;
  facts.occurred_at = row.timestamp(at.occurred_at, 0);
  if (!row.is_null(at.enforced_at)) {
    facts.enforced_at = row.timestamp(at.enforced_at, 0);
  }
  facts.is_priced = !row.is_null(at.cost);
  if (facts.is_priced) {
    facts.cost = numeric_to_atto(row.get(at.cost));
    facts.currency = row.text(at.currency);
  }
  for (const std::size_t place :
       {UsageColumns::meter_place("input_tokens"), UsageColumns::meter_place("output_tokens")}) {
    if (!row.is_null(at.meters[place])) {
      facts.tokens += numeric_to_atto(row.get(at.meters[place]));
    }
  }
  return facts;
}

Attribution& attribution_of(const UsageRow& row) {
  static Attribution none{.stored_at = Attribution::committed_level};  // nothing to store
  const AttrNumber column = row.columns().attribution_id;
  if (row.is_null(column)) {
    return none;
  }
  const Hash128 id = uuid_bytes(row.get(column));
  if (Attribution* const known = find_attribution(id)) {
    return *known;
  }
  // The row comes from a server whose dictionary is not known here. What its columns say here is the best there is.
  return attribution_now(row);
}

Movement movement_of(const Budget& budget, const RowFacts& facts) {
  switch (budget.measure) {
    case Measure::tokens:
      return {facts.tokens, false};
    case Measure::calls:
      return {atto_per_unit, false};
    case Measure::cost:
      break;
  }
  // Until exchange rates exist, an amount in another currency is one we cannot express in this budget's.
  if (!facts.is_priced || facts.currency != budget.currency) {
    return {0, true};
  }
  return {facts.cost, false};
}

bool has_budget(const Hash128& attribution, const Period& time) {
  Attribution* const known = find_attribution(attribution);
  if (known == nullptr) {
    return false;
  }
  const auto matches = budget_set()->matching(*known);
  return std::any_of(matches->begin(), matches->end(), [&](const BudgetMatch& match) {
    return match.budget->valid.start < time.end && match.budget->valid.end > time.start;
  });
}

}  // namespace spend

#include "pg/tag_requirements.hpp"

#include "core/error_text.hpp"
#include "core/json.hpp"
#include "core/scope.hpp"
#include "core/text_key.hpp"
#include "pg/dimension_registry.hpp"
#include "pg/tables.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
}

namespace spend {

namespace {

struct TagRequirement {
  std::int64_t requirement_id;
  std::string dimension;
  Scope scope;
  std::string scope_text;
  bool rejects;
  std::string assign_to;  ///< normalised; "" unless usage is assigned
};

struct TagRequirements {
  std::vector<TagRequirement> all = {};  ///< by requirement_id
  bool has_rejects = false;
  std::uint64_t version = 0;  ///< no two in this backend have the same
};

TagRequirements load() {
  static std::uint64_t version = 0;
  TagRequirements loaded;
  loaded.version = ++version;
  const OpenTable table(Table::required_tags, AccessShareLock);
  const AttrNumber requirement_id = table.column("requirement_id");
  const AttrNumber dimension = table.column("dimension");
  const AttrNumber scope = table.column("scope");
  const AttrNumber on_missing = table.column("on_missing");
  const AttrNumber assign_to = table.column("assign_to");
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    TagRequirement requirement;
    requirement.requirement_id = DatumGetInt64(row.get(requirement_id, &is_null));
    requirement.dimension = text_of(row.get(dimension, &is_null));
    requirement.scope_text = jsonb_text(row.get(scope, &is_null));
    requirement.scope = take(Scope::from_json(requirement.scope_text));
    requirement.rejects = text_view(row.get(on_missing, &is_null)) == "reject";
    const Datum center = row.get(assign_to, &is_null);
    requirement.assign_to = is_null ? std::string() : text_key(text_of(center));
    loaded.has_rejects |= requirement.rejects;
    loaded.all.push_back(std::move(requirement));
  });
  std::sort(loaded.all.begin(), loaded.all.end(),
            [](const auto& a, const auto& b) { return a.requirement_id < b.requirement_id; });
  return loaded;
}

TableCache<TagRequirements> cache(Table::required_tags, load);

[[noreturn]] void refuse(const TagRequirement& requirement) {
  raise(MAKE_SQLSTATE('S', 'P', '0', '0', '2'),
        "usage row lacks the required dimension \"" + requirement.dimension + "\"",
        "Required of " + (requirement.scope_text == "{}" ? "all rows" : "rows of " + requirement.scope_text) +
            " (requirement " + std::to_string(requirement.requirement_id) + " of spend.required_tags).",
        "Set the column or tag \"" + requirement.dimension + "\" in the INSERT.");
}

/// The first requirement that lets rows of this attribution be refused, by what is rolled up; -1 for none.
std::int32_t refused_by(const TagRequirements& requirements, const DimensionRegistry& registry,
                        const Dimensions& dimensions) {
  for (std::size_t i = 0; i < requirements.all.size(); ++i) {
    const TagRequirement& requirement = requirements.all[i];
    if (requirement.rejects && registry.is_known(requirement.dimension) &&
        dimensions.find(requirement.dimension) == nullptr && requirement.scope.matches(dimensions)) {
      return static_cast<std::int32_t>(i);
    }
  }
  return -1;
}

/// Whether usage of these dimensions does without what is required. A cost center that stands in for a missing value is
/// none.
bool is_missing(const TagRequirement& requirement, const Dimensions& dimensions) {
  const std::string* const value = dimensions.find(requirement.dimension);
  const bool stands_in = value != nullptr && requirement.dimension == "cost_center" && *value == requirement.assign_to;
  return (value == nullptr || stands_in) && requirement.scope.matches(dimensions);
}

}  // namespace

void refuse_missing_tags(const UsageRow& row, Attribution& attribution) {
  const std::shared_ptr<const TagRequirements>& requirements = cache.get();
  if (!requirements->has_rejects) {
    return;
  }
  const DimensionRegistry& registry = *dimension_registry();
  const std::uint64_t asked_when = (requirements->version << 32) | registry.version;
  if (attribution.tags_checked_by != asked_when) {
    attribution.refused_by = refused_by(*requirements, registry, attribution.dimensions);
    attribution.tags_checked_by = asked_when;
  }
  if (attribution.refused_by >= 0) {
    refuse(requirements->all[static_cast<std::size_t>(attribution.refused_by)]);
  }
  for (const TagRequirement& requirement : requirements->all) {
    if (requirement.rejects && !registry.is_known(requirement.dimension) &&
        requirement.scope.matches(attribution.dimensions) && text_key(row.fact(requirement.dimension)).empty()) {
      refuse(requirement);
    }
  }
}

std::vector<std::string> missing_tags(const Dimensions& dimensions) {
  std::vector<std::string> missing;
  for (const TagRequirement& requirement : cache.get()->all) {
    if (is_missing(requirement, dimensions)) {
      missing.push_back(requirement.dimension);
    }
  }
  std::sort(missing.begin(), missing.end());
  missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
  return missing;
}

}  // namespace spend

// dimension, scope, on_missing
SPEND_FUNCTION(spend_check_required_tag) {
  const std::string dimension = spend::text_of(PG_GETARG_DATUM(0));
  const spend::Scope scope = spend::take(spend::Scope::from_json(spend::jsonb_text(PG_GETARG_DATUM(1))));
  const spend::DimensionRegistry& registry = *spend::dimension_registry();
  const bool is_of_row = registry.is_of_row(dimension);
  if (!registry.is_known(dimension) && !is_of_row) {
    spend::raise(spend::Error{spend::ErrorKind::invalid_value, "unknown dimension " + spend::quoted(dimension),
                              "No row could carry it.",
                              "Use a dimension column of spend.usage, or register the tag in spend.dimensions."});
  }
  if (is_of_row && spend::text_of(PG_GETARG_DATUM(2)) != "reject") {
    spend::raise(spend::Error{spend::ErrorKind::invalid_value,
                              "dimension " + spend::quoted(dimension) + " can only be required with reject",
                              "It is not rolled up, so no report could tell whether it is there.",
                              {}});
  }
  for (const spend::Scope::Condition& condition : scope.conditions()) {
    if (!registry.is_known(condition.dimension)) {
      spend::raise(spend::Error{spend::ErrorKind::invalid_value,
                                "scope dimension " + spend::quoted(condition.dimension) + " is not rolled up",
                                "What is required of a row is decided by its attribution.",
                                {}});
    }
    if (condition.dimension == dimension) {
      spend::raise(spend::Error{spend::ErrorKind::invalid_value,
                                "the scope asks for the required dimension " + spend::quoted(dimension) + " itself",
                                {},
                                {}});
    }
  }
  PG_RETURN_VOID();
}

SPEND_FUNCTION(spend_missing_tags) {
  std::vector<std::string> missing;
  if (!spend::cache.get()->all.empty()) {
    missing = spend::missing_tags(spend::take(spend::Dimensions::from_json(spend::jsonb_text(PG_GETARG_DATUM(0)))));
  }
  std::vector<Datum> elements;
  elements.reserve(missing.size());
  for (const std::string& name : missing) {
    elements.push_back(spend::text_datum(name));
  }
  return spend::pg_call([&] {
    return PointerGetDatum(
        construct_array(elements.data(), static_cast<int>(elements.size()), TEXTOID, -1, false, TYPALIGN_INT));
  });
}

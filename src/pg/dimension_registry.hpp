#pragma once

#include <string>
#include <vector>

#include "pg/prelude.hpp"

namespace spend {

/// The dimensions that are columns of spend.usage. Each is rolled up unless spend.dimensions says otherwise.
inline constexpr std::array<const char*, 17> dimension_columns = {
    "cost_center", "department", "team",       "project",   "feature",     "workflow", "application",      "agent",
    "api_key",     "user_id",    "user_group", "workspace", "environment", "customer", "customer_segment", "geography",
    "data_class"};

/// Row dimensions: what differs from row to row, or is no matter of attribution, so that it is never rolled up. Budgets
/// may be on them all the same. `model` is the one that answered, or else the one asked for.
inline constexpr std::array<const char*, 12> row_dimension_columns = {
    "run_id",    "trace_id", "span_id", "request_id",   "provider", "route",
    "operation", "purpose",  "region",  "service_tier", "surface",  "source"};
inline constexpr const char* model_dimension = "model";

/// What spend.dimensions adds to the built-in columns.
struct DimensionRegistry {
  std::vector<std::string> tags;      ///< rolled-up dimensions taken from `tags`
  std::vector<std::string> row_tags;  ///< the same for dimensions that are not rolled up
  std::uint64_t version = 0;          ///< no two registries in this backend have the same

  /// Whether dimension_columns[i] is rolled up: the row's path does not compare names.
  std::array<bool, dimension_columns.size()> is_rolled_up;

  DimensionRegistry() { is_rolled_up.fill(true); }
  /// Whether a budget or a right may test this dimension: it is part of every attribution.
  bool is_known(std::string_view name) const;
  /// Whether it is a row dimension: one of row_dimension_columns, the model, or registered as not rolled up.
  bool is_of_row(std::string_view name) const;
};

const std::shared_ptr<const DimensionRegistry>& dimension_registry();

}  // namespace spend

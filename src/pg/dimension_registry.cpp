#include "pg/dimension_registry.hpp"

#include "pg/tables.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_column(std::string_view name) {
  return std::find(dimension_columns.begin(), dimension_columns.end(), name) != dimension_columns.end();
}

DimensionRegistry load() {
  DimensionRegistry registry;
  const OpenTable table(Table::dimensions, AccessShareLock);
  const AttrNumber name = table.column("name");
  const AttrNumber is_rolled_up = table.column("is_rolled_up");
  const AttrNumber is_required = table.column("is_required");
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    const std::string dimension = text_of(row.get(name, &is_null));
    const bool rolled_up = DatumGetBool(row.get(is_rolled_up, &is_null));
    if (is_column(dimension)) {
      if (!rolled_up) {
        registry.not_rolled_up.push_back(dimension);
      }
    } else if (rolled_up) {
      registry.tags.push_back(dimension);
    }
    if (DatumGetBool(row.get(is_required, &is_null))) {
      registry.required.push_back(dimension);
    }
  });
  return registry;
}

TableCache<DimensionRegistry> cache(Table::dimensions, load);

}  // namespace

bool DimensionRegistry::is_rolled_up_column(std::string_view name) const {
  return !contains(not_rolled_up, name);
}

bool DimensionRegistry::is_known(std::string_view name) const {
  return is_column(name) ? is_rolled_up_column(name) : contains(tags, name);
}

std::shared_ptr<const DimensionRegistry> dimension_registry() {
  return cache.get();
}

}  // namespace spend

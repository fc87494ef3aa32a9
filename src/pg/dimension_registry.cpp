#include "pg/dimension_registry.hpp"

#include "pg/tables.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Its place in dimension_columns; their number when it is none of them.
std::size_t column_of(std::string_view name) {
  return static_cast<std::size_t>(std::find(dimension_columns.begin(), dimension_columns.end(), name) -
                                  dimension_columns.begin());
}

DimensionRegistry load() {
  static std::uint64_t version = 0;
  DimensionRegistry registry;
  registry.version = ++version;
  const OpenTable table(Table::dimensions, AccessShareLock);
  const AttrNumber name = table.column("name");
  const AttrNumber is_rolled_up = table.column("is_rolled_up");
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    const std::string dimension = text_of(row.get(name, &is_null));
    const bool rolled_up = DatumGetBool(row.get(is_rolled_up, &is_null));
    const std::size_t column = column_of(dimension);
    if (column < dimension_columns.size()) {
      registry.is_rolled_up[column] = rolled_up;
    } else {
      (rolled_up ? registry.tags : registry.row_tags).push_back(dimension);
    }
  });
  return registry;
}

TableCache<DimensionRegistry> cache(Table::dimensions, load);

}  // namespace

bool DimensionRegistry::is_known(std::string_view name) const {
  const std::size_t column = column_of(name);
  return column < dimension_columns.size() ? is_rolled_up[column] : contains(tags, name);
}

bool DimensionRegistry::is_of_row(std::string_view name) const {
  if (is_known(name)) {
    return false;
  }
  return column_of(name) < dimension_columns.size() || name == model_dimension || contains(row_tags, name) ||
         std::find(row_dimension_columns.begin(), row_dimension_columns.end(), name) != row_dimension_columns.end();
}

const std::shared_ptr<const DimensionRegistry>& dimension_registry() {
  return cache.get();
}

}  // namespace spend

#include "pg/pauses.hpp"

#include "pg/access.hpp"
#include "pg/tables.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

constexpr int paused = MAKE_SQLSTATE('S', 'P', '0', '0', '5');

std::vector<Pause> load() {
  std::vector<Pause> found;
  const std::shared_ptr<const DimensionRegistry> registry = dimension_registry();
  const OpenTable table(Table::pauses, AccessShareLock);
  struct {
    AttrNumber pause_id, scope, reason, paused_by, on_insert, resumed_at;
  } const at = {table.column("pause_id"),  table.column("scope"),     table.column("reason"),
                table.column("paused_by"), table.column("on_insert"), table.column("resumed_at")};
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    row.get(at.resumed_at, &is_null);
    if (!is_null) {
      return;
    }
    Pause pause;
    pause.pause_id = DatumGetInt64(row.get(at.pause_id, &is_null));
    pause.scope_json = jsonb_text(row.get(at.scope, &is_null));
    pause.scope = take(Scope::from_json(pause.scope_json));
    pause.reason = text_of(row.get(at.reason, &is_null));
    pause.paused_by = NameStr(*DatumGetName(row.get(at.paused_by, &is_null)));
    pause.rejects_inserts = text_of(row.get(at.on_insert, &is_null)) == "reject";
    pause.is_of_row =
        std::any_of(pause.scope.conditions().begin(), pause.scope.conditions().end(),
                    [&](const Scope::Condition& condition) { return registry->is_of_row(condition.dimension); });
    found.push_back(std::move(pause));
  });
  return found;
}

TableCache<std::vector<Pause>, 2> cache({Table::pauses, Table::dimensions}, load);

bool covers(const Pause& pause, const UsageRow& row, const Attribution& attribution) {
  if (!pause.is_of_row) {
    return pause.scope.matches(attribution.dimensions);
  }
  Dimensions dimensions = attribution.dimensions;
  for (const Scope::Condition& condition : pause.scope.conditions()) {
    if (dimensions.find(condition.dimension) == nullptr) {
      dimensions.set_normalised(condition.dimension, row.row_dimension(condition.dimension));
    }
  }
  return pause.scope.matches(dimensions);
}

}  // namespace

std::shared_ptr<const std::vector<Pause>> pauses() {
  return cache.get();
}

const Pause* find_pause(const UsageRow& row, const Attribution& attribution) {
  const std::shared_ptr<const std::vector<Pause>>& active = cache.get();
  const auto found =
      std::find_if(active->begin(), active->end(), [&](const Pause& pause) { return covers(pause, row, attribution); });
  return found == active->end() ? nullptr : &*found;
}

void refuse_if_paused(const UsageRow& row, const Attribution& attribution) {
  const std::shared_ptr<const std::vector<Pause>>& active = cache.get();
  if (active->empty()) {
    return;
  }
  for (const Pause& pause : *active) {
    if (pause.rejects_inserts && covers(pause, row, attribution)) {
      const std::string number = std::to_string(pause.pause_id);
      // Whom else it concerns is not for everybody to know.
      raise(paused, "usage is paused: " + pause.reason,
            may_see_all_of(pause.scope)
                ? "Pause " + number + " of " + pause.scope_json + " was made by " + pause.paused_by + "."
                : std::string(),
            "Try again when spend.resume(" + number + ") has been called.");
    }
  }
}

}  // namespace spend

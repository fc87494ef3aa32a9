#include "pg/tables.hpp"

namespace spend {

namespace {

struct Known {
  const char* name;
  Oid oid = InvalidOid;
  bool unchanged = false;
  std::uint64_t changes = 0;
};

std::array<Known, table_count> known = {{
    {"usage"},           {"usage_keys"},      {"usage_conflicts"},  {"prices"},        {"dimensions"},
    {"settings"},        {"attributions"},    {"access"},           {"budgets"},       {"budget_epochs"},
    {"budget_keys"},     {"budget_amounts"},  {"budget_overrides"}, {"pauses"},        {"counters"},
    {"counter_deltas"},  {"sealed_counters"}, {"alerts"},           {"commit_window"}, {"adjustments"},
    {"price_terms"},     {"model_aliases"},   {"providers"},        {"usage_kinds"},   {"rollup_deltas"},
    {"rollup_quarters"}, {"rollup"},          {"rollup_months"},    {"holds"},         {"hold_amounts"},
    {"decisions"},       {"approvals"},       {"allocation_rules"}, {"required_tags"}, {"periods"},
    {"rollup_state"},    {"sealed_rollup"},
}};

Known& entry(Table table) {
  return known[static_cast<std::size_t>(table)];
}

/// Only flips flags: it runs inside invalidation processing, where nothing may be looked up, allocated or raised. A
/// table whose oid is not known yet counts as hit: the message may be about it.
void on_relcache_invalidation([[maybe_unused]] Datum argument, Oid relation) {
  for (Known& table : known) {
    if (relation == InvalidOid || table.oid == InvalidOid || table.oid == relation) {
      table.oid = InvalidOid;
      table.unchanged = false;
      ++table.changes;
    }
  }
}

}  // namespace

const char* table_name(Table table) {
  return entry(table).name;
}

Oid table_oid_if_exists(Table table) {
  Known& found = entry(table);
  if (found.oid == InvalidOid) {
    const Oid oid = pg_call([&] {
      const Oid schema = get_namespace_oid("spend", true);
      return OidIsValid(schema) ? get_relname_relid(found.name, schema) : InvalidOid;
    });
    found.oid = oid;
  }
  return found.oid;
}

Oid table_oid(Table table) {
  const Oid oid = table_oid_if_exists(table);
  if (!OidIsValid(oid)) {
    raise(ERRCODE_UNDEFINED_TABLE, std::string("relation \"spend.") + table_name(table) + "\" does not exist", {},
          "Run CREATE EXTENSION pg_spend CASCADE, or ALTER EXTENSION pg_spend UPDATE if it is older than its library.");
  }
  return oid;
}

bool unchanged(Table table) {
  return entry(table).unchanged;
}
void mark_unchanged(Table table) {
  entry(table).unchanged = true;
}
void mark_changed(Table table) {
  entry(table).unchanged = false;
}
std::uint64_t changes_of(Table table) {
  return entry(table).changes;
}

void watch_tables() {
  CacheRegisterRelcacheCallback(on_relcache_invalidation, 0);
}

namespace {

/// Where columns were found last. Whether the answer is still right is told by the descriptor, so nothing has to be
/// forgotten.
struct KnownColumn {
  const char* name = nullptr;
  Oid row_type = InvalidOid;
  AttrNumber attribute = InvalidAttrNumber;
};
std::array<KnownColumn, 1024> known_columns;

KnownColumn& known_column(TupleDesc descriptor, const char* name) {
  const std::uint64_t hash =
      (reinterpret_cast<std::uintptr_t>(name) ^ std::uint64_t{descriptor->tdtypeid} << 40U) * 0x9E3779B97F4A7C15U;
  return known_columns[hash >> 54U];
}

bool is_named(TupleDesc descriptor, int place, const char* name) {
  const Form_pg_attribute attribute = TupleDescAttr(descriptor, place);
  return !attribute->attisdropped && std::strcmp(NameStr(attribute->attname), name) == 0;
}

}  // namespace

AttrNumber column(TupleDesc descriptor, const char* name) {
  KnownColumn& known = known_column(descriptor, name);
  if (known.name == name && known.row_type == descriptor->tdtypeid && known.attribute <= descriptor->natts &&
      is_named(descriptor, known.attribute - 1, name)) {
    return known.attribute;
  }
  for (int i = 0; i < descriptor->natts; ++i) {
    if (is_named(descriptor, i, name)) {
      known = {name, descriptor->tdtypeid, static_cast<AttrNumber>(i + 1)};
      return known.attribute;
    }
  }
  raise(ERRCODE_UNDEFINED_COLUMN, std::string("column \"") + name + "\" is missing from a table of pg_spend", {},
        "Run ALTER EXTENSION pg_spend UPDATE.");
}

OpenTable::OpenTable(Table table, LOCKMODE lock) : exceptions_at_start_(std::uncaught_exceptions()) {
  const Oid oid = table_oid(table);
  relation_ = pg_call([&] { return table_open(oid, lock); });
}

OpenTable::~OpenTable() {
  if (std::uncaught_exceptions() == exceptions_at_start_) {
    table_close(relation_, NoLock);
  }
}

}  // namespace spend

#pragma once

#include "pg/guard.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// The extension's tables that C++ reads or writes.
enum class Table {
  usage,
  usage_keys,
  usage_conflicts,
  prices,
  dimensions,
  settings,
  attributions,
  access,
  budgets,
  budget_epochs,
  budget_keys,
  budget_amounts,
  budget_overrides,
  pauses,
  counters,
  counter_deltas,
  sealed_counters,
  alerts,
  commit_window,
  adjustments,
  price_terms,
  model_aliases,
  providers,
  usage_kinds,
  rollup_deltas,
  rollup_quarters,
  rollup,
  rollup_months,
  holds,
  hold_amounts,
  decisions,
  approvals,
  allocation_rules,
  required_tags,
  periods,
  rollup_state,
  sealed_rollup,
};
constexpr std::size_t table_count = 37;

/// The oid of spend.<table>, looked up by schema and name and kept until its relcache entry is invalidated.
/// Errors: 42P01 with a hint when the extension's SQL is older than the library or was dropped.
Oid table_oid(Table table);
/// The oid, or InvalidOid when there is no such table (dropped in this transaction).
Oid table_oid_if_exists(Table table);
const char* table_name(Table table);

/// False after anything in the table may have changed since mark_unchanged(): set by the relcache callback only.
bool unchanged(Table table);
void mark_unchanged(Table table);
void mark_changed(Table table);

/// Counts what may have been changes of the table's definition; read it while the table is open.
std::uint64_t changes_of(Table table);

/// Registers the relcache callback; called once from _PG_init.
void watch_tables();

/// Attribute numbers by column name: a library must serve the SQL of another version, so columns are never counted.
/// Errors: 42703 naming the column.
AttrNumber column(TupleDesc descriptor, const char* name);

/// Opens one of the extension's tables; closed at scope exit unless an error is under way (abort closes it then).
/// The lock is kept to the end of the transaction.
class OpenTable {
 public:
  OpenTable(Table table, LOCKMODE lock);
  ~OpenTable();
  OpenTable(const OpenTable&) = delete;
  OpenTable& operator=(const OpenTable&) = delete;
  Relation get() const { return relation_; }
  TupleDesc descriptor() const { return RelationGetDescr(relation_); }
  AttrNumber column(const char* name) const { return spend::column(descriptor(), name); }

 private:
  Relation relation_;
  int exceptions_at_start_;
};

/// An immutable value computed from tables, by the protocol that a cache of a configuration table needs: the flag is
/// set before the scan, so that a change during it is not lost; users pin the value through the shared pointer, so that
/// a replacement does not pull it away under them.
template <typename T, std::size_t Count = 1>
class TableCache {
 public:
  using Loader = T (*)();
  constexpr TableCache(Table table, Loader loader) noexcept : tables_{table}, loader_(loader) {}
  constexpr TableCache(const std::array<Table, Count>& tables, Loader loader) noexcept
      : tables_(tables), loader_(loader) {}

  /// Copy the pointer to keep the value across the next call.
  const std::shared_ptr<const T>& get() {
    if (value_ == nullptr || !std::all_of(tables_.begin(), tables_.end(), unchanged)) {
      for (const Table table : tables_) {
        const Oid oid = table_oid(table);
        pg_call([&] {
          LockRelationOid(oid, AccessShareLock);  // takes in pending invalidations
        });
      }
      std::for_each(tables_.begin(), tables_.end(), mark_unchanged);
      try {
        value_ = std::make_shared<const T>(loader_());
      } catch (...) {
        std::for_each(tables_.begin(), tables_.end(), mark_changed);
        throw;
      }
    }
    return value_;
  }

 private:
  std::array<Table, Count> tables_;
  Loader loader_;
  std::shared_ptr<const T> value_;
};

}  // namespace spend

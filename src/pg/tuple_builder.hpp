#pragma once

#include "pg/tables.hpp"
#include "pg/tuples.hpp"

namespace spend {

/// The values of a tuple to be inserted into one of our tables, set by column name; what is not set is NULL.
class TupleBuilder {
 public:
  explicit TupleBuilder(const OpenTable& table)
      : table_(table),
        values_(static_cast<std::size_t>(table.descriptor()->natts)),
        nulls_(std::make_unique<bool[]>(values_.size())) {
    std::fill_n(nulls_.get(), values_.size(), true);
  }

  void set(AttrNumber attribute, Datum value) {
    values_[static_cast<std::size_t>(attribute - 1)] = value;
    nulls_[static_cast<std::size_t>(attribute - 1)] = false;
  }
  void set(const char* column, Datum value) { set(table_.column(column), value); }

  Datum* values() { return values_.data(); }
  bool* nulls() { return nulls_.get(); }
  void insert() { insert_tuple(table_.get(), values(), nulls()); }

 private:
  const OpenTable& table_;
  std::vector<Datum> values_;
  std::unique_ptr<bool[]> nulls_;
};

/// Replaces a tuple that this transaction has locked by one with other values in some columns, and none in others.
inline void change_locked(const OpenTable& table, HeapTuple locked,
                          std::span<const std::pair<AttrNumber, Datum>> changes,
                          std::initializer_list<AttrNumber> cleared = {}) {
  const auto count = static_cast<std::size_t>(table.descriptor()->natts);
  std::vector<Datum> values(count);
  const auto nulls = std::make_unique<bool[]>(count);
  const auto replaced = std::make_unique<bool[]>(count);
  for (const auto& [attribute, value] : changes) {
    values[static_cast<std::size_t>(attribute - 1)] = value;
    replaced[static_cast<std::size_t>(attribute - 1)] = true;
  }
  for (const AttrNumber attribute : cleared) {
    nulls[static_cast<std::size_t>(attribute - 1)] = true;
    replaced[static_cast<std::size_t>(attribute - 1)] = true;
  }
  HeapTuple replacement = pg_call(
      [&] { return heap_modify_tuple(locked, table.descriptor(), values.data(), nulls.get(), replaced.get()); });
  update_locked(table.get(), locked, replacement);
}

}  // namespace spend

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

}  // namespace spend

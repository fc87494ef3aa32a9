#pragma once

#include <vector>

#include "pg/guard.hpp"

namespace spend {

/// Descriptors of the first columns of a table, in memory of their own. A tuple may end before its table's columns do,
/// as those do that are older than a column; most of what forming a tuple costs are columns without a value.
class TuplePrefixes {
 public:
  /// In memory below `parent`, which outlives them.
  TuplePrefixes(TupleDesc whole, MemoryContext parent)
      : known_(static_cast<std::size_t>(whole->natts) + 1),
        memory_(
            pg_call([&] { return AllocSetContextCreate(parent, "pg_spend tuple prefixes", ALLOCSET_SMALL_SIZES); })) {}
  ~TuplePrefixes() { MemoryContextDelete(memory_); }
  TuplePrefixes(const TuplePrefixes&) = delete;
  TuplePrefixes& operator=(const TuplePrefixes&) = delete;

  TupleDesc of_length(TupleDesc whole, AttrNumber length) {
    TupleDesc& known = known_[static_cast<std::size_t>(length)];
    if (known == nullptr) {
      known = pg_call([&] {
        const MemoryContext outer = MemoryContextSwitchTo(memory_);
        TupleDesc prefix = CreateTemplateTupleDesc(length);
        for (AttrNumber attribute = 1; attribute <= length; ++attribute) {
          TupleDescCopyEntry(prefix, attribute, whole, attribute);
        }
        MemoryContextSwitchTo(outer);
        return prefix;
      });
    }
    return known;
  }

 private:
  std::vector<TupleDesc> known_;
  MemoryContext memory_;
};

}  // namespace spend

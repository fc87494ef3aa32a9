#pragma once

#include "pg/guard.hpp"

extern "C" {
#include "catalog/index.h"
#include "catalog/pg_am_d.h"
#include "utils/date.h"
}

namespace spend {

/// New rows, a page of which is one record in the log.
class PageInserts {
 public:
  PageInserts(Relation relation, CatalogIndexState indexes) : relation_(relation), indexes_(indexes) {}
  void add(HeapTuple tuple) {
    pg_call([&] {
      if (slots_[count_] == nullptr) {
        slots_[count_] = MakeSingleTupleTableSlot(RelationGetDescr(relation_), &TTSOpsHeapTuple);
      }
      ExecStoreHeapTuple(tuple, slots_[count_], true);
    });
    if (++count_ == slots_.size()) {
      write();
    }
  }
  void write() {
    if (count_ == 0) {
      return;
    }
    pg_call([&] {
      heap_multi_insert(relation_, slots_.data(), static_cast<int>(count_), GetCurrentCommandId(true), 0, nullptr);
      for (std::size_t i = 0; i < count_; ++i) {
        insert_into_indexes(slots_[i]);
        ExecClearTuple(slots_[i]);
      }
    });
    count_ = 0;
  }
  void close() {
    write();
    pg_call([&] {
      for (TupleTableSlot* const slot : slots_) {
        if (slot != nullptr) {
          ExecDropSingleTupleTableSlot(slot);
        }
      }
    });
  }

 private:
  /// What CatalogIndexInsert() does, without a slot of its own for each row.
  void insert_into_indexes(TupleTableSlot* slot) {
    for (int i = 0; i < indexes_->ri_NumIndices; ++i) {
      const Relation index = indexes_->ri_IndexRelationDescs[i];
      IndexInfo* const info = indexes_->ri_IndexRelationInfo[i];
      if (!info->ii_ReadyForInserts) {
        continue;
      }
      Datum values[INDEX_MAX_KEYS];
      bool nulls[INDEX_MAX_KEYS];
      FormIndexDatum(info, slot, nullptr, values, nulls);
      if (index->rd_rel->relam == BRIN_AM_OID && !extends_page(slot->tts_tid, values[0], nulls[0])) {
        continue;
      }
      index_insert(index, values, nulls, &slot->tts_tid, relation_,
                   index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, info);
    }
  }

  /// An index that knows the least and the greatest day of a range of pages is told of a row only if that is not
  /// between those of the rows before it in its page.
  bool extends_page(const ItemPointerData& at, Datum value, bool is_null) {
    const BlockNumber page = ItemPointerGetBlockNumber(&at);
    if (page != days_.page) {
      days_ = {page, std::numeric_limits<DateADT>::max(), std::numeric_limits<DateADT>::min(), false};
    }
    if (is_null) {
      return !std::exchange(days_.has_null, true);
    }
    const DateADT day = DatumGetDateADT(value);
    const bool extends = day < days_.least || day > days_.greatest;
    days_.least = std::min(days_.least, day);
    days_.greatest = std::max(days_.greatest, day);
    return extends;
  }

  struct Days {
    BlockNumber page;
    DateADT least, greatest;
    bool has_null;
  };

  Relation relation_;
  CatalogIndexState indexes_;
  Days days_ = {InvalidBlockNumber, 0, 0, false};
  std::array<TupleTableSlot*, 200> slots_ = {};
  std::size_t count_ = 0;
};

}  // namespace spend

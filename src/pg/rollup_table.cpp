#include "pg/rollup_table.hpp"

#include "pg/tuples.hpp"

extern "C" {
#include "catalog/index.h"
#include "common/pg_prng.h"
#include "port/pg_bswap.h"
#include "utils/datetime.h"
}

namespace spend {

std::uint32_t hash_of(const FoldedKey& key) {
  // Ids are keyless hashes of what users chose, so something that they do not know goes in.
  static const std::uint64_t secret = pg_prng_uint64(&pg_global_prng_state);
  std::array<std::uint64_t, 4> ids;
  std::memcpy(ids.data(), key.attribution.data(), sizeof key.attribution);
  std::memcpy(&ids[2], key.kind.data(), sizeof key.kind);
  const auto time = static_cast<std::uint64_t>(key.time[0] ^ (key.time[1] << 20));
  return hash_of_words(ids[0] ^ secret, ids[1] ^ time, ids[2] * 0xD6E8FEB86659FD93U ^ ids[3]);
}

std::vector<const FoldedGroup*> in_order(const FoldedSums& groups) {
  // What tells most keys apart lies beside the pointer: a group is nearly half a kilobyte away.
  struct Place {
    std::array<std::int64_t, 2> time;
    std::uint64_t attribution;  ///< its first bytes
    const FoldedGroup* group;
  };
  std::vector<Place> places;
  places.reserve(groups.size());
  groups.for_each([&](const FoldedGroup& group) {
    std::uint64_t head;
    std::memcpy(&head, group.key.attribution.data(), sizeof head);
    places.push_back({group.key.time, pg_ntoh64(head), &group});
  });
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    const auto order = std::tie(a.time, a.attribution) <=> std::tie(b.time, b.attribution);
    return order != 0 ? order < 0 : a.group->key < b.group->key;
  });
  std::vector<const FoldedGroup*> ordered;
  ordered.reserve(places.size());
  for (const Place& place : places) {
    ordered.push_back(place.group);
  }
  return ordered;
}

DateADT first_of_month(DateADT day) {
  int year, month, day_of_month;
  j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &day_of_month);
  return day - (day_of_month - 1);
}

namespace {

constexpr Table table_of(RollupTable::Grain grain) {
  switch (grain) {
    case RollupTable::Grain::quarter:
      return Table::rollup_quarters;
    case RollupTable::Grain::day:
      return Table::rollup;
    case RollupTable::Grain::month:
      return Table::rollup_months;
  }
  return Table::rollup;
}

std::vector<const char*> time_columns(RollupTable::Grain grain) {
  switch (grain) {
    case RollupTable::Grain::quarter:
      return {"bucket_start"};
    case RollupTable::Grain::day:
      return {"usage_date", "usage_date_utc"};
    case RollupTable::Grain::month:
      return {"usage_month"};
  }
  return {};
}

/// Probes of an index, one after the other, for rows that were there before.
class Probes {
 public:
  /// The keys are those of the first columns of the index.
  Probes(Relation relation, Oid index, std::span<ScanKeyData> keys) : keys_(keys) {
    pg_call([&] {
      CommandCounterIncrement();
      snapshot_ = RegisterSnapshot(GetLatestSnapshot());
      index_ = index_open(index, AccessShareLock);
      slot_ = table_slot_create(relation, nullptr);
      scan_ = begin_index_scan(relation, index_, snapshot_, keys_.data(), static_cast<int>(keys_.size()));
    });
  }
  /// The first row with these keys, in its page until the next probe; or nullptr.
  HeapTuple find() {
    return pg_call([&]() -> HeapTuple {
      CHECK_FOR_INTERRUPTS();
      index_rescan(scan_, keys_.data(), static_cast<int>(keys_.size()), nullptr, 0);
      return index_getnext_slot(scan_, ForwardScanDirection, slot_) ? ExecFetchSlotHeapTuple(slot_, false, nullptr)
                                                                    : nullptr;
    });
  }
  /// After an error the end of the transaction closes them.
  void close() {
    pg_call([&] {
      index_endscan(scan_);
      ExecDropSingleTupleTableSlot(slot_);
      index_close(index_, AccessShareLock);
      UnregisterSnapshot(snapshot_);
    });
  }

 private:
  std::span<ScanKeyData> keys_;
  Snapshot snapshot_;
  Relation index_;
  TupleTableSlot* slot_;
  IndexScanDesc scan_;
};

/// New rows, a page of which is one record in the log.
class Inserts {
 public:
  Inserts(Relation relation, CatalogIndexState indexes) : relation_(relation), indexes_(indexes) {}
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
      index_insert(index, values, nulls, &slot->tts_tid, relation_,
                   index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, info);
    }
  }

  Relation relation_;
  CatalogIndexState indexes_;
  std::array<TupleTableSlot*, 200> slots_ = {};
  std::size_t count_ = 0;
};

}  // namespace

RollupTable::RollupTable(Grain grain)
    : grain_(grain),
      table_(table_of(grain), RowExclusiveLock),
      sums_(table_.descriptor()),
      values_(static_cast<std::size_t>(table_.descriptor()->natts)),
      nulls_(std::make_unique<bool[]>(values_.size())) {
  for (const char* const name : time_columns(grain)) {
    key_columns_.push_back(table_.column(name));
  }
  const std::size_t times = key_columns_.size();
  key_columns_.push_back(table_.column("attribution_id"));
  key_columns_.push_back(table_.column("kind_id"));
  if (grain == Grain::day) {
    month_column_ = table_.column("usage_month");
  }
  index_ = index_on(table_.get(), key_columns_);
  const RegProcedure time_equal = grain == Grain::quarter ? F_TIMESTAMPTZ_EQ : F_DATE_EQ;
  for (std::size_t i = 0; i < key_columns_.size(); ++i) {
    const RegProcedure equal = i < times ? time_equal : F_UUID_EQ;
    pg_call([&] {
      ScanKeyInit(&keys_[i], static_cast<AttrNumber>(i + 1), BTEqualStrategyNumber, equal, static_cast<Datum>(0));
    });
  }
}

void RollupTable::set_keys(const FoldedKey& key) {
  const std::size_t times = key_columns_.size() - 2;
  for (std::size_t i = 0; i < times; ++i) {
    keys_[i].sk_argument = grain_ == Grain::quarter ? TimestampTzGetDatum(key.time[i])
                                                    : DateADTGetDatum(static_cast<DateADT>(key.time[i]));
  }
  keys_[times].sk_argument = UUIDPGetDatum(reinterpret_cast<const pg_uuid_t*>(key.attribution.data()));
  keys_[times + 1].sk_argument = UUIDPGetDatum(reinterpret_cast<const pg_uuid_t*>(key.kind.data()));
}

HeapTuple RollupTable::new_row(const FoldedGroup& group) {
  const auto put = [&](AttrNumber attribute, Datum value) {
    values_[static_cast<std::size_t>(attribute - 1)] = value;
    nulls_[static_cast<std::size_t>(attribute - 1)] = false;
  };
  std::fill_n(nulls_.get(), values_.size(), true);
  for (std::size_t i = 0; i < key_columns_.size(); ++i) {
    put(key_columns_[i], keys_[i].sk_argument);
  }
  if (grain_ == Grain::day) {
    put(month_column_, DateADTGetDatum(first_of_month(static_cast<DateADT>(group.key.time[0]))));
  }
  sums_.write(group.sums, put);
  return pg_call([&] { return heap_form_tuple(table_.descriptor(), values_.data(), nulls_.get()); });
}

HeapTuple RollupTable::sum_of(HeapTuple row, const RollupSums& sums) {
  heap_deform_tuple(row, table_.descriptor(), values_.data(), nulls_.get());
  sums_.add(sums, values_.data(), nulls_.get());
  return pg_call([&] { return heap_form_tuple(table_.descriptor(), values_.data(), nulls_.get()); });
}

/// So many groups of one time are worth a look whether the table has any row of it: a bulk load brings days that are
/// new.
constexpr std::ptrdiff_t worth_a_probe = 8;

void RollupTable::add(std::span<const FoldedGroup* const> groups) {
  if (groups.empty()) {
    return;
  }
  const Relation relation = table_.get();
  const CatalogIndexState indexes = pg_call([&] { return CatalogOpenIndexes(relation); });
  const std::size_t times = key_columns_.size() - 2;
  Probes probes(relation, index_, {keys_.data(), key_columns_.size()});
  Probes times_there(relation, index_, {keys_.data(), times});
  Inserts inserts(relation, indexes);
  const auto is_of_time = [](const FoldedKey& key) {
    return [&key](const FoldedGroup* group) { return group->key.time == key.time; };
  };
  for (auto next = groups.begin(); next != groups.end();) {
    const auto end = std::find_if_not(next, groups.end(), is_of_time((*next)->key));
    bool may_be_there = true;
    if (end - next >= worth_a_probe) {
      set_keys((*next)->key);
      may_be_there = times_there.find() != nullptr;
    }
    for (; next != end; ++next) {
      const FoldedGroup& group = **next;
      set_keys(group.key);
      if (HeapTuple row = may_be_there ? probes.find() : nullptr) {
        ItemPointerData at = row->t_self;
        HeapTuple replacement = sum_of(row, group.sums);
        pg_call([&] {
          CatalogTupleUpdateWithInfo(relation, &at, replacement, indexes);
          heap_freetuple(replacement);
        });
      } else {
        inserts.add(new_row(group));
      }
    }
  }
  inserts.close();
  probes.close();
  times_there.close();
  pg_call([&] { CatalogCloseIndexes(indexes); });
}

}  // namespace spend

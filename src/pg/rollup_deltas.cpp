#include "pg/rollup_deltas.hpp"

#include "pg/tuple_prefixes.hpp"
#include "pg/values.hpp"

extern "C" {
#include "replication/logicalworker.h"
}

namespace spend {

DeltaTuple::DeltaTuple(TupleDesc descriptor)
    : values_(static_cast<std::size_t>(descriptor->natts)),
      nulls_(std::make_unique<bool[]>(values_.size())),
      sums_(descriptor) {
  const auto at = [&](const char* name) { return column(descriptor, name); };
  bucket_start_ = at("bucket_start");
  attribution_id_ = at("attribution_id");
  kind_id_ = at("kind_id");
}

void DeltaTuple::put(AttrNumber attribute, Datum value) {
  values_[static_cast<std::size_t>(attribute - 1)] = value;
  nulls_[static_cast<std::size_t>(attribute - 1)] = false;
  length_ = std::max(length_, attribute);
}

void DeltaTuple::set(const RollupGroup& group) {
  std::fill_n(nulls_.get(), values_.size(), true);
  length_ = 0;
  put(bucket_start_, TimestampTzGetDatum(group.key.bucket));
  put(attribution_id_, UUIDPGetDatum(reinterpret_cast<const pg_uuid_t*>(group.key.attribution.data())));
  put(kind_id_, UUIDPGetDatum(reinterpret_cast<const pg_uuid_t*>(group.key.kind->id.data())));
  sums_.write(group.sums, [&](AttrNumber attribute, Datum value) { put(attribute, value); });
}

DeltaReader::DeltaReader(TupleDesc descriptor)
    : descriptor_(descriptor),
      sums_(descriptor),
      bucket_start_(column(descriptor, "bucket_start")),
      attribution_id_(column(descriptor, "attribution_id")),
      kind_id_(column(descriptor, "kind_id")),
      values_(static_cast<std::size_t>(descriptor->natts)),
      nulls_(std::make_unique<bool[]>(values_.size())) {}

const Delta& DeltaReader::read(HeapTuple tuple) {
  heap_deform_tuple(tuple, descriptor_, values_.data(), nulls_.get());
  const auto get = [&](AttrNumber attribute) { return values_[static_cast<std::size_t>(attribute - 1)]; };
  delta_.bucket = DatumGetTimestampTz(get(bucket_start_));
  delta_.attribution = uuid_bytes(get(attribution_id_));
  delta_.kind = uuid_bytes(get(kind_id_));
  delta_.sums = sums_.read(values_.data(), nulls_.get());
  return delta_;
}

namespace {

/// What is found out of the table once, until its definition changes.
struct DeltaTable {
  explicit DeltaTable(TupleDesc descriptor) : tuple(descriptor), prefixes(descriptor, TopMemoryContext) {}
  std::uint64_t changes = 0;
  DeltaTuple tuple;
  TuplePrefixes prefixes;
};

DeltaTable& delta_table(const OpenTable& table) {
  static DeltaTable* known = nullptr;  // never destroyed: when the process ends, its memory contexts go first
  const std::uint64_t changes = changes_of(Table::rollup_deltas);
  if (known == nullptr || known->changes != changes) {
    delete std::exchange(known, nullptr);
    known = new DeltaTable(table.descriptor());
    known->changes = changes;
  }
  return *known;
}

}  // namespace

void append_deltas(const RollupGroups& groups) {
  const OpenTable table(Table::rollup_deltas, RowExclusiveLock);
  DeltaTable& known = delta_table(table);
  DeltaTuple& tuple = known.tuple;
  // Written together where there are several: a page of them is one record in the log.
  constexpr std::size_t at_once = 100;
  struct Batch {
    HeapTuple tuples[at_once];
    TupleTableSlot* slots[at_once];
    std::size_t count;
  };
  Batch batch = {};
  const Relation relation = table.get();
  const auto write = [&] {
    pg_call([&] {
      if (batch.count == 1) {
        heap_insert(relation, batch.tuples[0], GetCurrentCommandId(true), 0, nullptr);
        heap_freetuple(batch.tuples[0]);
      } else if (batch.count > 1) {
        for (std::size_t i = 0; i < batch.count; ++i) {
          if (batch.slots[i] == nullptr) {
            batch.slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsHeapTuple);
          }
          ExecStoreHeapTuple(batch.tuples[i], batch.slots[i], true);
        }
        heap_multi_insert(relation, batch.slots, static_cast<int>(batch.count), GetCurrentCommandId(true), 0, nullptr);
        for (std::size_t i = 0; i < batch.count; ++i) {
          ExecClearTuple(batch.slots[i]);
        }
      }
    });
    batch.count = 0;
  };
  groups.for_each([&](const RollupGroup& group) {
    if (group.sums.is_zero()) {
      return;
    }
    tuple.set(group);
    const TupleDesc descriptor = known.prefixes.of_length(table.descriptor(), tuple.length());
    batch.tuples[batch.count++] = pg_call([&] { return heap_form_tuple(descriptor, tuple.values(), tuple.nulls()); });
    if (batch.count == at_once) {
      write();
    }
  });
  write();
  pg_call([&] {
    for (TupleTableSlot* const slot : batch.slots) {
      if (slot != nullptr) {
        ExecDropSingleTupleTableSlot(slot);
      }
    }
  });
}

}  // namespace spend

SPEND_FUNCTION(spend_refuse_replicated) {
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
      !TRIGGER_FIRED_FOR_ROW(trigger->tg_event)) {
    spend::raise(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                 "spend._refuse_replicated() is a BEFORE ROW trigger of the tables of rollups");
  }
  if (IsLogicalWorker()) {
    return PointerGetDatum(nullptr);
  }
  return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple);
}

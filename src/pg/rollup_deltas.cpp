#include "pg/rollup_deltas.hpp"

#include "pg/folded_groups.hpp"
#include "pg/set_result.hpp"

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
}

void DeltaTuple::set(Timestamp bucket, const Hash128& attribution, const Hash128& kind, const RollupSums& sums) {
  std::fill_n(nulls_.get(), values_.size(), true);
  put(bucket_start_, TimestampTzGetDatum(bucket));
  put(attribution_id_, uuid_datum(attribution));
  put(kind_id_, uuid_datum(kind));
  sums_.write(sums, [&](AttrNumber attribute, Datum value) { put(attribute, value); });
}

namespace {

/// The table has one column.
constexpr AttrNumber packed_column = 1;

/// Tuples on their way into the table. Written together where there are several: a page of them is one record in the
/// log.
class Appending {
 public:
  explicit Appending(Relation relation) : relation_(relation) {}

  /// Precondition: `bytes` begins with room for a header of VARHDRSZ.
  void add(std::string_view bytes) {
    char* const value = const_cast<char*>(bytes.data());
    SET_VARSIZE(value, bytes.size());
    Datum datum = PointerGetDatum(value);
    bool is_null = false;
    const TupleDesc descriptor = RelationGetDescr(relation_);
    tuples_[count_++] = pg_call([&] { return heap_form_tuple(descriptor, &datum, &is_null); });
    if (count_ == at_once) {
      write();
    }
  }

  void finish() {
    write();
    pg_call([&] {
      for (std::size_t i = 0; i < slot_count_; ++i) {
        ExecDropSingleTupleTableSlot(slots_[i]);
      }
    });
  }

 private:
  static constexpr std::size_t at_once = 64;

  void write() {
    pg_call([&] {
      if (count_ == 1) {
        heap_insert(relation_, tuples_[0], GetCurrentCommandId(true), 0, nullptr);
        heap_freetuple(tuples_[0]);
      } else if (count_ > 1) {
        while (slot_count_ < count_) {
          slots_[slot_count_] = MakeSingleTupleTableSlot(RelationGetDescr(relation_), &TTSOpsHeapTuple);
          ++slot_count_;
        }
        for (std::size_t i = 0; i < count_; ++i) {
          ExecStoreHeapTuple(tuples_[i], slots_[i], true);
        }
        heap_multi_insert(relation_, slots_, static_cast<int>(count_), GetCurrentCommandId(true), 0, nullptr);
        for (std::size_t i = 0; i < count_; ++i) {
          ExecClearTuple(slots_[i]);
        }
      }
    });
    count_ = 0;
  }

  Relation relation_;
  HeapTuple tuples_[at_once];       // valid up to count_
  TupleTableSlot* slots_[at_once];  // valid up to slot_count_
  std::size_t count_ = 0;
  std::size_t slot_count_ = 0;
};

}  // namespace

std::string_view packed_of(HeapTuple tuple, TupleDesc descriptor) {
  bool is_null;
  const Datum packed = heap_getattr(tuple, packed_column, descriptor, &is_null);
  if (is_null) {
    return {};
  }
  const std::span<const std::byte> bytes = varlena_bytes(packed);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void append_deltas(const RollupGroups& groups) {
  const OpenTable table(Table::rollup_deltas, RowExclusiveLock);
  Appending appending(table.get());
  static SumsPacker packer;
  static_assert(SumsPacker::head_room == VARHDRSZ);
  packer.clear();
  groups.for_each([&](const RollupGroup& group) {
    if (group.sums.is_zero()) {
      return;
    }
    packer.append({group.key.bucket, group.key.attribution, group.key.kind->id}, group.sums.counts(),
                  group.sums.amounts(), group.sums.present());
    if (packer.is_full()) {
      appending.add(packer.bytes_with_head());
      packer.clear();
    }
  });
  if (!packer.is_empty()) {
    appending.add(packer.bytes_with_head());
  }
  appending.finish();
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

namespace spend {

namespace {

/// Groups of several transactions, summed up as far as memory is good for.
class Unpacked {
 public:
  explicit Unpacked(FunctionCallInfo fcinfo)
      : result_(reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo)), tuple_(result_->setDesc) {}

  void add(const Delta& delta) {
    if (groups_.size() >= most_groups) {
      emit();
    }
    const FoldedKey key{delta.key.bucket, delta.key.attribution, delta.key.kind};
    if (!groups_.try_add(key, delta.sums)) {
      emit();
      (void)groups_.try_add(key, delta.sums);
    }
  }

  void emit() {
    pg_call([] { CHECK_FOR_INTERRUPTS(); });
    for (const FoldedGroup& group : groups_.groups()) {
      const RollupSums sums = group.sums->unpack();
      tuple_.set(group.key.bucket, group.key.attribution, group.key.kind, sums);
      pg_call([&] { tuplestore_putvalues(result_->setResult, result_->setDesc, tuple_.values(), tuple_.nulls()); });
    }
    groups_.clear();
  }

 private:
  static constexpr std::size_t most_groups = 20'000;

  ReturnSetInfo* result_;
  DeltaTuple tuple_;
  FoldedGroups groups_;
};

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_unpack_sums) {
  spend::begin_set(fcinfo);
  const Datum packed = spend::pg_call([&] { return PointerGetDatum(PG_GETARG_BYTEA_PP(0)); });
  const std::span<const std::byte> bytes = spend::varlena_bytes(packed);
  spend::Unpacked unpacked(fcinfo);
  spend::for_each_delta({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                        [&](const spend::Delta& delta) { unpacked.add(delta); });
  unpacked.emit();
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_stretch_of) {
  constexpr BlockNumber blocks = 4'096;
  const auto* const place = reinterpret_cast<ItemPointer>(DatumGetPointer(PG_GETARG_DATUM(0)));
  return Int64GetDatum(static_cast<std::int64_t>(ItemPointerGetBlockNumberNoCheck(place) / blocks));
}

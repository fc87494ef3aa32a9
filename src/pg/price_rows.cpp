#include "pg/price_rows.hpp"

#include "core/present_memory.hpp"
#include "pg/time_range.hpp"
#include "pg/values.hpp"

extern "C" {
#include "access/heaptoast.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
}

namespace spend {

namespace {

/// True where the server may take rows away that a snapshot still needs.
bool are_old_snapshots_cut_off() {
#if PG_VERSION_NUM < 170000
  return old_snapshot_threshold >= 0;
#else
  return false;
#endif
}

/// The state of this moment, if nobody is changing prices: what others will change, they will announce before they
/// commit. Nothing in a transaction that has changed prices itself, on a standby, where nothing is announced, and where
/// this backend holds no snapshot for which the server would keep rows.
std::unique_ptr<const KeptState> state_without_writers(Relation prices) {
  const bool is_quiet = pg_call([&] {
    return ActiveSnapshotSet() && !RecoveryInProgress() && !are_old_snapshots_cut_off() &&
           !CheckRelationLockedByMe(prices, RowExclusiveLock, true) && ConditionalLockRelation(prices, ShareLock);
  });
  if (!is_quiet) {
    return nullptr;
  }
  auto state = std::make_unique<const KeptState>(prices);
  pg_call([&] { UnlockRelation(prices, ShareLock); });
  if (!state->is_complete()) {
    state.reset();
  }
  return state;
}

bool is_in_byte_order(Oid index) {
  return pg_call([&] {
    Relation opened = index_open(index, AccessShareLock);
    const bool result = opened->rd_rel->relam == BTREE_AM_OID && opened->rd_indcollation[0] == C_COLLATION_OID;
    index_close(opened, NoLock);
    return result;
  });
}

}  // namespace

PriceColumns::PriceColumns(const OpenTable& table)
    : provider(table.column("provider")),
      model(table.column("model")),
      surface(table.column("surface")),
      region(table.column("region")),
      service_tier(table.column("service_tier")),
      speed(table.column("speed")),
      variant(table.column("variant")),
      valid_during(table.column("valid_during")),
      price(table.column("price")),
      price_id(table.column("price_id")),
      superseded_at(table.column("superseded_at")) {}

PriceEntry PriceColumns::entry(HeapTuple tuple, TupleDesc descriptor) const {
  const auto get = [&](AttrNumber attribute) {
    bool is_null;
    return heap_getattr(tuple, attribute, descriptor, &is_null);
  };
  const auto text = [&](AttrNumber attribute) { return text_of(get(attribute)); };
  const TimeRange bounds = time_range(get(valid_during));
  return {.sku = Sku{.provider = text(provider),
                     .model = text(model),
                     .surface = text(surface),
                     .region = text(region),
                     .service_tier = text(service_tier),
                     .speed = text(speed),
                     .variant = text(variant)},
          .valid_from = bounds.from,
          .valid_until = bounds.until,
          .price = price_of(get(price)),
          .price_id = DatumGetInt64(get(price_id))};
}

/// Rows of spend.prices as they stand in the table. What they say is read by model: of thousands of prices a connection
/// needs a handful, and parsing all of them would take most of the time.
class PriceRows::Copies {
 public:
  explicit Copies(const OpenTable& table)
      : descriptor_(pg_call([&] {
          const MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
          TupleDesc copy = CreateTupleDescCopy(table.descriptor());
          MemoryContextSwitchTo(caller);
          return copy;
        })),
        at_(table),
        left_(pg_call([&] { return std::size_t{RelationGetNumberOfBlocks(table.get())} * BLCKSZ; })) {}
  ~Copies() { FreeTupleDesc(descriptor_); }
  Copies(const Copies&) = delete;
  Copies& operator=(const Copies&) = delete;

  /// Copies a row; its model, which holds as long as the copy.
  std::string_view add(HeapTuple tuple) {
    if (HeapTupleHasExternal(tuple)) {
      tuple = pg_call([&] { return toast_flatten_tuple(tuple, descriptor_); });
    }
    const std::size_t size = MAXALIGN(tuple->t_len);
    if (free_ < size) {
      take_block(size);
    }
    std::memcpy(next_, tuple->t_data, tuple->t_len);
    rows_.push_back(next_);
    HeapTupleData copy = tuple_at(next_);
    next_ += size;
    free_ -= size;
    bool is_null;
    return text_view(heap_getattr(&copy, at_.model, descriptor_, &is_null));
  }

  PriceEntry entry(std::size_t number) const {
    HeapTupleData tuple = tuple_at(rows_[number]);
    return at_.entry(&tuple, descriptor_);
  }

 private:
  /// Room for what the table may still have, and at least for the next row. All pages of it come from the system at
  /// once: fetching them one by one, each when it is first written, took a fifth of the time of a connection's first
  /// row.
  void take_block(std::size_t size) {
    constexpr std::size_t smallest = 64 * 1024;
    constexpr std::size_t largest = 4 * 1024 * 1024;
    free_ = std::max(size, std::clamp(left_, smallest, largest));
    left_ -= std::min(left_, free_);
    blocks_.emplace_back(free_);
    next_ = blocks_.back().data();
  }

  static HeapTupleData tuple_at(char* row) {
    HeapTupleData tuple;
    tuple.t_len = 0;  // what reads an attribute does not ask for it
    ItemPointerSetInvalid(&tuple.t_self);
    tuple.t_tableOid = InvalidOid;
    tuple.t_data = reinterpret_cast<HeapTupleHeader>(row);
    return tuple;
  }

  TupleDesc descriptor_;
  PriceColumns at_;
  std::vector<PresentMemory> blocks_;
  char* next_ = nullptr;
  std::size_t free_ = 0;
  std::size_t left_;  ///< of the table's size
  std::vector<char*> rows_;
};

PriceRows::PriceRows(const OpenTable& table) : state_(state_without_writers(table.get())) {}
PriceRows::~PriceRows() = default;

std::optional<std::vector<PriceEntry>> PriceRows::prices_of(std::string_view model) {
  if (state_ == nullptr) {
    return std::nullopt;
  }
  const OpenTable table(Table::prices, AccessShareLock);
  const PriceColumns at(table);
  const Oid index = index_on_if_any(table.get(), std::array{at.model});
  if (!OidIsValid(index) || !is_in_byte_order(index)) {
    return std::nullopt;
  }
  ScanKeyData key;
  const Datum wanted = text_datum(model);
  pg_call([&] {
    ScanKeyEntryInitialize(&key, 0, 1, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID, F_TEXTEQ, wanted);
  });
  std::vector<PriceEntry> entries;
  scan_index(table.get(), index, *state_, std::span(&key, 1), [&](const ScannedTuple& row) {
    if (at.is_live(row.tuple, row.descriptor)) {
      entries.push_back(at.entry(row.tuple, row.descriptor));
    }
  });
  return entries;
}

void PriceRows::tell_models(const std::function<void(std::string_view model)>& tell) {
  const OpenTable table(Table::prices, AccessShareLock);
  const PriceColumns at(table);
  copies_ = std::make_unique<Copies>(table);
  const auto visit = [&](const ScannedTuple& row) {
    if (at.is_live(row.tuple, row.descriptor)) {
      tell(copies_->add(row.tuple));
    }
  };
  if (state_ != nullptr) {
    scan(table.get(), *state_, visit);
  } else {
    scan_latest(table.get(), OwnChanges::visible, visit);
  }
}

PriceEntry PriceRows::price_at(std::size_t number) {
  return copies_->entry(number);
}

}  // namespace spend

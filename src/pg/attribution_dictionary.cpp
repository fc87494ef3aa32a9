#include "pg/attribution_dictionary.hpp"

#include "core/json.hpp"
#include "pg/tables.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

extern "C" {
#include "access/xact.h"
#include "storage/bufmgr.h"
}

namespace spend {

namespace {

struct DictionaryColumns {
  explicit DictionaryColumns(const OpenTable& table)
      : id(table.column("attribution_id")),
        dimensions(table.column("dimensions")),
        first_seen_at(table.column("first_seen_at")) {}
  AttrNumber id, dimensions, first_seen_at;
};

Oid index_by_id(const OpenTable& table, const DictionaryColumns& at) {
  const std::array<AttrNumber, 1> columns = {at.id};
  return index_on(table.get(), columns);
}

JsonbValue jsonb_string(const std::string& text) {
  JsonbValue value;
  value.type = jbvString;
  value.val.string.len = static_cast<int>(text.size());
  value.val.string.val = const_cast<char*>(text.data());
  return value;
}

Datum to_jsonb(const Dimensions& dimensions) {
  return pg_call([&] {
    JsonbParseState* state = nullptr;
    pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
    for (const DimensionValue& entry : dimensions.values()) {
      JsonbValue name = jsonb_string(entry.name);
      JsonbValue value = jsonb_string(entry.value);
      pushJsonbValue(&state, WJB_KEY, &name);
      pushJsonbValue(&state, WJB_VALUE, &value);
    }
    return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr)));
  });
}

}  // namespace

std::optional<Dimensions> read_dictionary(const Hash128& id) {
  const OpenTable table(Table::attributions, AccessShareLock);
  const DictionaryColumns at(table);
  std::array<ScanKeyData, 1> keys;
  const Datum key = uuid_datum(id);
  pg_call([&] { ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ, key); });
  std::optional<Dimensions> found;
  scan_latest_index(table.get(), index_by_id(table, at), OwnChanges::visible, keys, [&](const ScannedTuple& row) {
    if (found.has_value()) {
      return;
    }
    bool is_null;
    const Json object =
        take(Json::parse(jsonb_text(row.get(at.dimensions, &is_null)), {.max_bytes = MaxAllocHugeSize}));
    Dimensions dimensions;
    for (const auto& [name, value] : object.members) {
      dimensions.set_normalised(name, value.text);
    }
    found = std::move(dimensions);
  });
  return found;
}

std::size_t append_to_dictionary(std::vector<DictionaryEntry> entries) {
  // In the order of the index, so that neighbours are on one page.
  std::sort(entries.begin(), entries.end(),
            [](const DictionaryEntry& a, const DictionaryEntry& b) { return a.id < b.id; });
  const OpenTable table(Table::attributions, RowExclusiveLock);
  const DictionaryColumns at(table);
  const Oid index = index_by_id(table, at);
  const auto width = static_cast<std::size_t>(table.descriptor()->natts);
  const Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
  std::size_t found = 0;
  constexpr std::size_t at_once = 256;
  const MemoryContext batch = pg_call(
      [] { return AllocSetContextCreate(CurrentMemoryContext, "pg_spend dictionary", ALLOCSET_DEFAULT_SIZES); });
  const MemoryContext outer = MemoryContextSwitchTo(batch);
  for (std::size_t first = 0; first < entries.size(); first += at_once) {
    const std::size_t count = std::min(at_once, entries.size() - first);
    std::vector<Datum> ids;
    for (std::size_t i = 0; i < count; ++i) {
      ids.push_back(uuid_datum(entries[first + i].id));
    }
    const std::vector<bool> there = exist_latest(table.get(), index, F_UUID_EQ, ids);
    std::vector<Datum> values;
    std::size_t absent = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!there[i]) {
        values.resize(values.size() + width);
        Datum* const tuple = values.data() + width * absent++;
        tuple[at.id - 1] = ids[i];
        tuple[at.dimensions - 1] = to_jsonb(*entries[first + i].dimensions);
        tuple[at.first_seen_at - 1] = now;
      }
    }
    auto nulls = std::make_unique<bool[]>(width);
    std::fill_n(nulls.get(), width, true);
    for (const AttrNumber set : {at.id, at.dimensions, at.first_seen_at}) {
      nulls[static_cast<std::size_t>(set - 1)] = false;
    }
    insert_tuples(table.get(), values.data(), nulls.get(), absent);
    found += count - absent;
    MemoryContextReset(batch);
  }
  MemoryContextSwitchTo(outer);
  pg_call([&] { MemoryContextDelete(batch); });
  return found;
}

std::optional<std::vector<Hash128>> all_committed_ids(std::size_t most_pages) {
  const OpenTable table(Table::attributions, AccessShareLock);
  if (pg_call([&] { return RelationGetNumberOfBlocks(table.get()); }) > most_pages) {
    return std::nullopt;
  }
  const AttrNumber id = table.column("attribution_id");
  std::vector<Hash128> ids;
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    if (!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row.tuple->t_data))) {
      bool is_null;
      ids.push_back(uuid_bytes(row.get(id, &is_null)));
    }
  });
  return ids;
}

std::size_t dictionary_pages() {
  const OpenTable table(Table::attributions, AccessShareLock);
  return pg_call([&] { return RelationGetNumberOfBlocks(table.get()); });
}

void for_each_in_dictionary(void (*visit)(void* context, const Hash128& id, Datum dimensions), void* context) {
  const OpenTable table(Table::attributions, AccessShareLock);
  const DictionaryColumns at(table);
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    const Hash128 id = uuid_bytes(row.get(at.id, &is_null));
    visit(context, id, row.get(at.dimensions, &is_null));
  });
}

}  // namespace spend

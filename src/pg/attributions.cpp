#include "pg/attributions.hpp"

#include "core/json.hpp"
#include "pg/tuple_builder.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

struct HashOfHash {
  std::size_t operator()(const Hash128& id) const {
    std::size_t value;
    std::memcpy(&value, id.data(), sizeof value);
    return value;
  }
};

constexpr int committed_level = 0;
constexpr int absent_level = -1;

struct Known {
  Dimensions dimensions;
  /// Nesting level of the transaction that appended it; committed_level: in the dictionary for good; absent_level: not
  /// known to be.
  int stored_at = absent_level;
  LocalTransactionId written_in = InvalidLocalTransactionId;
};

std::unordered_map<Hash128, Known, HashOfHash> known;
std::vector<Hash128> uncommitted;  ///< those of `known` whose stored_at is above committed_level, by nesting level
constexpr std::size_t most_remembered = 100'000;
std::size_t forget_at = most_remembered;

LocalTransactionId this_transaction() {
#if PG_VERSION_NUM >= 170000
  return MyProc->vxid.lxid;
#else
  return MyProc->lxid;
#endif
}

/// Forgets all but what rows written by the running transaction carry: counters are derived from these at pre-commit,
/// when its own latest entries of the dictionary cannot be read yet.
void forget() {
  const LocalTransactionId current = this_transaction();
  std::erase_if(known, [&](const auto& entry) { return entry.second.written_in != current; });
  for (auto& [id, entry] : known) {
    if (entry.stored_at == committed_level) {
      entry.stored_at = absent_level;
    }
  }
  forget_at = std::max(most_remembered, 2 * known.size());
}

/// Starts over when the dictionary was dropped, emptied or edited, and bounds the memory. What is forgotten is looked
/// up again; at worst a combination is appended twice, which readers fold.
void keep_in_step() {
  table_oid(Table::attributions);
  if (!unchanged(Table::attributions) || known.size() >= forget_at) {
    mark_unchanged(Table::attributions);
    forget();
  }
}

void mark_stored(const Hash128& id, Known& entry) {
  entry.stored_at = GetCurrentTransactionNestLevel();
  uncommitted.push_back(id);
}

std::optional<Dimensions> read_dictionary(const Hash128& id) {
  const OpenTable table(Table::attributions, AccessShareLock);
  const AttrNumber id_column = table.column("attribution_id");
  const AttrNumber dimensions_column = table.column("dimensions");
  std::array<AttrNumber, 1> key_columns = {id_column};
  const Oid index = index_on(table.get(), key_columns);
  std::array<ScanKeyData, 1> keys;
  const Datum key = uuid_datum(id);
  pg_call([&] { ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ, key); });
  std::optional<Dimensions> found;
  scan_latest_index(table.get(), index, OwnChanges::visible, keys, [&](const ScannedTuple& row) {
    if (found.has_value()) {
      return;
    }
    bool is_null;
    const Json object =
        take(Json::parse(jsonb_text(row.get(dimensions_column, &is_null)), {.max_bytes = MaxAllocHugeSize}));
    Dimensions dimensions;
    for (const auto& [name, value] : object.members) {
      dimensions.set_normalised(name, value.text);
    }
    found = std::move(dimensions);
  });
  return found;
}

}  // namespace

Hash128 remember_attribution(Dimensions dimensions) {
  keep_in_step();
  const Hash128 id = dimensions.attribution_id();
  known.try_emplace(id, Known{std::move(dimensions)}).first->second.written_in = this_transaction();
  return id;
}

const Dimensions* find_dimensions(const Hash128& id) {
  keep_in_step();
  const auto found = known.find(id);
  if (found != known.end()) {
    return &found->second.dimensions;
  }
  std::optional<Dimensions> stored = read_dictionary(id);
  if (!stored.has_value()) {
    return nullptr;
  }
  return &known.insert_or_assign(id, Known{std::move(*stored), committed_level}).first->second.dimensions;
}

void keep_attribution(const Hash128& id) {
  const auto found = known.find(id);
  if (found != known.end()) {
    found->second.written_in = this_transaction();
  }
}

void store_attribution(const Hash128& id) {
  const auto found = known.find(id);
  if (found == known.end() || found->second.stored_at != absent_level) {
    return;
  }
  if (read_dictionary(id).has_value()) {
    // Visible to this transaction; whether for good is known to those who read it after we end. Looked up again then.
    mark_stored(id, found->second);
    return;
  }
  const OpenTable table(Table::attributions, RowExclusiveLock);
  TupleBuilder tuple(table);
  tuple.set("attribution_id", uuid_datum(id));
  tuple.set("dimensions", jsonb_datum(found->second.dimensions.to_json()));
  tuple.insert();
  mark_stored(id, found->second);
}

void attributions_at_abort(int level) {
  // What ends was stored last: a loop over savepoints must not walk through all that came before it.
  while (!uncommitted.empty()) {
    const auto found = known.find(uncommitted.back());
    if (found != known.end() && found->second.stored_at < level) {
      return;
    }
    if (found != known.end()) {
      found->second.stored_at = absent_level;
    }
    uncommitted.pop_back();
  }
}

void attributions_at_subcommit(int level) {
  for (auto id = uncommitted.rbegin(); id != uncommitted.rend(); ++id) {
    const auto found = known.find(*id);
    if (found != known.end() && found->second.stored_at < level) {
      return;
    }
    if (found != known.end()) {
      found->second.stored_at = level - 1;
    }
  }
}

void attributions_at_commit() {
  for (const Hash128& id : uncommitted) {
    const auto found = known.find(id);
    if (found != known.end()) {
      found->second.stored_at = committed_level;
    }
  }
  uncommitted.clear();
}

}  // namespace spend

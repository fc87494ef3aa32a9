#include "pg/attributions.hpp"

#include "core/byte_cache.hpp"
#include "pg/attribution_dictionary.hpp"
#include "pg/command_identity.hpp"
#include "pg/tables.hpp"

namespace spend {

namespace {

/// Attributions by id, at addresses that do not change. Half of the slots at most are filled; an id is a hash already.
class AttributionTable {
 public:
  Attribution* find(const Hash128& id) const {
    if (slots_.empty()) {
      return nullptr;
    }
    for (std::size_t place = start_of(id); slots_[place] != nullptr; place = (place + 1) & (slots_.size() - 1)) {
      if (slots_[place]->id == id) {
        return slots_[place].get();
      }
    }
    return nullptr;
  }

  /// Precondition: find() does not find its id.
  Attribution& add(Attribution attribution) {
    if (2 * (size_ + 1) > slots_.size()) {
      rebuild(std::max<std::size_t>(64, slots_.size() * 2), [](const Attribution&) { return true; });
    }
    bytes_ += bytes_of(attribution);
    return place(std::make_unique<Attribution>(std::move(attribution)));
  }

  template <typename Keep>
  void keep_if(Keep&& keep) {
    rebuild(slots_.size(), keep);
  }

  template <typename Visit>
  void for_each(Visit&& visit) {
    for (const std::unique_ptr<Attribution>& slot : slots_) {
      if (slot != nullptr) {
        visit(*slot);
      }
    }
  }

  std::size_t size() const { return size_; }
  /// Of the values, which may be long.
  std::size_t bytes() const { return bytes_; }

 private:
  static std::size_t bytes_of(const Attribution& attribution) {
    std::size_t bytes = 0;
    for (const DimensionValue& dimension : attribution.dimensions.values()) {
      bytes += dimension.value.size();
    }
    return bytes;
  }

  std::size_t start_of(const Hash128& id) const {
    std::size_t hash;
    std::memcpy(&hash, id.data(), sizeof hash);
    return hash & (slots_.size() - 1);
  }

  Attribution& place(std::unique_ptr<Attribution> attribution) {
    std::size_t place = start_of(attribution->id);
    while (slots_[place] != nullptr) {
      place = (place + 1) & (slots_.size() - 1);
    }
    ++size_;
    slots_[place] = std::move(attribution);
    return *slots_[place];
  }

  template <typename Keep>
  void rebuild(std::size_t slots, Keep&& keep) {
    std::vector<std::unique_ptr<Attribution>> old(slots);
    old.swap(slots_);
    size_ = 0;
    bytes_ = 0;
    for (std::unique_ptr<Attribution>& slot : old) {
      if (slot != nullptr && keep(static_cast<const Attribution&>(*slot))) {
        bytes_ += bytes_of(*slot);
        place(std::move(slot));
      }
    }
  }

  std::vector<std::unique_ptr<Attribution>> slots_;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

AttributionTable known;
/// Of `known`, by the words in which they were sent.
ByteCache<Attribution*> known_as_sent(32'768, 4 * 1024 * 1024);
std::vector<Hash128> uncommitted;  ///< those of `known` whose stored_at is above committed_level, by nesting level
constexpr std::size_t most_remembered = 100'000;
constexpr std::size_t most_bytes = 64UL * 1024 * 1024;
std::size_t forget_at = most_remembered;
std::size_t forget_at_bytes = most_bytes;

/// The dictionary as it was when it was last read as a whole; sorted.
std::vector<Hash128> whole_dictionary;
/// A look into the dictionary costs as much as reading a page of it; so when as many looks have found what was there as
/// it has pages, it is read as a whole. Sessions that share their attributions with others do so soon.
std::size_t found_one_by_one = 0;
constexpr std::size_t first_reading = 16;
constexpr std::size_t most_pages_read = 1'024;
std::size_t read_whole_at = first_reading;

bool is_in_whole_dictionary(const Hash128& id) {
  return std::binary_search(whole_dictionary.begin(), whole_dictionary.end(), id);
}

void forget_whole_dictionary() {
  whole_dictionary.clear();
  found_one_by_one = 0;
  read_whole_at = first_reading;
}

void read_whole_dictionary_in_time() {
  if (found_one_by_one < read_whole_at || read_whole_at > most_pages_read) {
    return;
  }
  std::optional<std::vector<Hash128>> ids = all_committed_ids(std::min(found_one_by_one, most_pages_read));
  if (!ids.has_value()) {
    read_whole_at = 2 * found_one_by_one;
    return;
  }
  forget_whole_dictionary();
  whole_dictionary = *std::move(ids);
  std::sort(whole_dictionary.begin(), whole_dictionary.end());
  known.for_each([](Attribution& attribution) {
    if (attribution.stored_at == Attribution::absent_level && is_in_whole_dictionary(attribution.id)) {
      attribution.stored_at = Attribution::committed_level;
    }
  });
}

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
  known_as_sent.clear();
  forget_whole_dictionary();
  known.keep_if([&](const Attribution& attribution) { return attribution.written_in == current; });
  known.for_each([](Attribution& attribution) {
    if (attribution.stored_at == Attribution::committed_level) {
      attribution.stored_at = Attribution::absent_level;
    }
  });
  forget_at = std::max(most_remembered, 2 * known.size());
  forget_at_bytes = std::max(most_bytes, 2 * known.bytes());
}

/// Starts over when the dictionary was dropped, emptied or edited, and bounds the memory. What is forgotten is looked
/// up again; at worst a combination is appended twice, which readers fold.
void keep_in_step() {
  table_oid(Table::attributions);
  if (!unchanged(Table::attributions) || known.size() >= forget_at || known.bytes() >= forget_at_bytes) {
    mark_unchanged(Table::attributions);
    forget();
  }
}

void mark_stored(Attribution& attribution) {
  attribution.stored_at = GetCurrentTransactionNestLevel();
  uncommitted.push_back(attribution.id);
}

/// New combinations of rows that the running command is about to store, in the order of their rows.
std::vector<Attribution*> expected;
CommandIdentity expected_by;

void forget_expected() {
  for (Attribution* const attribution : expected) {
    attribution->is_expected = false;
  }
  expected.clear();
}

/// New combinations of rows that were accounted while their command goes on, with the nesting levels of these rows.
/// AFTER ROW of one row of each such command appends them all.
struct Awaited {
  Attribution* attribution;
  int level;
};
std::vector<Awaited> awaited;  ///< ascending level: what ends was added last
CommandIdentity awaited_by;    ///< the command that has sent a row to AFTER ROW last

void forget_awaited(int from_level) {
  while (!awaited.empty() && awaited.back().level >= from_level) {
    awaited.back().attribution->is_awaited = false;
    awaited.pop_back();
  }
  awaited_by = {};  // it need not be that command's row which is left
}

}  // namespace

Attribution* find_attribution_as_sent(std::string_view raw) {
  keep_in_step();
  Attribution* const* const found = known_as_sent.find(raw);
  if (found == nullptr) {
    return nullptr;
  }
  keep_attribution(**found);
  return *found;
}

void remember_as_sent(std::string_view raw, Attribution& attribution) {
  known_as_sent.insert(raw, &attribution);
}

Attribution& remember_attribution(Dimensions dimensions) {
  keep_in_step();
  const Hash128 id = dimensions.attribution_id();
  Attribution* const found = known.find(id);
  Attribution& attribution =
      found != nullptr ? *found
                       : known.add(Attribution{.id = id,
                                               .stored_at = is_in_whole_dictionary(id) ? Attribution::committed_level
                                                                                       : Attribution::absent_level,
                                               .dimensions = std::move(dimensions)});
  keep_attribution(attribution);
  return attribution;
}

Attribution& remember_refined(Attribution& base, Attribution refined) {
  keep_attribution(base);
  keep_in_step();
  // Another id than an attribution of the same dimensions has, from a time when they were all rolled up.
  std::string bytes = "refined";
  for (const std::string& name : refined.looked_at) {
    bytes += '\0' + name;
  }
  bytes += '\0' + refined.dimensions.canonical();
  refined.id = content_hash(bytes);
  Attribution* const found = known.find(refined.id);
  Attribution& attribution = found != nullptr ? *found : known.add(std::move(refined));
  attribution.base = &base;
  keep_attribution(attribution);
  return attribution;
}

Attribution& remember_second_count(Attribution& counted, std::int64_t occurred_in) {
  std::string bytes = "second count " + std::to_string(occurred_in);
  bytes.append(reinterpret_cast<const char*>(counted.id.data()), counted.id.size());
  const Hash128 id = content_hash(bytes);
  Attribution* const found = known.find(id);
  Attribution& attribution = found != nullptr ? *found
                                              : known.add(Attribution{.id = id,
                                                                      .dimensions = counted.dimensions,
                                                                      .base = &counted.rolled_up(),
                                                                      .looked_at = counted.looked_at,
                                                                      .occurred_in = occurred_in});
  attribution.base = &counted.rolled_up();
  keep_attribution(attribution);
  return attribution;
}

Attribution* find_attribution(const Hash128& id) {
  keep_in_step();
  if (Attribution* const found = known.find(id)) {
    return found;
  }
  std::optional<Dimensions> stored = read_dictionary(id);
  if (!stored.has_value()) {
    return nullptr;
  }
  return &known.add(Attribution{.id = id, .stored_at = Attribution::committed_level, .dimensions = std::move(*stored)});
}

void keep_attribution(Attribution& attribution) {
  attribution.written_in = this_transaction();
}

void expect_attribution(Attribution& attribution) {
  if (attribution.stored_at != Attribution::absent_level || attribution.is_expected) {
    return;
  }
  const CommandIdentity command = CommandIdentity::current();
  if (!(expected_by == command)) {
    forget_expected();
    expected_by = command;
  }
  expected.push_back(&attribution);
  attribution.is_expected = true;
}

bool await_attribution(Attribution& attribution) {
  if (attribution.stored_at != Attribution::absent_level) {
    return true;
  }
  const CommandIdentity command = CommandIdentity::current();
  const bool is_to_come = !awaited.empty() && awaited_by == command;
  if (!attribution.is_awaited || !is_to_come) {
    awaited.push_back({&attribution, GetCurrentTransactionNestLevel()});
    attribution.is_awaited = true;
  }
  awaited_by = command;
  return is_to_come;
}

namespace {

/// What AFTER ROW of a row with this attribution has to append.
std::vector<Attribution*> take_expected_and_awaited(Attribution& attribution) {
  std::vector<Attribution*> batch = {&attribution};
  if (attribution.is_expected) {
    batch.insert(batch.end(), expected.begin(), expected.end());
    forget_expected();
  }
  // What a savepoint around this one awaits is left to it: what is appended here goes with this one.
  const int level = GetCurrentTransactionNestLevel();
  for (auto entry = awaited.rbegin(); entry != awaited.rend() && entry->level >= level; ++entry) {
    batch.push_back(entry->attribution);
  }
  forget_awaited(level);
  std::erase_if(batch, [](const Attribution* entry) { return entry->stored_at != Attribution::absent_level; });
  std::sort(batch.begin(), batch.end());
  batch.erase(std::unique(batch.begin(), batch.end()), batch.end());
  return batch;
}

}  // namespace

void store_attribution(Attribution& attribution) {
  if (attribution.stored_at != Attribution::absent_level && awaited.empty()) {
    return;
  }
  const std::vector<Attribution*> batch = take_expected_and_awaited(attribution);
  if (batch.empty()) {
    return;
  }
  std::vector<DictionaryEntry> entries;
  entries.reserve(batch.size());
  for (const Attribution* const entry : batch) {
    entries.push_back({entry->id, &entry->dimensions});
  }
  found_one_by_one += append_to_dictionary(std::move(entries));
  // Those that were there are visible to this transaction; whether for good is known to those who read them after we
  // end. They are looked up again then.
  for (Attribution* const stored : batch) {
    mark_stored(*stored);
  }
  read_whole_dictionary_in_time();
}

void attributions_at_abort(int level) {
  forget_expected();
  forget_awaited(level);
  // What ends was stored last: a loop over savepoints must not walk through all that came before it.
  while (!uncommitted.empty()) {
    Attribution* const found = known.find(uncommitted.back());
    if (found != nullptr && found->stored_at < level) {
      return;
    }
    if (found != nullptr) {
      found->stored_at = Attribution::absent_level;
    }
    uncommitted.pop_back();
  }
}

void attributions_at_subcommit(int level) {
  for (auto entry = awaited.rbegin(); entry != awaited.rend() && entry->level >= level; ++entry) {
    entry->level = level - 1;
  }
  for (auto id = uncommitted.rbegin(); id != uncommitted.rend(); ++id) {
    Attribution* const found = known.find(*id);
    if (found != nullptr && found->stored_at < level) {
      return;
    }
    if (found != nullptr) {
      found->stored_at = level - 1;
    }
  }
}

void attributions_at_commit() {
  forget_expected();
  forget_awaited(0);
  for (const Hash128& id : uncommitted) {
    Attribution* const found = known.find(id);
    if (found != nullptr) {
      found->stored_at = Attribution::committed_level;
    }
  }
  uncommitted.clear();
}

}  // namespace spend

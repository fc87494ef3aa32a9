#pragma once

#include <optional>
#include <vector>

#include "core/attribution.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// The table spend.attributions. Append-only and without a unique key: two writers that meet a new combination at once
/// both append it, and nobody waits or fails (a unique key would under REPEATABLE READ).

/// One entry that the dictionary shall have.
struct DictionaryEntry {
  Hash128 id;
  const Dimensions* dimensions;
};

/// The values under an id, or nothing.
std::optional<Dimensions> read_dictionary(const Hash128& id);
/// Appends those that are not there. Many at once cost a third of what they cost one by one. How many were there.
std::size_t append_to_dictionary(std::vector<DictionaryEntry> entries);
/// The ids of all entries that other transactions, or earlier ones, have committed; nothing when the table has more
/// pages than that.
std::optional<std::vector<Hash128>> all_committed_ids(std::size_t most_pages);

/// How many pages the table has.
std::size_t dictionary_pages();
/// Calls visit(id, dimensions as a jsonb datum) for each entry that is committed or of this transaction; an id may come
/// twice.
void for_each_in_dictionary(void (*visit)(void* context, const Hash128& id, Datum dimensions), void* context);
template <typename Visit>
void for_each_in_dictionary(Visit&& visit) {
  for_each_in_dictionary(
      [](void* context, const Hash128& id, Datum dimensions) {
        (*static_cast<std::remove_reference_t<Visit>*>(context))(id, dimensions);
      },
      const_cast<void*>(static_cast<const void*>(&visit)));
}

}  // namespace spend

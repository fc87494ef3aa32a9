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
/// Appends those that are not there. Many at once cost a third of what they cost one by one.
void append_to_dictionary(std::vector<DictionaryEntry> entries);

}  // namespace spend

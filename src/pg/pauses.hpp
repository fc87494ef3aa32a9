#pragma once

#include <memory>

#include "core/scope.hpp"
#include "pg/attributions.hpp"
#include "pg/usage_row.hpp"

namespace spend {

/// Work that somebody has stopped.
struct Pause {
  std::int64_t pause_id = 0;
  Scope scope;
  std::string scope_json;
  std::string reason;
  std::string paused_by;
  bool rejects_inserts = false;
  bool is_of_row = false;  ///< its scope tests row dimensions
};

/// The pauses that have not ended.
std::shared_ptr<const std::vector<Pause>> pauses();

/// The first pause that stops a row, whatever it says of INSERTs; null for none. Valid until the next change of the
/// pauses is taken in.
const Pause* find_pause(const UsageRow& row, const Attribution& attribution);

/// SP005 for a row that a pause with on_insert = 'reject' stops.
void refuse_if_paused(const UsageRow& row, const Attribution& attribution);

}  // namespace spend

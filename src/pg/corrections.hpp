#pragma once

#include <optional>
#include <string>

#include "pg/prelude.hpp"

namespace spend {

class UsageRow;

/// What changes rows that were recorded, each by a function of its own.
enum class CorrectionKind {
  reprice,     ///< spend.reprice(): priced again with today's prices
  amend,       ///< spend.amend(): what an app has sent was wrong
  void_row,    ///< spend.void(): taken out of all sums
  outcome,     ///< spend.record_outcome(): what is known later
  reattribute  ///< spend.reattribute(): other dimensions, the same cost
};

struct Correction {
  CorrectionKind kind;
  std::int64_t batch_id;
  std::optional<std::string> reason;
};

/// The correction under whose name rows are being updated, or nullptr. The row triggers cannot be told by the UPDATE
/// itself, whose say on computed columns they ignore, nor by a setting, which anybody could set: only code of this
/// library can begin one.
const Correction* running_correction();

/// AFTER ROW of a corrected row: the ledger entry with what it was and what it is. Nothing if nothing has changed.
void record_adjustment(const UsageRow& before, const UsageRow& after);

}  // namespace spend

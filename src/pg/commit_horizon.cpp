#include "pg/commit_horizon.hpp"

#include "pg/tables.hpp"

extern "C" {
#include "access/transam.h"
}

namespace spend {

CommitHorizon CommitHorizon::now() {
  // For a table that is no catalog, this is one of now.
  const Oid table = table_oid(Table::budgets);
  const Snapshot snapshot = pg_call([&] { return RegisterSnapshot(GetCatalogSnapshot(table)); });
  // All of them are within two thousand million of the next one.
  const std::uint64_t next = U64FromFullTransactionId(ReadNextFullTransactionId());
  const auto widened = [&](TransactionId xid) {
    return next - static_cast<std::uint32_t>(static_cast<std::uint32_t>(next) - xid);
  };
  CommitHorizon horizon;
  horizon.xmin_ = widened(snapshot->xmin);
  horizon.xmax_ = widened(snapshot->xmax);
  for (std::uint32_t i = 0; i < snapshot->xcnt; ++i) {
    horizon.running_.push_back(widened(snapshot->xip[i]));
  }
  std::sort(horizon.running_.begin(), horizon.running_.end());
  pg_call([&] { UnregisterSnapshot(snapshot); });
  return horizon;
}

bool CommitHorizon::has_ended(std::uint64_t full_transaction_id) const {
  return full_transaction_id < xmin_ ||
         (full_transaction_id < xmax_ && !std::binary_search(running_.begin(), running_.end(), full_transaction_id));
}

}  // namespace spend

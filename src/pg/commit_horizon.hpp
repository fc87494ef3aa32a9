#pragma once

#include <vector>

#include "pg/prelude.hpp"

namespace spend {

/// Which transactions had committed or rolled back at a moment.
class CommitHorizon {
 public:
  /// As of now.
  static CommitHorizon now();
  /// Whether the transaction with this full id had ended. 0 stands for one that ended long ago.
  bool has_ended(std::uint64_t full_transaction_id) const;

 private:
  std::uint64_t xmin_ = 0;              ///< every one before had ended
  std::uint64_t xmax_ = 0;              ///< none from here on had
  std::vector<std::uint64_t> running_;  ///< between the two; sorted
};

}  // namespace spend

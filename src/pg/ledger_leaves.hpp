#pragma once

#include <vector>

#include "pg/prelude.hpp"

namespace spend {

/// The leaves of spend.usage, locked against changes of their definition.
std::vector<Oid> leaves_of_ledger();

}  // namespace spend

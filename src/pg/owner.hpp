#pragma once

#include "pg/prelude.hpp"

namespace spend {

/// The role that owns the function. A PostgreSQL call: raises where there is no such function.
Oid owner_of(Oid function);

}  // namespace spend

#pragma once

#include "pg/prelude.hpp"

extern "C" {
#include "storage/lock.h"
}

namespace spend {

/// Locks that only this library can take. They are of the server's advisory kind, so deadlocks are seen and errors and
/// the end of the transaction let go of them; but a field that users' advisory locks set to 1 or 2 has another value. A
/// lock that anybody could take would let any role hold up the ledger.
enum class OwnLock : std::uint16_t {
  subject = 5,       ///< what functions in SQL do one at a time: spend._lock()
  folding = 6,       ///< of a table of deltas
  key = 7,           ///< a new key, for the moment in which it is looked up and inserted
  announcement = 8,  ///< of an event that is to be told once a day
  counter = 9,       ///< loading it into shared memory
  ledger = 10        ///< the same for what is not folded
};

/// The lock of such a kind in this database.
LOCKTAG own_lock(OwnLock kind, std::uint32_t first, std::uint32_t second);

/// The same by a hash.
inline LOCKTAG own_lock(OwnLock kind, std::uint64_t hash) {
  return own_lock(kind, static_cast<std::uint32_t>(hash >> 32U), static_cast<std::uint32_t>(hash));
}

}  // namespace spend

#pragma once

#include "pg/prelude.hpp"

namespace spend {

/// Tells one command of a transaction from the next, for what row triggers share within a command. Good enough for
/// commands that write: each of them gets a command id of its own.
struct CommandIdentity {
  LocalTransactionId transaction = InvalidLocalTransactionId;
  CommandId command = InvalidCommandId;

  static CommandIdentity current() {
#if PG_VERSION_NUM >= 170000
    return {MyProc->vxid.lxid, GetCurrentCommandId(false)};
#else
    return {MyProc->lxid, GetCurrentCommandId(false)};
#endif
  }
  friend bool operator==(const CommandIdentity&, const CommandIdentity&) = default;
};

}  // namespace spend

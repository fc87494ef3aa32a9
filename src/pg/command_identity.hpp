#pragma once

#include "pg/prelude.hpp"

namespace spend {

/// Tells one command of a transaction from the next, for what is the same within a command. The command id is that of
/// the snapshot which the command runs under: the transaction's own counter moves on during a command whenever a
/// function in it runs commands of its own. Commands that only read share an id; they differ by the statement that the
/// client sent.
struct CommandIdentity {
  LocalTransactionId transaction = InvalidLocalTransactionId;
  CommandId command = InvalidCommandId;
  TimestampTz statement = 0;

  static CommandIdentity current() {
    const CommandId command = ActiveSnapshotSet() ? GetActiveSnapshot()->curcid : GetCurrentCommandId(false);
#if PG_VERSION_NUM >= 170000
    return {MyProc->vxid.lxid, command, GetCurrentStatementStartTimestamp()};
#else
    return {MyProc->lxid, command, GetCurrentStatementStartTimestamp()};
#endif
  }
  friend bool operator==(const CommandIdentity&, const CommandIdentity&) = default;
};

}  // namespace spend

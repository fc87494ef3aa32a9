#pragma once

#include "pg/budgets.hpp"
#include "pg/counters.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// How a row came into the ledger: decides whether it may be refused.
enum class Arrival {
  direct,      ///< an INSERT or COPY into spend.usage: a reject budget may refuse it
  settlement,  ///< of a hold: always recorded, and its counters are loaded at once, because the hold is resolved on
               ///< them
  reported     ///< any other known fact (UPDATE, DELETE, logical replication): always recorded
};

/// BEFORE ROW: notes which reject counters a row of this command will need, so that the first AFTER ROW event, which
/// comes when every BEFORE event has been, can lock them all in key order. Rows that are skipped later cost an unneeded
/// lock, no error.
void expect_row(const UsageRow& row, Attribution& attribution);

/// AFTER ROW: the stored row's movement, applied to its reject budgets at once and to everything else at pre-commit.
/// sign is +1 for a row that came and -1 for one that went.
/// Errors: SP001 and SP003 for a direct row that a reject budget refuses.
void account_row(const UsageRow& row, int sign, Arrival arrival);
/// The same for a row whose attribution is at hand, as remember_attribution() has given it. Also for the only row of a
/// command before it is stored.
void account_row(const UsageRow& row, Attribution& attribution, int sign, Arrival arrival);

/// The same for a row that was stored a moment ago and is still in the executor's slot, while its command goes on.
/// False: nothing was done, because it needs a reject counter that is a row, which is locked when all rows of the
/// command are known, or is the first of its command with a new combination, all of which AFTER ROW appends; it is for
/// account_row() then, and must come there.
/// Errors: those of account_row().
bool account_at_once(const UsageRow& row, Attribution& attribution);

/// What the gate finds at a counter, with what this transaction has added; so that a hold on it can be taken. Where
/// counters are rows it takes that of a reject budget to the end of the transaction; call in key order.
Counters::Standing standing_of(const CounterUse& use);

/// What is asked of one reject budget.
struct Asked {
  CounterUse use;
  Atto amount;
  Atto own;  ///< what this transaction's rows before it have added
};
/// The gate's part of it: what a call asks of a budget.
Asked asked_of(const CounterUse& use, Atto amount);
/// Takes what is asked of all budgets, or of none.
struct Admission {
  Counters::Verdict verdict = Counters::Verdict::fits;
  const Asked* stopped_by = nullptr;
  Counters::Decision decision = {};
};
Admission take_room(std::span<const Asked> all);
/// This transaction has taken a hold.
void forget_held();

/// Writes counters and alerts at the end of the transaction: registered by watch_transactions(), from _PG_init.
void watch_transactions();

/// What one stored row contributes to each counter of each budget: what verify() sums. Every budget, also this
/// transaction's own.
struct RowMovement {
  CounterUse use;  ///< its budget lives until the next change of spend.budgets is taken in
  CounterDelta delta;
};
std::vector<RowMovement> movements_of(const UsageRow& row);

/// What this transaction has accounted, but not yet written: (key, delta) by counter.
struct PendingMovement {
  CounterKey key;
  CounterDelta delta;
};
std::vector<PendingMovement> pending_movements();

}  // namespace spend

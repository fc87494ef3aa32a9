#pragma once

#include <string>

#include "pg/counters.hpp"
#include "pg/expected_call.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// Budget set aside for calls under way. The rows of spend.holds and spend.hold_amounts are the truth, counters in
/// shared memory keep what they say of them: a hold counts from the commit of the transaction that took it until it is
/// settled or released, or until its time is over, which needs nobody to notice it.

/// What a hold sets aside of one counter.
struct HoldAmount {
  CounterUse use;
  Atto amount;
  Atto taken;  ///< how much of it Counters::admit() has taken
};

/// What unexpired holds set aside of a counter: those that are committed at this moment, and this transaction's own.
Atto held_on(const CounterKey& counter);

/// The same, hold by hold.
std::vector<LiveHold> live_holds(const CounterKey& counter);

/// Holds unexpired at that time by the counters that they set something aside of, and whether a transaction in progress
/// takes or resolves one of them.
struct HoldsOfCounter {
  std::vector<LiveHold> live;
  bool are_in_doubt = false;
};
CounterMap<HoldsOfCounter> counters_with_holds(const LatestState& state, Timestamp now);

struct NewHold {
  Timestamp created_at;
  Timestamp expires_at;
  const ExpectedCall* call;
  std::string requested_model;
  std::optional<Datum> cost;  ///< numeric
  std::string currency;
};
/// Stores a hold of the current role with its amounts; its number.
std::int64_t take_hold(const NewHold& hold, std::span<const HoldAmount> amounts);

/// BEFORE ROW of an INSERT that carries a hold_id: gives the row the hold's model and dimensions. Whether the hold can
/// be settled is for settle_hold() to say: a row whose idempotency key is known will not get there. Errors: SP007 when
/// there is no such hold of this role.
void fill_from_hold(UsageRow& row);

/// AFTER ROW: the stored row resolves its hold, once it is accounted. Errors: SP007 when the hold is not open.
void settle_hold(const UsageRow& row);

}  // namespace spend

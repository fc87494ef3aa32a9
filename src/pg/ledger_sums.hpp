#pragma once

#include "pg/counters.hpp"

namespace spend {

/// What counters without a row of their own start from: the rows of the ledger, or the rollups where these tell. Both
/// functions wait until everybody has heard of the budget, and then for the commits that are under way. So each row of
/// another transaction is either in the sum, or its writer will move the counter itself.

/// The rows of a counter that nobody can be moving, as if the running transaction had not written any. Once the ledger
/// was summed for a period, other counters of it start from the same sum: whoever moves a counter makes it first.
/// `epoch` changes when counters that were moved have been lost sight of.
CounterDelta sum_of_unmoved(const CounterUse& use, std::uint32_t epoch);

/// What the row of a counter must hold for row and deltas together to be what the ledger says, whoever moves it
/// meanwhile.
enum class Source {
  quickest,
  rows  ///< to set right what is wrong
};
CounterDelta row_for_moving(const CounterUse& use, Source source);

/// The claim that a counter with such a sum starts with: the highest threshold it has reached is still to be announced,
/// those below are taken as said.
Atto claimed_by_history(const CounterUse& use, Atto amount);

}  // namespace spend

#pragma once

#include "pg/group_sums.hpp"

namespace spend {

/// Adds what rollups, and deltas that are not folded, say of the rows that occurred in the use's period, as a state
/// shows them: in every state the same as the rows it shows, since a row's delta is written by its transaction, and
/// folding moves it in one. False when they do not tell, and then nothing can be said of the sums: the counter is by
/// row dimensions, a bound of its period lies within what is summed up of days that are no longer kept by the quarter
/// hour, rows of its time were dropped, nothing was folded yet, or a dictionary lacks an entry.
bool add_rollups(const CounterUse& use, const LatestState& state, GroupSums& sums);

}  // namespace spend

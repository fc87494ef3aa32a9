#pragma once

#include "pg/counters.hpp"

namespace spend {

/// How much a counter may hold: the one answer to it, for refusals, alerts, the gate and views.
Atto limit_of(const CounterUse& use);

/// The smallest total that has reached so many percent of a limit.
Atto share_of(Atto limit, Atto percent);

}  // namespace spend

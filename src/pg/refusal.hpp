#pragma once

#include "pg/counters.hpp"

namespace spend {

/// SP001: the row would take a reject budget above its limit. Figures only for roles that may see the budget.
[[noreturn]] void refuse_exceeded(const CounterUse& use, Atto spent, Atto held, Atto asked);
/// SP003: an unpriced row under a reject budget that denies what it cannot weigh.
[[noreturn]] void refuse_unpriced(const CounterUse& use, const RowFacts& facts, std::string_view reason);

/// An amount with its currency, or with the unit of the budget's measure: "12.5 USD", "3000 tokens".
std::string with_unit(const Budget& budget, Atto amount);

}  // namespace spend

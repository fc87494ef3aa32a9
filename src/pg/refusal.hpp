#pragma once

#include "pg/counters.hpp"

namespace spend {

/// SP001: the row would take a reject budget above its limit. Figures only for roles that may see the budget. Before
/// that the refusal is noted outside of the transaction, and the row written to the server's log.
[[noreturn]] void refuse_exceeded(const CounterUse& use, const Counters::Decision& decision, Atto asked,
                                  const RowFacts& facts, const UsageRow& row);
/// SP003: an unpriced row under a reject budget that denies what it cannot weigh. The row goes to the log, too.
[[noreturn]] void refuse_unpriced(const CounterUse& use, const RowFacts& facts, const UsageRow& row);

/// An amount with its currency, or with the unit of the budget's measure: "12.5 USD", "3000 tokens".
std::string with_unit(const Budget& budget, Atto amount);

}  // namespace spend

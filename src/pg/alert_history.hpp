#pragma once

#include <string>

#include "pg/counters.hpp"

namespace spend {

/// What spend.alerts says has been announced, for alerts that no counter claims.

/// What an earlier alert of a counter must have been like. Only what is set is compared.
struct EarlierAlert {
  std::string_view event;
  std::optional<Atto> percent = {};
  std::optional<Atto> limit = {};
  Timestamp since = timestamp_min;

  friend bool operator==(const EarlierAlert&, const EarlierAlert&) = default;
};
/// Whether committed alerts, or this transaction's own, include one like that of this counter.
bool was_announced(const CounterUse& use, const EarlierAlert& alert);

/// Reserves the right to write a kind of alert of a counter to this transaction; false when another one has it, or this
/// transaction has reserved very many: somebody else will write it, or a later row. Waits for nobody.
bool reserve_announcement(const CounterUse& use, std::string_view event);
/// A new transaction has reserved nothing.
void forget_reserved_announcements();

}  // namespace spend

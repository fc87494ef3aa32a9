#pragma once

#include "core/attribution.hpp"
#include "core/price_book.hpp"
#include "pg/command_identity.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// The compiled form of the price_table argument of one call site. A rate card of a megabyte may stand in every row of
/// a query: it is neither fetched nor parsed again, the digest in its first bytes tells which one it is.
class PriceCard {
 public:
  /// The index over the card's prices; valid until the next call.
  const PriceBook& book_of(Datum price_table);

 private:
  void use(const Hash128& digest, Datum price_table);

  Hash128 digest_{};
  std::shared_ptr<const PriceBook> book_;
  /// Where the last value was fetched from: within a command the same place holds the same value.
  varatt_external place_{};
  CommandIdentity command_;
};

/// One WARNING per connection and model for a model that a rate card has no price for. Bounded memory.
void warn_not_on_card(std::string_view model, std::string_view reason);

}  // namespace spend

#pragma once

#include "core/price_book.hpp"
#include "pg/command_identity.hpp"
#include "pg/model_tables.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// What rows are priced by: the live rows of spend.prices as an index, with the names of spend.model_aliases and what
/// spend.providers says. Replaced after a change of any of these tables.
struct PricingData {
  PriceBook book;
  TrustedProviders trusted;
  /// What the server keeps for a snapshot with this xmin is enough to read on in the book; set for each command.
  mutable TransactionId kept_from = InvalidTransactionId;

  /// Whether what the book has not read yet can still be read as it was.
  bool can_be_read_on() const {
    return (TransactionIdIsValid(MyProc->xmin) && TransactionIdPrecedesOrEquals(MyProc->xmin, kept_from)) ||
           book.is_whole();
  }
};

/// The version that the current statement is priced by: every row trigger and every call site of one command sees the
/// same, whatever is committed meanwhile. Copy the pointer to keep the version across calls.
const std::shared_ptr<const PricingData>& pricing_data_of_command();

/// The same for one call site of a SQL function, which keeps it (call_site.hpp).
class PricePin {
 public:
  const PriceBook& book();
  /// The book if it is at hand already, else nullptr.
  const PriceBook* book_at_hand() const {
    return data_ != nullptr && pinned_for_ == CommandIdentity::current() ? &data_->book : nullptr;
  }

 private:
  CommandIdentity pinned_for_;
  std::shared_ptr<const PricingData> data_;
};

/// One WARNING per connection and model for a missing price. Bounded memory.
void warn_unpriced(std::string_view provider, std::string_view model, std::string_view reason);

}  // namespace spend

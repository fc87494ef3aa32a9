#pragma once

#include "core/price_book.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// The live rows of spend.prices as an index, replaced after a change of the table. This is the book that the current
/// statement is priced by: every row trigger of one command sees the same version, whatever is committed meanwhile.
std::shared_ptr<const PriceBook> price_book_of_command();

/// The same for one call site of a SQL function: pinned in fn_extra.
const PriceBook& price_book_of_call(FunctionCallInfo fcinfo);

/// One WARNING per connection and model for a missing price. Bounded memory.
void warn_unpriced(std::string_view provider, std::string_view model, std::string_view reason);

}  // namespace spend

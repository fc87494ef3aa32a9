#pragma once

#include "pg/attributions.hpp"
#include "pg/prelude.hpp"
#include "pg/usage_row.hpp"

namespace spend {

/// spend.required_tags: what rows of a scope must say of themselves, or have from allocation rules.

/// Errors: SP002 naming the first dimension that the row lacks and that is required with on_missing = 'reject'. A row
/// may be refused when it comes; an UPDATE reports a later fact and is always recorded.
void refuse_missing_tags(const UsageRow& row, Attribution& attribution);

/// The required dimensions that these lack, each once, in order.
std::vector<std::string> missing_tags(const Dimensions& dimensions);

}  // namespace spend

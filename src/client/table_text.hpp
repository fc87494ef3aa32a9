#pragma once

#include <string>
#include <vector>

namespace spend::client {

/// A table for a terminal: a heading row, then rows of as many cells. Numeric-looking columns are right-aligned.
std::string table_text(const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows);

}  // namespace spend::client

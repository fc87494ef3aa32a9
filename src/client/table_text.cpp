#include "client/table_text.hpp"

#include <algorithm>
#include <cstddef>

namespace spend::client {

namespace {

bool looks_numeric(const std::string& cell) {
  return cell.empty() || cell.find_first_not_of("0123456789.,-%") == std::string::npos;
}

/// Columns on the screen, for the UTF-8 that names consist of: continuation bytes take none.
std::size_t width_of(const std::string& cell) {
  return static_cast<std::size_t>(
      std::count_if(cell.begin(), cell.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::string table_text(const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(headings.size());
  std::vector<bool> numeric(headings.size(), !rows.empty());
  for (std::size_t column = 0; column < headings.size(); ++column) {
    widths[column] = width_of(headings[column]);
    for (const std::vector<std::string>& row : rows) {
      widths[column] = std::max(widths[column], width_of(row[column]));
      numeric[column] = numeric[column] && looks_numeric(row[column]);
    }
  }
  std::string text;
  const auto add_row = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t column = 0; column < cells.size(); ++column) {
      const std::string padding(widths[column] - width_of(cells[column]), ' ');
      line += column == 0 ? "" : "  ";
      line += numeric[column] ? padding + cells[column] : cells[column] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  add_row(headings);
  std::vector<std::string> rule;
  rule.reserve(widths.size());
  for (const std::size_t width : widths) {
    rule.emplace_back(width, '-');
  }
  add_row(rule);
  for (const std::vector<std::string>& row : rows) {
    add_row(row);
  }
  return text;
}

}  // namespace spend::client

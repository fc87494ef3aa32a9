#include "client/import.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>

#include "client/table_text.hpp"

namespace spend::client {

namespace {

std::string read_document(const std::string& file) {
  if (file == "-") {
    return {std::istreambuf_iterator<char>(std::cin), {}};
  }
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    throw std::runtime_error("could not open \"" + file + "\": " + std::strerror(errno));
  }
  std::string document{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad()) {
    throw std::runtime_error("could not read \"" + file + "\"");
  }
  return document;
}

/// What the line is about: the parts of the SKU that are not the usual ones, as "batch eu", or a name of the model.
/// Rows of a result are pqxx::row, and pqxx::row_ref from libpqxx 8 on.
template <typename Row>
std::string subject_of(const Row& line) {
  if (!line["alias"].is_null()) {
    return std::string("alias ") + line["alias"].c_str();
  }
  std::string text;
  for (const char* const part : {"surface", "region", "service_tier", "speed", "variant"}) {
    const std::string value = line[part].is_null() ? "" : line[part].c_str();
    if (!value.empty() && value != "standard") {
      text += (text.empty() ? "" : " ") + value;
    }
  }
  return text;
}

template <typename Row>
std::string cell(const Row& line, const char* column) {
  return line[column].is_null() ? "" : line[column].c_str();
}

}  // namespace

bool parse_import(const std::vector<std::string>& words, ImportRequest& request) {
  std::vector<std::string> plain;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--dry-run") {
      request.dry_run = true;
    } else if (words[i] == "--effective-from" && i + 1 < words.size()) {
      request.effective_from = words[++i];
    } else if (words[i].starts_with("--")) {
      return false;
    } else {
      plain.push_back(words[i]);
    }
  }
  if (plain.size() != 2) {
    return false;
  }
  request.format = plain[0];
  request.file = plain[1];
  return true;
}

void import_catalog(pqxx::work& work, const ImportRequest& request) {
  const std::string document = read_document(request.file);
  const std::optional<std::string> effective_from =
      request.effective_from.empty() ? std::nullopt : std::optional(request.effective_from);
  const pqxx::result lines = work.exec_params(
      "SELECT name, provider, model, surface, region, service_tier, speed, variant, alias, action, reason, currency, "
      "calls_30d, "
      "round(cost_30d, 2) AS cost_30d, round(new_cost_30d, 2) AS new_cost_30d "
      "FROM spend.import_catalog($1, $2::jsonb, coalesce($3::timestamptz, now()), $4)",
      request.format, document, effective_from, request.dry_run);
  work.commit();
  std::map<std::string, int> counts;
  std::vector<std::vector<std::string>> shown;
  for (const auto& line : lines) {
    const std::string action = cell(line, "action");
    ++counts[action];
    const std::string calls = cell(line, "calls_30d");
    if (action == "closed" || action == "skipped" || action == "quarantined" || (!calls.empty() && calls != "0")) {
      shown.push_back({cell(line, "name"), subject_of(line), action, calls, cell(line, "cost_30d"),
                       cell(line, "new_cost_30d"), cell(line, "currency"), cell(line, "reason")});
    }
  }
  if (!shown.empty()) {
    std::cout << table_text({"name", "sku", "action", "calls 30d", "cost 30d", "new cost 30d", "currency", "reason"},
                            shown)
              << '\n';
  }
  const char* separator = request.dry_run ? "dry run, nothing is changed: " : "";
  for (const char* const action : {"added", "closed", "unchanged", "skipped", "quarantined"}) {
    std::cout << separator << counts[action] << ' ' << action;
    separator = ", ";
  }
  std::cout << '\n';
}

}  // namespace spend::client

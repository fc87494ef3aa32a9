// The pg_spend command: what a person or a cron job asks of a ledger without writing SQL.

#include <exception>
#include <iostream>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "client/import.hpp"
#include "client/table_text.hpp"

namespace {

constexpr int exit_ok = 0;
constexpr int exit_found = 1;  // verify: the books differ
constexpr int exit_usage = 2;
constexpr int exit_failure = 3;

constexpr const char* usage =
    "usage: pg_spend [-d CONNECTION] COMMAND\n"
    "\n"
    "  report [YYYY-MM]  chargeback of a month (default: this one) and the state of all budgets\n"
    "  verify            recompute every budget counter from the ledger; exit status 1 if one differs\n"
    "  import FORMAT FILE [--dry-run] [--effective-from TIME]\n"
    "                    prices from a catalog: litellm, genai-prices or pg_spend; FILE - is standard input\n"
    "  version           versions of this command and of the extension\n"
    "\n"
    "CONNECTION is a libpq connection string; without it PGHOST, PGDATABASE, ... hold.\n";

std::vector<std::vector<std::string>> cells_of(const pqxx::result& result) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : result) {
    std::vector<std::string> cells;
    for (const auto& field : row) {
      cells.emplace_back(field.is_null() ? "" : field.c_str());
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

int report(pqxx::work& work, const std::string& month) {
  const std::string period = month.empty() ? "date_trunc('month', now())::date" : work.quote(month + "-01") + "::date";
  const pqxx::result chargeback = work.exec(
      "SELECT cost_center, department, round(budget, 2), round(actual, 2), round(variance, 2), round(chargeback, 2), "
      "currency, calls, "
      "unpriced_calls FROM spend.chargeback_monthly WHERE period_start = " +
      period + " ORDER BY cost_center, department, currency");
  std::cout << spend::client::table_text({"cost center", "department", "budget", "actual", "variance", "chargeback",
                                          "currency", "calls", "unpriced"},
                                         cells_of(chargeback))
            << '\n';
  const pqxx::result budgets = work.exec(
      "SELECT budget_name, group_label, round(amount, 2), round(spent, 2), round(used_percent, 1), coalesce(currency, "
      "measure), on_exceeded, "
      "CASE WHEN is_exceeded THEN 'yes' ELSE '' END FROM spend.budget_status ORDER BY budget_name, group_label");
  std::cout << spend::client::table_text(
      {"budget", "group", "amount", "spent", "used %", "unit", "on exceeded", "over"}, cells_of(budgets));
  return exit_ok;
}

int verify(pqxx::work& work) {
  const pqxx::result differences = work.exec(
      "SELECT budget, period_start, group_values, counter, from_rows, difference, counter_calls, calls_from_rows FROM "
      "spend.verify()");
  if (differences.empty()) {
    std::cout << "all counters equal the sum of their rows\n";
    return exit_ok;
  }
  std::cout << spend::client::table_text(
      {"budget", "period", "group", "counter", "from rows", "difference", "calls", "calls from rows"},
      cells_of(differences));
  return exit_found;
}

int version(pqxx::work& work) {
  std::cout << "pg_spend " << PG_SPEND_VERSION << ", extension " << work.exec("SELECT spend.version()")[0][0].c_str()
            << '\n';
  return exit_ok;
}

int run(const std::string& connection, const std::vector<std::string>& words) {
  pqxx::connection session(connection);
  pqxx::work work(session);
  if (words[0] == "report" && words.size() <= 2) {
    return report(work, words.size() == 2 ? words[1] : "");
  }
  if (words[0] == "verify" && words.size() == 1) {
    return verify(work);
  }
  if (words[0] == "version" && words.size() == 1) {
    return version(work);
  }
  if (spend::client::ImportRequest request;
      words[0] == "import" && spend::client::parse_import({words.begin() + 1, words.end()}, request)) {
    spend::client::import_catalog(work, request);
    return exit_ok;
  }
  std::cerr << usage;
  return exit_usage;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::string connection;
    std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() >= 2 && words[0] == "-d") {
      connection = words[1];
      words.erase(words.begin(), words.begin() + 2);
    }
    if (words.empty() || words[0].starts_with('-')) {
      std::cerr << usage;
      return exit_usage;
    }
    return run(connection, words);
  } catch (const std::exception& error) {
    std::cerr << "pg_spend: " << error.what() << '\n';
    return exit_failure;
  }
}

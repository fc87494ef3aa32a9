#pragma once

#include <pqxx/pqxx>
#include <string>
#include <vector>

namespace spend::client {

/// What `pg_spend import` was asked for.
struct ImportRequest {
  std::string format;
  std::string file;            ///< "-": standard input
  std::string effective_from;  ///< "": now
  bool dry_run = false;
};

/// Reads the words after "import": FORMAT FILE [--dry-run] [--effective-from TIME], options anywhere. False when they
/// are not that.
bool parse_import(const std::vector<std::string>& words, ImportRequest& request);

/// Imports the file by spend.import_catalog() and prints what it did: how many prices were added, closed, left, skipped
/// and quarantined, and each that was closed, skipped or quarantined, or that the last 30 days have used. Throws
/// std::runtime_error when the file cannot be read.
void import_catalog(pqxx::work& work, const ImportRequest& request);

}  // namespace spend::client

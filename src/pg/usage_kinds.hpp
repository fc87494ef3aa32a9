#pragma once

#include <string>

#include "core/attribution.hpp"
#include "core/outcome.hpp"
#include "pg/usage_row.hpp"

namespace spend {

/// What was used, and what for: the columns of a usage row by which rollups keep rows apart beside time and
/// attribution. As dimensions have attributions, they have a dictionary, spend.usage_kinds, under a content hash.
/// Everything in it follows from the row alone, so that a row that goes finds the group that it came to.
struct UsageKind {
  Hash128 id{};
  /// Its values but price_id, in the order of part_columns; "" for none.
  static constexpr std::array<const char*, 14> part_columns = {
      "provider", "model",     "surface", "region",  "service_tier",   "speed",          "variant",
      "currency", "operation", "route",   "purpose", "pricing_status", "pricing_reason", "source"};
  std::array<std::string, part_columns.size()> parts;
  std::optional<std::int64_t> price_id;

  enum class Stored { no, uncommitted, committed };
  Stored stored = Stored::no;  ///< in the dictionary
};

/// The kind of a row, and what else its words tell.
struct RowClass {
  UsageKind* kind = nullptr;
  Outcome outcome = Outcome::ok;
  bool is_for_retry = false;  ///< by its purpose
};

/// The class of a row; its kind stays in its place until bound_kinds().
RowClass class_of(const UsageRow& row);
/// Appends the kind to the dictionary unless it is known to be there.
void store_kind(UsageKind& kind);
/// Forgets them all if they are many. Call when nothing refers to one.
void bound_kinds();

/// Whether the transaction, or a level of it, that appended kinds has committed.
void kinds_at_commit();
void kinds_at_abort();

}  // namespace spend

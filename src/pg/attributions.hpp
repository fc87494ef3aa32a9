#pragma once

#include <vector>

#include "core/attribution.hpp"
#include "pg/prelude.hpp"

namespace spend {

struct BudgetMatch;

/// What this backend knows of the dictionary spend.attributions: id → dimension values.

/// One combination of dimension values, as this backend knows it.
///
/// What a row asks of its attribution lies in the first lines of the processor's cache: rows of a bulk load have one
/// after the other, of thousands.
struct alignas(64) Attribution {
  Hash128 id{};

  static constexpr int committed_level = 0;
  static constexpr int absent_level = -1;
  /// Nesting level of the transaction that appended it to the dictionary; committed_level: it is there for good;
  /// absent_level: not known to be.
  int stored_at = absent_level;
  /// The last transaction that wrote a row with it.
  LocalTransactionId written_in = InvalidLocalTransactionId;
  bool is_expected = false;  ///< see expect_attribution()
  bool is_awaited = false;   ///< see await_attribution()

  /// What refuse_missing_tags() remembers: the requirement that it does not meet, or -1, and the versions that were
  /// asked.
  std::int32_t refused_by = -1;
  std::uint64_t tags_checked_by = 0;

  /// Where BudgetSet remembers its answers, and the number of the set that gave them.
  std::uint64_t matched_by = 0;
  std::shared_ptr<const std::vector<BudgetMatch>> matches = {};
  std::vector<std::string> needed_of_row = {};  ///< row dimensions that its rows must be refined by

  Dimensions dimensions = {};
  /// Of an attribution refined by row dimensions: the one of the dictionary, and the row dimensions that were looked
  /// at. See BudgetSet::refine().
  Attribution* base = nullptr;
  std::vector<std::string> looked_at = {};
  /// Of an attribution under which rows are counted a second time, at the time when they are enforced: the quarter hour
  /// in which they occurred.
  std::optional<std::int64_t> occurred_in = {};
  /// The one of the dictionary, under which rows are rolled up.
  Attribution& rolled_up() { return base == nullptr ? *this : *base; }
};

/// The attribution of these values; it stays in memory, in this place, to the end of the transaction.
Attribution& remember_attribution(Dimensions dimensions);
/// The attribution refined by these values of row dimensions, which `refined` holds together with its base's. Both stay
/// in memory to the end of the transaction. Never in the dictionary.
Attribution& remember_refined(Attribution& base, Attribution refined);
/// The attribution under which rows of `counted` that occurred in that quarter hour are counted a second time.
Attribution& remember_second_count(Attribution& counted, std::int64_t occurred_in);
/// The same for values that were sent before in the same words, which spares to normalise and to hash them again:
/// nullptr when they are not remembered. `raw` names the values as they were sent, in any form in which no two
/// different sets are alike.
Attribution* find_attribution_as_sent(std::string_view raw);
/// Remembers how an attribution was sent.
void remember_as_sent(std::string_view raw, Attribution& attribution);
/// Keeps what find_attribution() has found as remember_attribution() does.
void keep_attribution(Attribution& attribution);
/// BEFORE ROW: notes that a row of this command is about to be stored with it, so that the command's new combinations
/// are appended together.
void expect_attribution(Attribution& attribution);
/// A row with it was stored, and its command goes on: true when the combination is known to be in the dictionary, or
/// AFTER ROW of an earlier row of this command will append it. False: this row has to be left to AFTER ROW, for all
/// that come after it.
bool await_attribution(Attribution& attribution);
/// AFTER ROW: appends the combination to the dictionary unless it is known to be there, and with it those that are
/// awaited and the other new ones of the command: every BEFORE event comes before. So a row that ON CONFLICT then skips
/// may leave an entry when another row of its command was stored; the dictionary names combinations, it does not say
/// that they have rows.
void store_attribution(Attribution& attribution);
/// The attribution with an id: from memory, else from the dictionary; null when it has none. Valid until the next call
/// of this function or of remember_attribution(), unless it is kept.
Attribution* find_attribution(const Hash128& id);

/// Forgets what a rolled back (sub)transaction added. `level` is the nesting level that ends.
void attributions_at_abort(int level);
void attributions_at_subcommit(int level);
void attributions_at_commit();

}  // namespace spend

#include "pg/price_cache.hpp"

#include <array>
#include <unordered_set>

#include "pg/numeric.hpp"
#include "pg/price_rows.hpp"
#include "pg/tables.hpp"
#include "pg/values.hpp"

extern "C" {
#include "storage/lmgr.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
}

namespace spend {

namespace {

PricingData load() {
  check_numeric_codec();
  PricingData data;
  std::shared_ptr<const ModelRules> rules = load_model_rules(data.trusted);
  const OpenTable table(Table::prices, AccessShareLock);
  auto rows = std::make_unique<PriceRows>(table);
  const bool can_be_read_on = rows->can_be_read_on();
  data.book = PriceBook::over(std::move(rows), std::move(rules));
  if (!can_be_read_on) {
    data.book.read_whole();
  }
  return data;
}

// One value of all three tables: a command sees the prices and the names of one time.
constinit TableCache<PricingData, 3> cache({Table::prices, Table::model_aliases, Table::providers}, load);

/// Whoever truncates the table, or writes it anew, takes away rows that snapshots still see; he waits for the end of
/// the transaction, also if this is a subtransaction that is rolled back before.
void keep_rows_in_place() {
  const Oid prices = table_oid(Table::prices);
  pg_call([&] {
    const ResourceOwner caller = CurrentResourceOwner;
    CurrentResourceOwner = TopTransactionResourceOwner;
    LockRelationOid(prices, AccessShareLock);
    CurrentResourceOwner = caller;
  });
}

/// What holds at this moment. A command that was planned before, in a transaction that has used the table before, takes
/// no new lock, with which it would take in what others have announced meanwhile.
std::shared_ptr<const PricingData> latest() {
  // The command's snapshot is older than the look at what was announced, so whoever changed prices and did not announce
  // it before had not ended when the snapshot was taken.
  const TransactionId kept_from = ActiveSnapshotSet() ? GetActiveSnapshot()->xmin : InvalidTransactionId;
  pg_call([] { AcceptInvalidationMessages(); });
  if (cache.get()->book.is_whole()) {
    return cache.get();
  }
  if (!TransactionIdIsValid(kept_from)) {
    mark_changed(Table::prices);
    return cache.get();
  }
  keep_rows_in_place();
  const std::shared_ptr<const PricingData>& data = cache.get();
  data->kept_from = kept_from;
  return data;
}

/// The version of a command, which whoever asks first within it has looked up: its triggers and all call sites of its
/// functions see the same, also those that are reached later. A few commands are remembered, as functions in a command
/// run commands of their own between; and of each the subtransaction, since what one has written and rolled back is no
/// version for another that goes on under the same number.
std::shared_ptr<const PricingData> version_of(const CommandIdentity& command) {
  struct Given {
    CommandIdentity to;
    SubTransactionId within = InvalidSubTransactionId;
    std::weak_ptr<const PricingData> data;
  };
  static std::array<Given, 8> given;
  static std::size_t next = 0;
  const SubTransactionId current = GetCurrentSubTransactionId();
  for (const Given& each : given) {
    if (each.to == command && each.within == current) {
      if (std::shared_ptr<const PricingData> data = each.data.lock(); data != nullptr && data->can_be_read_on()) {
        return data;
      }
    }
  }
  std::shared_ptr<const PricingData> data = latest();
  given[next++ % given.size()] = {command, current, data};
  return data;
}

}  // namespace

const std::shared_ptr<const PricingData>& pricing_data_of_command() {
  static CommandIdentity pinned_for;
  static std::shared_ptr<const PricingData> pinned;
  const CommandIdentity current = CommandIdentity::current();
  if (pinned == nullptr || !(pinned_for == current) || !pinned->can_be_read_on()) {
    pinned = version_of(current);
    pinned_for = current;
  }
  return pinned;
}

const PriceBook& PricePin::book() {
  // A call site in PL/pgSQL lives as long as the transaction.
  const CommandIdentity current = CommandIdentity::current();
  if (data_ == nullptr || !(pinned_for_ == current) || !data_->can_be_read_on()) {
    data_ = version_of(current);
    pinned_for_ = current;
  }
  return data_->book;
}

void warn_unpriced(std::string_view provider, std::string_view model, std::string_view reason) {
  constexpr std::size_t most_remembered = 10'000;
  static std::unordered_set<std::string> warned;
  provider = shown_name(provider);
  model = shown_name(model);
  std::string key = std::string(provider) + '\n' + std::string(model);
  if (warned.size() >= most_remembered || !warned.insert(std::move(key)).second) {
    return;
  }
  const char* shown_model = palloc_cstring(model);
  const char* shown_reason = palloc_cstring(reason);
  const char* shown_provider = palloc_cstring(provider);
  pg_call([&] {
    ereport(
        WARNING,
        (errcode(ERRCODE_WARNING),
         errmsg("no price for model \"%s\"%s%s%s", shown_model, *shown_provider != '\0' ? " of provider \"" : "",
                shown_provider, *shown_provider != '\0' ? "\"" : ""),
         errdetail("Reason: %s. Its usage counts as unpriced, not as free. This is said once per connection and model.",
                   shown_reason),
         errhint("Add the price with spend.set_price(), or load the shipped catalog with SELECT spend.load_catalog(). "
                 "Rows that waited for it are then priced by spend.reprice().")));
  });
}

}  // namespace spend

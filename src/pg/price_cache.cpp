#include "pg/price_cache.hpp"

#include <unordered_set>

#include "pg/command_identity.hpp"
#include "pg/numeric.hpp"
#include "pg/tables.hpp"
#include "pg/time_range.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

PriceBook load() {
  check_numeric_codec();
  std::vector<PriceEntry> entries;
  const OpenTable table(Table::prices, AccessShareLock);
  struct {
    AttrNumber provider, model, surface, region, service_tier, speed, variant, valid_during, price, price_id,
        superseded_at;
  } const at = {table.column("provider"), table.column("model"),        table.column("surface"),
                table.column("region"),   table.column("service_tier"), table.column("speed"),
                table.column("variant"),  table.column("valid_during"), table.column("price"),
                table.column("price_id"), table.column("superseded_at")};
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    bool is_null;
    row.get(at.superseded_at, &is_null);
    if (!is_null) {
      return;
    }
    const TimeRange bounds = time_range(row.get(at.valid_during, &is_null));
    if (bounds.empty) {
      return;
    }
    const auto text = [&](AttrNumber attribute) { return text_of(row.get(attribute, &is_null)); };
    PriceEntry entry;
    entry.sku = Sku{.provider = text(at.provider),
                    .model = text(at.model),
                    .surface = text(at.surface),
                    .region = text(at.region),
                    .service_tier = text(at.service_tier),
                    .speed = text(at.speed),
                    .variant = text(at.variant)};
    entry.valid_from = bounds.from;
    entry.valid_until = bounds.until;
    entry.price = price_of(row.get(at.price, &is_null));
    entry.price_id = DatumGetInt64(row.get(at.price_id, &is_null));
    entries.push_back(std::move(entry));
  });
  return PriceBook::build(std::move(entries));
}

TableCache<PriceBook> cache(Table::prices, load);

struct CallPin {
  CommandIdentity pinned_for;
  std::shared_ptr<const PriceBook> book;
  MemoryContextCallback release;
};

/// The book of this moment. A command that was planned before, in a transaction that has used the table before, takes
/// no new lock, with which it would take in what others have announced meanwhile.
std::shared_ptr<const PriceBook> latest_price_book() {
  pg_call([] { AcceptInvalidationMessages(); });
  return cache.get();
}

}  // namespace

std::shared_ptr<const PriceBook> price_book_of_command() {
  static CommandIdentity pinned_for;
  static std::shared_ptr<const PriceBook> pinned;
  const CommandIdentity current = CommandIdentity::current();
  if (pinned == nullptr || !(pinned_for == current)) {
    pinned = latest_price_book();
    pinned_for = current;
  }
  return pinned;
}

const PriceBook& price_book_of_call(FunctionCallInfo fcinfo) {
  auto* pin = static_cast<CallPin*>(fcinfo->flinfo->fn_extra);
  const CommandIdentity current = CommandIdentity::current();
  if (pin == nullptr) {
    auto fresh = std::make_unique<CallPin>();
    fresh->release.func = [](void* pointer) { delete static_cast<CallPin*>(pointer); };
    fresh->release.arg = fresh.get();
    pin = fresh.release();
    MemoryContextRegisterResetCallback(fcinfo->flinfo->fn_mcxt, &pin->release);
    fcinfo->flinfo->fn_extra = pin;
  }
  // A call site in PL/pgSQL lives as long as the transaction.
  if (pin->book == nullptr || !(pin->pinned_for == current)) {
    pin->book = latest_price_book();
    pin->pinned_for = current;
  }
  return *pin->book;
}

void warn_unpriced(std::string_view provider, std::string_view model, std::string_view reason) {
  constexpr std::size_t most_remembered = 10'000;
  static std::unordered_set<std::string> warned;
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
         errhint(
             "Add the price with spend.set_price(), or load the shipped catalog with SELECT spend.load_catalog().")));
  });
}

}  // namespace spend

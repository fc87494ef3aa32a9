#include "pg/price_cache.hpp"

#include <unordered_set>

#include "core/present_memory.hpp"
#include "pg/numeric.hpp"
#include "pg/tables.hpp"
#include "pg/time_range.hpp"
#include "pg/tuples.hpp"
#include "pg/values.hpp"

extern "C" {
#include "access/heaptoast.h"
#include "storage/bufmgr.h"
}

namespace spend {

namespace {

/// Rows of spend.prices as they stand in the table. A book reads a model's rows when it is first asked for it: of
/// thousands of prices a connection needs a handful, and parsing all of them took most of the time of its first row.
class RawPrices {
 public:
  explicit RawPrices(const OpenTable& table)
      : descriptor_(pg_call([&] {
          const MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
          TupleDesc copy = CreateTupleDescCopy(table.descriptor());
          MemoryContextSwitchTo(caller);
          return copy;
        })),
        at_{table.column("provider"), table.column("model"),        table.column("surface"),
            table.column("region"),   table.column("service_tier"), table.column("speed"),
            table.column("variant"),  table.column("valid_during"), table.column("price"),
            table.column("price_id")},
        left_(pg_call([&] { return std::size_t{RelationGetNumberOfBlocks(table.get())} * BLCKSZ; })) {}
  ~RawPrices() { FreeTupleDesc(descriptor_); }
  RawPrices(const RawPrices&) = delete;
  RawPrices& operator=(const RawPrices&) = delete;

  void add(HeapTuple tuple, PriceBook::Builder& book) {
    if (HeapTupleHasExternal(tuple)) {
      tuple = pg_call([&] { return toast_flatten_tuple(tuple, descriptor_); });
    }
    const std::size_t size = MAXALIGN(tuple->t_len);
    if (free_ < size) {
      take_block(size);
    }
    std::memcpy(next_, tuple->t_data, tuple->t_len);
    rows_.push_back(next_);
    book.add(text(next_, at_.model));
    next_ += size;
    free_ -= size;
  }

  PriceEntry entry(std::size_t index) const {
    char* const row = rows_[index];
    const TimeRange bounds = time_range(get(row, at_.valid_during));
    return {.sku = Sku{.provider = std::string(text(row, at_.provider)),
                       .model = std::string(text(row, at_.model)),
                       .surface = std::string(text(row, at_.surface)),
                       .region = std::string(text(row, at_.region)),
                       .service_tier = std::string(text(row, at_.service_tier)),
                       .speed = std::string(text(row, at_.speed)),
                       .variant = std::string(text(row, at_.variant))},
            .valid_from = bounds.from,
            .valid_until = bounds.until,
            .price = price_of(get(row, at_.price)),
            .price_id = DatumGetInt64(get(row, at_.price_id))};
  }

 private:
  /// Room for what the table may still have, and at least for the next row. All pages of it come from the system at
  /// once: fetching them one by one, each when it is first written, took a fifth of the time of a connection's first
  /// row.
  void take_block(std::size_t size) {
    constexpr std::size_t smallest = 64 * 1024;
    constexpr std::size_t largest = 4 * 1024 * 1024;
    free_ = std::max(size, std::clamp(left_, smallest, largest));
    left_ -= std::min(left_, free_);
    blocks_.emplace_back(free_);
    next_ = blocks_.back().data();
  }

  Datum get(char* row, AttrNumber attribute) const {
    HeapTupleData tuple;
    tuple.t_len = 0;  // what reads an attribute does not ask for it
    ItemPointerSetInvalid(&tuple.t_self);
    tuple.t_tableOid = InvalidOid;
    tuple.t_data = reinterpret_cast<HeapTupleHeader>(row);
    bool is_null;
    return heap_getattr(&tuple, attribute, descriptor_, &is_null);
  }

  std::string_view text(char* row, AttrNumber attribute) const { return text_view(get(row, attribute)); }

  TupleDesc descriptor_;
  struct {
    AttrNumber provider, model, surface, region, service_tier, speed, variant, valid_during, price, price_id;
  } at_;
  std::vector<PresentMemory> blocks_;
  char* next_ = nullptr;
  std::size_t free_ = 0;
  std::size_t left_;  ///< of the table's size
  std::vector<char*> rows_;
};

PricingData load() {
  check_numeric_codec();
  PricingData data;
  std::shared_ptr<const ModelRules> rules = load_model_rules(data.trusted);
  const OpenTable table(Table::prices, AccessShareLock);
  const AttrNumber superseded_at = table.column("superseded_at");
  auto raw = std::make_shared<RawPrices>(table);
  PriceBook::Builder builder;
  scan_latest(table.get(), OwnChanges::visible, [&](const ScannedTuple& row) {
    if (heap_attisnull(row.tuple, superseded_at, row.descriptor)) {
      raw->add(row.tuple, builder);
    }
  });
  data.book = std::move(builder).finish([raw](std::size_t row) { return raw->entry(row); }, std::move(rules));
  return data;
}

// One value of all three tables: a command sees the prices and the names of one time.
constinit TableCache<PricingData, 3> cache({Table::prices, Table::model_aliases, Table::providers}, load);

/// What holds at this moment. A command that was planned before, in a transaction that has used the table before, takes
/// no new lock, with which it would take in what others have announced meanwhile.
std::shared_ptr<const PricingData> latest() {
  pg_call([] { AcceptInvalidationMessages(); });
  return cache.get();
}

}  // namespace

const std::shared_ptr<const PricingData>& pricing_data_of_command() {
  static CommandIdentity pinned_for;
  static std::shared_ptr<const PricingData> pinned;
  const CommandIdentity current = CommandIdentity::current();
  if (pinned == nullptr || !(pinned_for == current)) {
    pinned = latest();
    pinned_for = current;
  }
  return pinned;
}

const PriceBook& PricePin::book() {
  // A call site in PL/pgSQL lives as long as the transaction.
  const CommandIdentity current = CommandIdentity::current();
  if (data_ == nullptr || !(pinned_for_ == current)) {
    data_ = latest();
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

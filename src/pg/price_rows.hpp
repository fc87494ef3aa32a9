#pragma once

#include "core/price_book.hpp"
#include "pg/kept_state.hpp"
#include "pg/prelude.hpp"
#include "pg/tables.hpp"

namespace spend {

/// Where the columns of spend.prices are that a price needs.
struct PriceColumns {
  explicit PriceColumns(const OpenTable& table);
  bool is_live(HeapTuple tuple, TupleDesc descriptor) const { return heap_attisnull(tuple, superseded_at, descriptor); }
  /// The price of a row whose values are in the row or can be fetched.
  PriceEntry entry(HeapTuple tuple, TupleDesc descriptor) const;

  AttrNumber provider, model, surface, region, service_tier, speed, variant, valid_during, price, price_id,
      superseded_at;
};

/// The live rows of spend.prices, as of the moment at which this was made: one model's at a time, through an index, or
/// all of them. How that stays true over transactions is in docs/architecture.md (Caches, "Reading on").
class PriceRows final : public PriceBook::Source {
 public:
  explicit PriceRows(const OpenTable& table);
  ~PriceRows() override;
  /// Whether models can be read alone. If not, all has to be read by the transaction that has made this.
  bool can_be_read_on() const { return state_ != nullptr; }

  std::optional<std::vector<PriceEntry>> prices_of(std::string_view model) override;
  void tell_models(const std::function<void(std::string_view model)>& tell) override;
  PriceEntry price_at(std::size_t number) override;

 private:
  class Copies;

  std::unique_ptr<const KeptState> state_;
  std::unique_ptr<Copies> copies_;
};

}  // namespace spend

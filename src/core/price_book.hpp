#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/model_resolver.hpp"
#include "core/price_answers.hpp"
#include "core/price_table.hpp"

namespace spend {

/// Outcome of a lookup: the entry, or why there is none.
struct PriceMatch {
  const PriceEntry* entry = nullptr;       ///< lives as long as the book
  MatchedBy matched_by = MatchedBy::none;  ///< how the model was recognised; entry->sku says as what
  std::string reason;  ///< when entry is null: "unknown model", "ambiguous provider", "no price valid at that time", …
  std::string fallback;  ///< when a less specific SKU stood in ("service_tier batch at standard"); else ""
};

/// An index over prices: lookup in time independent of the number of models. The model's name is resolved first
/// (model_resolver.hpp), then the SKU among its prices (model_prices.hpp), all on normalised text (text_key.hpp). What
/// it answers never changes; what it has read and resolved it keeps, so a book belongs to one thread.
class PriceBook {
  struct Index;

 public:
  /// Where the prices of a book lie, when they are dear to read. All that is read of it is as of one moment.
  class Source {
   public:
    Source() = default;
    virtual ~Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    /// All prices of a model, by its normalised name; nothing where they cannot be read alone.
    virtual std::optional<std::vector<PriceEntry>> prices_of(std::string_view model) = 0;
    /// Tells the model of every price, one after the other: their numbers.
    virtual void tell_models(const std::function<void(std::string_view model)>& tell) = 0;
    /// The price of that number; asked for at most once.
    virtual PriceEntry price_at(std::size_t number) = 0;
  };

  PriceBook();
  ~PriceBook();
  PriceBook(PriceBook&&) noexcept;
  PriceBook& operator=(PriceBook&&) noexcept;

  /// Takes over the entries. They need not be sorted; overlaps are the caller's concern (the table has a constraint).
  /// Without rules only the built-in ones hold.
  static PriceBook build(std::vector<PriceEntry> entries, std::shared_ptr<const ModelRules> rules = nullptr);
  /// Reads what it is asked for: the prices of a model, and of all models when many of them were asked for, or one that
  /// is not there under its very name.
  static PriceBook over(std::unique_ptr<Source> source, std::shared_ptr<const ModelRules> rules);

  PriceMatch find(const SkuQuery& query, Timestamp at) const;
  /// The same for who prices row after row: what the book remembers of the query, in the time of one look into a table.
  /// Null where find() has to say why there is no price, or where the answer cannot be kept. Valid until the next call.
  const PriceAnswer* answer(const SkuQuery& query, Timestamp at) const;
  /// The same where it is remembered already; null where it would have to be searched for.
  const PriceAnswer* known_answer(const SkuQuery& query, Timestamp at) const;
  /// What most rows of a report come to: the cost of a stored usage at the plain price (plain_price.hpp) that the book
  /// remembers for provider and model, without asking for more. Nothing where it takes more than that. Neither throws
  /// nor allocates.
  std::optional<PlainCost> plain_cost(std::string_view provider, std::string_view model, Timestamp at,
                                      std::span<const std::byte> usage_image) const;
  /// The model that a name means; provider "" when unknown.
  ModelMatch resolve(std::string_view model, std::string_view provider, Timestamp at) const;
  /// The maker of a model by its family name (gpt- → openai, claude → anthropic, gemini → google, …); "" when unknown.
  static std::string_view maker_of(std::string_view model);
  /// Of all prices.
  std::size_t size() const;
  /// Whether all models are known, so that nothing more is read than what was found of them.
  bool is_whole() const;
  void read_whole() const;

 private:
  struct Found;
  Found search(const SkuQuery& query, Timestamp at) const;
  const PriceAnswer* remember(const SkuQuery& query, const Found& found) const;

  std::unique_ptr<Index> index_;
};

}  // namespace spend

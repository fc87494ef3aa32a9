#include "core/price_book.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/key_table.hpp"
#include "core/model_form.hpp"
#include "core/model_makers.hpp"
#include "core/model_name.hpp"
#include "core/model_prices.hpp"
#include "core/sku_key.hpp"
#include "core/text_key_ascii.hpp"
#include "core/usage_shape.hpp"

namespace spend {

namespace {

constexpr std::size_t part(SkuPart which) {
  return static_cast<std::size_t>(which);
}

/// Normalises the parts of a query without allocating where they are ASCII and short, as nearly all are.
class NormalisedQuery {
 public:
  explicit NormalisedQuery(const SkuQuery& query) {
    const std::array<std::string_view, sku_part_count> raw = {
        query.provider, query.model, query.surface, query.region, query.service_tier, query.speed, query.variant};
    for (std::size_t i = 0; i < sku_part_count; ++i) {
      parts[i] = normalise(raw[i], i);
    }
  }
  NormalisedQuery(const NormalisedQuery&) = delete;
  NormalisedQuery& operator=(const NormalisedQuery&) = delete;
  ~NormalisedQuery() = default;

  SkuParts parts;

 private:
  std::string_view normalise(std::string_view text, std::size_t i) {
    if (text.empty()) {
      return {};
    }
    if (text.size() <= room_.size() - used_) {
      char* const place = room_.data() + used_;
      if (const std::optional<std::size_t> length = ascii_text_key(text, place)) {
        used_ += *length;
        return {place, *length};
      }
    }
    if (long_parts_ == nullptr) {
      long_parts_ = std::make_unique<std::array<std::string, sku_part_count>>();
    }
    return (*long_parts_)[i] = text_key(text);
  }

  std::array<char, 384> room_;  // written before it is read
  std::size_t used_ = 0;
  std::unique_ptr<std::array<std::string, sku_part_count>> long_parts_;
};

}  // namespace

namespace {

/// Prices that are in memory.
class GivenPrices final : public PriceBook::Source {
 public:
  explicit GivenPrices(std::vector<PriceEntry> entries) : entries_(std::move(entries)) {}
  std::optional<std::vector<PriceEntry>> prices_of(std::string_view /*model*/) override { return std::nullopt; }
  void tell_models(const std::function<void(std::string_view model)>& tell) override {
    for (const PriceEntry& entry : entries_) {
      tell(entry.sku.model);
    }
  }
  PriceEntry price_at(std::size_t number) override { return std::move(entries_[number]); }

 private:
  std::vector<PriceEntry> entries_;
};

}  // namespace

/// A model's prices are read when it is asked for the first time: alone as long as few were, so that a process that
/// prices a call or two does not read all of them. After that prices are chained by model, in one pass over the names,
/// and what they say is still read by model.
struct PriceBook::Index final : ModelIndex {
  static constexpr std::uint32_t end_of_chain = UINT32_MAX;
  static constexpr std::size_t most_remembered = 8'192;
  /// So many models cost as much to read one by one as some thousands at once.
  static constexpr std::size_t most_read_alone = 64;

  struct Model {
    std::uint32_t first_row = end_of_chain;
    std::unique_ptr<const ModelPrices> prices;
  };

  mutable KeyTable names;                       ///< model → its place in models
  mutable std::vector<Model> models;            ///< in order of first appearance
  mutable std::vector<std::uint32_t> next_row;  ///< of the same model
  mutable bool is_whole = true;                 ///< an empty book has read all there is
  mutable std::size_t read_alone = 0;           ///< models that were asked for alone, there or not
  mutable std::string last_model;               ///< as told: prices of one model mostly follow each other
  mutable std::uint32_t last_place = 0;
  std::unique_ptr<Source> source;
  std::shared_ptr<const ModelRules> rules = std::make_shared<const ModelRules>();
  using Forms = std::unordered_map<std::string, std::vector<std::string>>;
  mutable Forms forms;      ///< form → models; made when first needed
  mutable Forms snapshots;  ///< form without the date → models that have one; made with it
  mutable std::unordered_map<std::string, ModelMatch> remembered;  ///< names that are not exact
  mutable std::string question;
  mutable PriceAnswers answers;
  mutable UsageShapes shapes;

  const ModelPrices* prices_of(std::string_view model) const {
    const KeyTable::Range* place = names.find(model);
    if (place == nullptr && !is_whole) {
      read(model);
      place = names.find(model);
    }
    return place == nullptr ? nullptr : &prices_at(place->first);
  }

  void read(std::string_view model) const {
    std::optional<std::vector<PriceEntry>> entries;
    if (read_alone < most_read_alone) {
      ++read_alone;
      entries = source->prices_of(model);
    }
    if (!entries.has_value()) {
      read_whole();
    } else if (!entries->empty()) {
      auto prices = std::make_unique<const ModelPrices>(std::move(*entries));
      models[place_of(model)].prices = std::move(prices);
    }
  }

  /// What was read alone stays as it is: answers that were given point into it.
  void read_whole() const {
    if (is_whole) {
      return;
    }
    next_row.clear();  // an attempt may have been cut short
    for (Model& model : models) {
      model.first_row = end_of_chain;
    }
    source->tell_models([this](std::string_view model) { add_row(model); });
    is_whole = true;
  }

  void add_row(std::string_view model) const {
    const auto row = static_cast<std::uint32_t>(next_row.size());
    if (row == 0 || model != last_model) {
      last_place = is_own_text_key(model) ? place_of(model) : place_of(text_key(model));
      last_model = model;
    }
    Model& chain = models[last_place];
    next_row.push_back(chain.first_row);
    chain.first_row = row;
  }

  std::uint32_t place_of(std::string_view name) const {
    const auto place = static_cast<std::uint32_t>(models.size());
    const KeyTable::Range& found = names.insert(name, {place, place + 1});
    if (found.first == place) {
      models.emplace_back();
    }
    return found.first;
  }

  const ModelPrices& prices_at(std::size_t place) const {
    Model& model = models[place];
    if (model.prices == nullptr) {
      std::vector<PriceEntry> entries;
      for (std::uint32_t row = model.first_row; row != end_of_chain; row = next_row[row]) {
        entries.push_back(source->price_at(row));
      }
      model.prices = std::make_unique<const ModelPrices>(std::move(entries));
    }
    return *model.prices;
  }

  std::span<const std::string> providers_of(std::string_view model) const override {
    const ModelPrices* const prices = prices_of(model);
    return prices == nullptr ? std::span<const std::string>() : std::span(prices->providers());
  }

  std::span<const std::string> models_of_form(const std::string& form) const override {
    make_forms();
    return models_at(forms, form);
  }
  std::span<const std::string> snapshots_of_form(const std::string& form) const override {
    make_forms();
    return models_at(snapshots, form);
  }

  void make_forms() const {
    if (!forms.empty()) {
      return;
    }
    read_whole();
    for (std::size_t i = 0; i < names.size(); ++i) {
      forms[model_form(names.key(i))].emplace_back(names.key(i));
      if (const std::string form = form_without_date(names.key(i)); !form.empty()) {
        snapshots[form].emplace_back(names.key(i));
      }
    }
    for (Forms* const made : {&forms, &snapshots}) {
      for (auto& [ignored, same] : *made) {
        std::sort(same.begin(), same.end());
      }
    }
  }

  static std::span<const std::string> models_at(const Forms& made, const std::string& form) {
    const auto place = made.find(form);
    return place == made.end() ? std::span<const std::string>() : std::span(place->second);
  }

  bool has_variant(std::string_view provider, std::string_view model, std::string_view variant) const override {
    const ModelPrices* const prices = prices_of(model);
    return prices != nullptr && prices->has_variant(provider, variant);
  }

  /// Remembers answers: a name that is not exact takes some twenty lookups, and apps send the same few names.
  ModelMatch resolve(const SkuParts& wanted, Timestamp at) const {
    const std::string_view model = wanted[part(SkuPart::model)];
    question.clear();
    for (const SkuPart which : {SkuPart::provider, SkuPart::surface, SkuPart::model}) {
      append_key_part(question, wanted[part(which)]);
    }
    if (const auto known = remembered.find(question); known != remembered.end()) {
      return known->second;
    }
    ModelMatch match =
        resolve_model(*this, *rules, wanted[part(SkuPart::provider)], wanted[part(SkuPart::surface)], model, at);
    if (!match.depends_on_time && model.size() <= max_model_name_bytes) {
      if (remembered.size() >= most_remembered) {
        remembered.clear();
      }
      remembered.emplace(question, match);
    }
    return match;
  }

  /// The provider of an exact name, "" if it is none: what nearly every row is, in one lookup.
  std::string_view exact_provider(const ModelPrices& prices, const SkuParts& wanted) const {
    const std::string_view provider = wanted[part(SkuPart::provider)];
    const std::vector<std::string>& known = prices.providers();
    if (provider.empty()) {
      return provider_meant(known, wanted[part(SkuPart::model)]);
    }
    return std::find(known.begin(), known.end(), provider) != known.end() ? provider : std::string_view();
  }
};

PriceBook::PriceBook() : index_(std::make_unique<Index>()) {}
PriceBook::~PriceBook() = default;
PriceBook::PriceBook(PriceBook&&) noexcept = default;
PriceBook& PriceBook::operator=(PriceBook&&) noexcept = default;

PriceBook PriceBook::build(std::vector<PriceEntry> entries, std::shared_ptr<const ModelRules> rules) {
  PriceBook book = over(std::make_unique<GivenPrices>(std::move(entries)), std::move(rules));
  book.read_whole();
  return book;
}

PriceBook PriceBook::over(std::unique_ptr<Source> source, std::shared_ptr<const ModelRules> rules) {
  PriceBook book;
  book.index_->source = std::move(source);
  book.index_->is_whole = false;
  if (rules != nullptr) {
    book.index_->rules = std::move(rules);
  }
  return book;
}

bool PriceBook::is_whole() const {
  return index_->is_whole;
}

void PriceBook::read_whole() const {
  index_->read_whole();
}

/// What a search finds, and how long it holds; it is not worth keeping where that hangs on the time of an alias.
struct PriceBook::Found {
  PriceMatch match;
  Timestamp from = timestamp_min;
  Timestamp until = timestamp_max;
  bool may_be_kept = true;
};

PriceBook::Found PriceBook::search(const SkuQuery& query, Timestamp at) const {
  Found found;
  PriceMatch& match = found.match;
  NormalisedQuery normalised(query);
  SkuParts& wanted = normalised.parts;
  const ModelPrices* prices = nullptr;
  ModelMatch resolved;
  if (!index_->rules->aliases.has_overrides()) {
    prices = index_->prices_of(wanted[part(SkuPart::model)]);
    if (prices != nullptr) {
      const std::string_view provider = index_->exact_provider(*prices, wanted);
      wanted[part(SkuPart::provider)] = provider.empty() ? wanted[part(SkuPart::provider)] : provider;
      prices = provider.empty() ? nullptr : prices;
    }
  }
  match.matched_by = MatchedBy::exact;
  if (prices == nullptr) {
    resolved = index_->resolve(wanted, at);
    found.may_be_kept = !resolved.depends_on_time;
    match.matched_by = resolved.matched_by;
    prices = resolved.reason.empty() ? index_->prices_of(resolved.model) : nullptr;
    if (prices == nullptr) {
      match.reason = resolved.reason;
      return found;
    }
    wanted[part(SkuPart::provider)] = resolved.provider;
    wanted[part(SkuPart::model)] = resolved.model;
    for (const auto& [which, said] :
         {std::pair{SkuPart::surface, &resolved.surface}, std::pair{SkuPart::region, &resolved.region},
          std::pair{SkuPart::variant, &resolved.variant}}) {
      if (wanted[part(which)].empty()) {
        wanted[part(which)] = *said;
      }
    }
  }
  std::string_view& tier = wanted[part(SkuPart::service_tier)];
  tier = canonical_service_tier(tier, wanted[part(SkuPart::provider)]);
  SkuMatch sku = prices->find(wanted, at, !resolved.variant.empty());
  match.entry = sku.entry;
  match.reason = std::move(sku.reason);
  match.fallback = std::move(sku.fallback);
  found.from = sku.from;
  found.until = sku.until;
  return found;
}

const PriceAnswer* PriceBook::remember(const SkuQuery& query, const Found& found) const {
  const PriceEntry* const entry = found.match.entry;
  if (entry == nullptr || !found.may_be_kept) {
    return nullptr;
  }
  return index_->answers.remember(query, *entry, found.match.matched_by, found.from, found.until, found.match.fallback);
}

const PriceAnswer* PriceBook::answer(const SkuQuery& query, Timestamp at) const {
  const PriceAnswer* const known = index_->answers.find(query, at);
  return known != nullptr ? known : remember(query, search(query, at));
}

const PriceAnswer* PriceBook::known_answer(const SkuQuery& query, Timestamp at) const {
  return index_->answers.find(query, at);
}

PriceMatch PriceBook::find(const SkuQuery& query, Timestamp at) const {
  if (const PriceAnswer* const known = index_->answers.find(query, at)) {
    return {.entry = known->entry,
            .matched_by = known->matched_by,
            .reason = {},
            .fallback = index_->answers.fallback_of(*known)};
  }
  Found found = search(query, at);
  remember(query, found);
  return std::move(found.match);
}

// In one piece, see price_answers.hpp. While the place of the answer is fetched, the usage is read.
[[gnu::flatten]] std::optional<PlainCost> PriceBook::plain_cost(std::string_view provider, std::string_view model,
                                                                Timestamp at,
                                                                std::span<const std::byte> usage_image) const {
  Index& index = *index_;
  const PriceAnswers::Search search(index.answers, provider, model);
  UsageShape::Counts counts;
  UsageShape* const shape = index.shapes.read(usage_image, counts);
  const PriceAnswer* const answer = search.answer(at);
  if (shape == nullptr || answer == nullptr) {
    return std::nullopt;
  }
  const std::optional<std::uint64_t> amount =
      shape->amount(counts, index.answers.kind_of(*answer), answer->kind_number, answer->multipliers);
  return amount.has_value() ? std::optional(PlainCost{*amount, answer->scale}) : std::nullopt;
}

ModelMatch PriceBook::resolve(std::string_view model, std::string_view provider, Timestamp at) const {
  const NormalisedQuery normalised(SkuQuery{.provider = provider, .model = model});
  return normalised.parts[part(SkuPart::model)].empty() ? ModelMatch{} : index_->resolve(normalised.parts, at);
}

std::size_t PriceBook::size() const {
  index_->read_whole();
  return index_->next_row.size();
}

std::string_view PriceBook::maker_of(std::string_view model) {
  return maker_of_key(text_key(model));
}

}  // namespace spend

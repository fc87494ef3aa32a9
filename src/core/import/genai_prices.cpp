#include "core/import/genai_prices.hpp"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "core/error_text.hpp"
#include "core/import/entry_stream.hpp"
#include "core/import/genai_schedule.hpp"
#include "core/import/litellm_names.hpp"
#include "core/import/match_clauses.hpp"
#include "core/import/rate_card.hpp"
#include "core/import/rate_text.hpp"
#include "core/model_aliases.hpp"
#include "core/model_form.hpp"
#include "core/text_key.hpp"

namespace spend {

namespace {

/// The meter of a price's key: "input_audio_mtok" is input_audio_tokens per million, "web_searches_kcount" web_searches
/// per thousand.
std::optional<std::pair<std::string, Per>> meter_of(std::string_view key) {
  constexpr std::string_view tokens = "_mtok";
  constexpr std::string_view thousands = "_kcount";
  if (key.ends_with(tokens)) {
    return std::pair(std::string(key.substr(0, key.size() - tokens.size())) + "_tokens", Per::million);
  }
  if (key.ends_with(thousands)) {
    return std::pair(std::string(key.substr(0, key.size() - thousands.size())), Per::thousand);
  }
  return std::nullopt;
}

class PriceBuilder {
 public:
  RateCard card;
  std::string notes;

  std::optional<Error> add(const std::string& key, const Json& value) {
    const std::optional<std::pair<std::string, Per>> meter = meter_of(key);
    if (!meter.has_value()) {
      return Error{ErrorKind::invalid_value, "unknown key " + quoted(key), "", ""};
    }
    if (value.type != Json::Type::object) {
      Result<Rate> rate = read_rate(key, value, meter->second);
      if (!rate.ok()) {
        return std::move(rate).error();
      }
      card.set(meter->first, *rate);
      return std::nullopt;
    }
    const Json* const base = value.find("base");
    const Json* const tiers = value.find("tiers");
    if (base == nullptr || tiers == nullptr || tiers->type != Json::Type::array || value.members.size() != 2) {
      return Error{ErrorKind::invalid_value, key + ": not a number, nor a base with tiers", "", ""};
    }
    Result<Rate> rate = read_rate(key, *base, meter->second);
    if (!rate.ok()) {
      return std::move(rate).error();
    }
    card.set(meter->first, *rate);
    for (const Json& tier : tiers->items) {
      const Json* const start = tier.find("start");
      const Json* const price = tier.find("price");
      if (start == nullptr || price == nullptr || start->type != Json::Type::number || tier.members.size() != 2) {
        return Error{ErrorKind::invalid_value, key + ": a tier has \"start\" and \"price\"", "", ""};
      }
      const Result<Decimal> threshold = Decimal::parse(start->text);
      Result<Rate> step = read_rate(key, *price, meter->second);
      if (!threshold.ok()) {
        return threshold.error();
      }
      if (!step.ok()) {
        return std::move(step).error();
      }
      card.set_step(meter->first, *threshold, *step);
    }
    return std::nullopt;
  }

 private:
  Result<Rate> read_rate(const std::string& key, const Json& value, Per per) {
    if (value.type != Json::Type::number && value.type != Json::Type::string) {
      return Error{ErrorKind::invalid_text, key + ": not a number", "", ""};
    }
    Result<CatalogNumber> number = read_catalog_number(value.text);
    if (!number.ok()) {
      Error error = number.error();
      error.message = key + ": " + error.message;
      return error;
    }
    if (number->cleaned) {
      notes += (notes.empty() ? "" : "; ") + key + " " + value.text + " taken as " + number->value.to_string();
    }
    if (per == Per::million) {
      const Result<Decimal> one = multiply(number->value, *Decimal::from_parts(1, 6));
      if (!one.ok() || !is_sane_token_rate(*one)) {
        return Error{ErrorKind::invalid_value,
                     key + ": " + number->value.to_string() + " per million tokens is outside 1e-10 to 1e-2 a token",
                     "", ""};
      }
    }
    return Rate{number->value, per};
  }
};

class Reader final : public EntryStream {
 public:
  ImportedCatalog catalog;

 protected:
  Result<bool> descends(const Path& path, bool is_object) override {
    // [ { "models": [ {…} ] } ]
    if (path.size() == 1 && is_object) {
      return Error{ErrorKind::invalid_text, "a genai-prices catalog must be an array of providers", "",
                   "An object of models is what LiteLLM publishes."};
    }
    if (path.size() == 2 && is_object) {
      has_providers_ = true;
      provider_.clear();
      first_price_ = catalog.prices.size();
      first_quarantined_ = catalog.quarantined.size();
    }
    return path.size() == 1 || (path.size() == 2 && is_object) ||
           (path.size() == 3 && path[2] == "models" && !is_object);
  }
  /// The provider's name may come after its models.
  Outcome on_left(const Path& path) override {
    if (path.size() == 1 && !has_providers_ && !catalog.quarantined.empty()) {
      return Error{ErrorKind::invalid_text, "a genai-prices catalog must be an array of providers", "", ""};
    }
    if (path.size() != 2) {
      return std::nullopt;
    }
    for (std::size_t i = first_price_; i < catalog.prices.size(); ++i) {
      ImportedPrice& price = catalog.prices[i];
      price.sku.provider = provider_;
      price.name = provider_ + "/" + price.name;
    }
    for (std::size_t i = first_quarantined_; i < catalog.quarantined.size(); ++i) {
      catalog.quarantined[i].provider = provider_;
      catalog.quarantined[i].name = provider_ + "/" + catalog.quarantined[i].name;
    }
    if (provider_.empty()) {
      for (std::size_t i = first_price_; i < catalog.prices.size(); ++i) {
        catalog.quarantined.push_back(
            {catalog.prices[i].name, "", catalog.prices[i].sku.model, "its provider has no \"id\""});
      }
      catalog.prices.resize(first_price_);
      matches_.clear();
    }
    add_aliases();
    return std::nullopt;
  }
  Outcome on_entry(const Path& path, const Json& value) override {
    if (path.size() < 2) {
      return Error{ErrorKind::invalid_text, "a genai-prices catalog must be an array of providers", "", ""};
    }
    if (path.size() == 2) {
      catalog.quarantined.push_back({"", "", "", "it is no provider"});
      return std::nullopt;
    }
    if (path.size() == 3) {
      if (path[2] == "id" && value.type == Json::Type::string) {
        provider_ = provider_name(value.text);
      } else if (path[2] == "models") {
        catalog.quarantined.push_back({"", "", "", "its models are no list"});
      }
      return std::nullopt;
    }
    const Json* const id = value.find("id");
    if (id == nullptr || id->type != Json::Type::string || text_key(id->text).empty()) {
      catalog.quarantined.push_back({"", "", "", "a model without \"id\""});
      return std::nullopt;
    }
    const std::size_t count = catalog.prices.size();
    if (std::optional<Error> error = add_model(id->text, value)) {
      catalog.prices.resize(count);
      catalog.quarantined.push_back({id->text, "", text_key(id->text), error->message});
    }
    return std::nullopt;
  }

 private:
  std::optional<Error> add_model(const std::string& id, const Json& model) {
    const Json* const prices = model.find("prices");
    if (prices == nullptr || (prices->type != Json::Type::object && prices->type != Json::Type::array) ||
        (prices->members.empty() && prices->items.empty())) {
      return Error{ErrorKind::invalid_value, "it has no price", "", ""};
    }
    const Result<std::vector<GenaiPeriod>> periods = read_genai_periods(*prices);
    if (!periods.ok()) {
      return periods.error();
    }
    for (const GenaiPeriod& period : *periods) {
      if (std::optional<Error> error = add_price(id, period)) {
        return error;
      }
    }
    if (const Json* const match = model.find("match"); match != nullptr) {
      matches_.push_back({id, *match});
    }
    return std::nullopt;
  }

  std::optional<Error> read_rates(const Json& rates, PriceBuilder& builder) const {
    // xAI counts from the threshold on; genai-prices, which knows no such difference, above it.
    builder.card.from_threshold = provider_ == "xai";
    for (const auto& [key, value] : rates.members) {
      if (value.type == Json::Type::null) {
        continue;
      }
      if (std::optional<Error> error = builder.add(key, value)) {
        return error;
      }
    }
    if (builder.card.empty()) {
      return Error{ErrorKind::invalid_value, "it has no price", "", ""};
    }
    return std::nullopt;
  }

  std::optional<Error> add_price(const std::string& id, const GenaiPeriod& period) {
    PriceBuilder builder;
    if (std::optional<Error> error = read_rates(*period.rates, builder)) {
      return error;
    }
    bool charges = builder.card.charges();
    std::string notes = builder.notes;
    std::vector<ScheduledRates> schedule;
    for (const GenaiPeriod::Hours& hours : period.hours) {
      PriceBuilder at_hours;
      if (std::optional<Error> error = read_rates(*hours.rates, at_hours)) {
        return error;
      }
      charges = charges || at_hours.card.charges();
      notes += (notes.empty() || at_hours.notes.empty() ? "" : "; ") + at_hours.notes;
      schedule.push_back({R"({"hours": )" + json_quote(hours.window) + "}", std::move(at_hours.card)});
    }
    Result<Price> price = builder.card.price(schedule);
    if (!price.ok()) {
      return std::move(price).error();
    }
    ImportedPrice imported;
    imported.name = id;
    imported.sku.model = text_key(id);
    imported.has_start = period.has_start;
    imported.valid_from = period.start;
    imported.valid_until = period.until;
    imported.price = *std::move(price);
    imported.note = std::move(notes);
    if (!charges) {
      imported.note += imported.note.empty() ? "free: every rate is 0" : "; free: every rate is 0";
    }
    catalog.prices.push_back(std::move(imported));
    return std::nullopt;
  }

  /// What the document says of the names of the provider's models. A name that is a model of its own means that model,
  /// and one that an earlier model has already is not given to a later one.
  void add_aliases() {
    std::set<std::string> priced;
    for (std::size_t i = first_price_; i < catalog.prices.size(); ++i) {
      priced.insert(model_form(catalog.prices[i].sku.model));
    }
    std::map<std::string, std::string> taken;
    for (const auto& [id, match] : matches_) {
      const std::string name = provider_ + "/" + id;
      const std::string model = text_key(id);
      MatchedNames names = read_match_clauses(match, provider_, model);
      for (const MatchedNames::Refused& refused : names.refused) {
        catalog.quarantined.push_back({name, provider_, model, refused.reason, refused.clause});
      }
      for (std::string& alias : names.aliases) {
        const std::string form = alias_form(alias);
        if (priced.contains(form)) {
          continue;
        }
        if (const auto [place, is_new] = taken.emplace(form, name); is_new) {
          catalog.aliases.push_back({name, provider_, model, std::move(alias)});
        } else if (place->second != name) {
          catalog.quarantined.push_back(
              {name, provider_, model, "ambiguous: " + quoted(place->second) + " has the same name", std::move(alias)});
        }
      }
    }
    matches_.clear();
  }

  struct Match {
    std::string id;
    Json clause;
  };

  bool has_providers_ = false;
  std::string provider_;
  std::size_t first_price_ = 0;
  std::size_t first_quarantined_ = 0;
  std::vector<Match> matches_;  ///< of the provider's models that have a price
};

}  // namespace

Result<ImportedCatalog> read_genai_prices(std::string_view document) {
  Reader reader;
  constexpr int depth = 20;  // extractors and match clauses are nested
  if (std::optional<Error> error = read_json(document, {max_catalog_bytes, depth}, reader)) {
    return *std::move(error);
  }
  return std::move(reader.catalog);
}

}  // namespace spend

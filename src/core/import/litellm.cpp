#include "core/import/litellm.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "core/error_text.hpp"
#include "core/import/entry_stream.hpp"
#include "core/import/litellm_names.hpp"
#include "core/import/litellm_sheets.hpp"

namespace spend {

namespace {

std::string joined(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) {
    text += (text.empty() ? "" : "; ") + note;
  }
  return text;
}

std::string text_member(const Json& object, std::string_view key) {
  const Json* const member = object.find(key);
  return member != nullptr && member->type == Json::Type::string ? member->text : std::string();
}

class Reader final : public EntryStream {
 public:
  ImportedCatalog catalog;

 protected:
  Result<bool> descends(const Path& path, bool is_object) override {
    if (path.size() == 1 && !is_object) {
      return Error{ErrorKind::invalid_text, "a LiteLLM catalog must be an object of models", "",
                   "An array is what genai-prices publishes."};
    }
    return path.size() == 1;
  }
  Outcome on_left(const Path& /*path*/) override { return std::nullopt; }
  Outcome on_entry(const Path& path, const Json& value) override {
    if (path.size() == 1) {
      return Error{ErrorKind::invalid_text, "a LiteLLM catalog must be an object of models", "", ""};
    }
    const std::string& key = path.back();
    const std::string provider = text_member(value, "litellm_provider");
    Sku sku = litellm_sku(key, provider);
    // The document explains its keys in an entry of its own.
    if (value.type != Json::Type::object || key == "sample_spec" || provider.empty()) {
      catalog.quarantined.push_back({key, "", "", key == "sample_spec" ? "it explains the keys" : "it is no model"});
      return std::nullopt;
    }
    if (std::optional<Error> error = add(key, sku, value)) {
      catalog.quarantined.push_back({key, sku.provider, sku.model, error->message});
    }
    return std::nullopt;
  }

 private:
  std::optional<Error> add(const std::string& key, const Sku& sku, const Json& value) {
    if (sku.model.empty()) {
      return Error{ErrorKind::invalid_value, "it has no name", "", ""};
    }
    Result<LiteLlmEntry> entry =
        read_litellm_entry(value, sku.provider, sku.variant.find("-month-commitment") != std::string::npos);
    if (!entry.ok()) {
      return std::move(entry).error();
    }
    Result<std::vector<LiteLlmSheet>> sheets = litellm_sheets(*entry);
    if (!sheets.ok()) {
      return std::move(sheets).error();
    }
    std::vector<ImportedPrice> prices;
    for (const LiteLlmSheet& sheet : *sheets) {
      Result<Price> price = sheet.card.price(sheet.schedule, sheet.conditions);
      if (!price.ok()) {
        return std::move(price).error();
      }
      ImportedPrice imported;
      imported.name = key;
      imported.sku = sku;
      imported.sku.service_tier = sheet.service_tier;
      imported.sku.speed = sheet.speed;
      imported.sku.region = sku.region.empty() ? sheet.region : sku.region;
      imported.sku.variant += (sku.variant.empty() || sheet.variant.empty() ? "" : "/") + sheet.variant;
      imported.price = *std::move(price);
      imported.source = text_member(value, "source");
      imported.note = joined(entry->notes);
      if (!sheet.card.charges()) {
        imported.note += imported.note.empty() ? "free: every rate is 0" : "; free: every rate is 0";
      }
      prices.push_back(std::move(imported));
    }
    std::move(prices.begin(), prices.end(), std::back_inserter(catalog.prices));
    return std::nullopt;
  }
};

/// Google sells Gemini on two surfaces. The surface is part of the SKU only where the catalog has the model on both.
void settle_surfaces(std::vector<ImportedPrice>& prices) {
  std::set<std::string> on_both;
  for (const ImportedPrice& price : prices) {
    if (price.sku.provider == "google" && price.sku.surface.empty()) {
      on_both.insert(price.sku.model);
    }
  }
  for (ImportedPrice& price : prices) {
    if (!price.sku.surface.empty() && on_both.find(price.sku.model) == on_both.end()) {
      price.sku.surface.clear();
    }
  }
}

}  // namespace

Result<ImportedCatalog> read_litellm(std::string_view document) {
  Reader reader;
  constexpr int depth = 12;
  if (std::optional<Error> error = read_json(document, {max_catalog_bytes, depth}, reader)) {
    return *std::move(error);
  }
  settle_surfaces(reader.catalog.prices);
  return std::move(reader.catalog);
}

}  // namespace spend

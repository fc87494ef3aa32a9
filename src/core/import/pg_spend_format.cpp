#include "core/import/pg_spend_format.hpp"

#include <array>
#include <optional>
#include <utility>

#include "core/error_text.hpp"
#include "core/import/entry_stream.hpp"
#include "core/price_reader.hpp"
#include "core/sku_key.hpp"
#include "core/text_key.hpp"
#include "core/timestamp_text.hpp"

namespace spend {

namespace {

Error invalid(const std::string& what) {
  return {ErrorKind::invalid_value, what, "", ""};
}

/// Reads one member of an entry that is text.
std::optional<Error> read_text(ImportedPrice& price, const std::string& key, const std::string& value) {
  const std::array<std::pair<std::string_view, std::string*>, 7> fields = {{{"provider", &price.sku.provider},
                                                                            {"model", &price.sku.model},
                                                                            {"surface", &price.sku.surface},
                                                                            {"region", &price.sku.region},
                                                                            {"service_tier", &price.sku.service_tier},
                                                                            {"speed", &price.sku.speed},
                                                                            {"variant", &price.sku.variant}}};
  for (const auto& [name, field] : fields) {
    if (name == key) {
      *field = text_key(value);
      return std::nullopt;
    }
  }
  if (key == "source") {
    price.source = value;
    return std::nullopt;
  }
  if (key != "valid_from" && key != "valid_until" && key != "checked") {
    return invalid("unknown key " + quoted(key));
  }
  const Result<Timestamp> time = parse_timestamp(value);
  if (!time.ok()) {
    return invalid(key + ": " + time.error().message);
  }
  if (key == "valid_from") {
    price.has_start = *time != timestamp_min;
    price.valid_from = *time;
  } else if (key == "valid_until") {
    price.valid_until = *time;
  } else {
    price.checked = *time;
  }
  return std::nullopt;
}

class Reader final : public EntryStream {
 public:
  ImportedCatalog catalog;
  Timestamp checked = timestamp_max;
  bool has_prices = false;

 protected:
  Result<bool> descends(const Path& path, bool is_object) override {
    if (path.size() == 1 && !is_object) {
      return wrong_shape();
    }
    const bool is_list = path.size() == 2 && path[1] == "prices" && !is_object;
    has_prices = has_prices || is_list;
    return path.size() == 1 || is_list;
  }
  Outcome on_left(const Path& /*path*/) override { return std::nullopt; }
  Outcome on_entry(const Path& path, const Json& value) override {
    if (path.size() == 1 || (path.size() == 2 && path[1] == "prices")) {
      return wrong_shape();
    }
    if (path.size() == 2) {
      return read_header(path[1], value);
    }
    ImportedPrice price;
    if (std::optional<Error> error = read_entry(value, price)) {
      catalog.quarantined.push_back(
          {"prices[" + std::to_string(count_) + "]", price.sku.provider, price.sku.model, error->message});
    } else {
      price.name = price.sku.provider + "/" + price.sku.model;
      catalog.prices.push_back(std::move(price));
    }
    ++count_;
    return std::nullopt;
  }

 private:
  static Error wrong_shape() {
    return {ErrorKind::invalid_text, "a pg_spend catalog must be an object with an array \"prices\"", "", ""};
  }

  Outcome read_header(const std::string& key, const Json& value) {
    if (key == "format" && value.text != "pg_spend") {
      return invalid("the document's format is " + quoted(value.text) + ", not \"pg_spend\"");
    }
    if (key == "version" && value.text != "1") {
      return invalid("version " + quoted(value.text) + " of the pg_spend catalog is not known");
    }
    if (key == "checked") {
      const Result<Timestamp> time = parse_timestamp(value.text);
      if (!time.ok()) {
        return invalid("\"checked\": " + time.error().message);
      }
      checked = *time;
    }
    return std::nullopt;
  }

  static std::optional<Error> read_entry(const Json& value, ImportedPrice& price) {
    if (value.type != Json::Type::object) {
      return invalid("not an object");
    }
    const Json* terms = nullptr;
    for (const auto& [key, part] : value.members) {
      if (key == "price") {
        terms = &part;
      } else if (part.type != Json::Type::string) {
        return invalid(quoted(key) + " must be a string");
      } else if (std::optional<Error> error = read_text(price, key, part.text)) {
        return error;
      }
    }
    price.sku.service_tier = canonical_service_tier(price.sku.service_tier);
    if (terms == nullptr || price.sku.provider.empty() || price.sku.model.empty()) {
      return invalid("provider, model and price are required");
    }
    if (price.valid_from >= price.valid_until) {
      return invalid("\"valid_until\" must be later than \"valid_from\"");
    }
    Result<Price> read = PriceReader::read(*terms, "price");
    if (!read.ok()) {
      return std::move(read).error();
    }
    price.price = *std::move(read);
    return std::nullopt;
  }

  std::size_t count_ = 0;
};

}  // namespace

Result<ImportedCatalog> read_pg_spend_catalog(std::string_view document) {
  Reader reader;
  constexpr int depth = 16;
  if (std::optional<Error> error = read_json(document, {max_catalog_bytes, depth}, reader)) {
    return *std::move(error);
  }
  if (!reader.has_prices) {
    return Error{ErrorKind::invalid_text, "a pg_spend catalog must be an object with an array \"prices\"", "", ""};
  }
  for (ImportedPrice& price : reader.catalog.prices) {
    if (price.checked == timestamp_max) {
      price.checked = reader.checked;
    }
  }
  return std::move(reader.catalog);
}

}  // namespace spend

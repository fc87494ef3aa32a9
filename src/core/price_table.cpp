#include "core/price_table.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/attribution.hpp"
#include "core/error_text.hpp"
#include "core/image.hpp"
#include "core/json.hpp"
#include "core/json_reader.hpp"
#include "core/price_reader.hpp"
#include "core/sku_key.hpp"
#include "core/timestamp_text.hpp"

namespace spend {

namespace {

/// Parts of one entry at most: more than a price of the largest size can have.
constexpr std::size_t max_nodes_per_entry = 64 * 1024;
constexpr int json_depth = 12;

std::string entry_path(std::size_t index) {
  return "prices[" + std::to_string(index) + "]";
}

Error entry_error(std::size_t index, ErrorKind kind, const std::string& what) {
  return {kind, "invalid price table at " + quoted(entry_path(index)) + ": " + what, "", ""};
}

std::string* sku_field(Sku& sku, std::string_view name) {
  if (name == "provider") {
    return &sku.provider;
  }
  if (name == "model") {
    return &sku.model;
  }
  if (name == "surface") {
    return &sku.surface;
  }
  if (name == "region") {
    return &sku.region;
  }
  if (name == "service_tier") {
    return &sku.service_tier;
  }
  if (name == "speed") {
    return &sku.speed;
  }
  return name == "variant" ? &sku.variant : nullptr;
}

std::string describe(const PriceEntry& entry) {
  std::string text = quoted(entry.sku.provider) + " " + quoted(entry.sku.model);
  for (const std::string* const part :
       {&entry.sku.surface, &entry.sku.region, &entry.sku.service_tier, &entry.sku.speed, &entry.sku.variant}) {
    if (!part->empty()) {
      text += " " + quoted(*part);
    }
  }
  return text + " from " + timestamp_text(entry.valid_from) + " until " + timestamp_text(entry.valid_until);
}

Result<PriceEntry> read_entry(const Json& json, std::size_t index) {
  PriceEntry entry;
  bool has_price = false;
  for (const auto& [key, value] : json.members) {
    if (key == "price") {
      Result<Price> price = PriceReader::read(value, entry_path(index) + ".price");
      if (!price.ok()) {
        return std::move(price).error();
      }
      entry.price = *std::move(price);
      has_price = true;
      continue;
    }
    const bool is_time = key == "valid_from" || key == "valid_until";
    std::string* const field = sku_field(entry.sku, key);
    if (field == nullptr && !is_time) {
      return entry_error(index, ErrorKind::invalid_value, "unknown key " + quoted(key));
    }
    if (value.type != Json::Type::string) {
      return entry_error(index, ErrorKind::invalid_text, quoted(key) + " must be a string");
    }
    if (field != nullptr) {
      *field = value.text;
      continue;
    }
    const Result<Timestamp> time = parse_timestamp(value.text);
    if (!time.ok()) {
      Error error = entry_error(index, time.error().kind, time.error().message);
      error.detail = time.error().detail;
      error.hint = time.error().hint;
      return error;
    }
    (key == "valid_from" ? entry.valid_from : entry.valid_until) = *time;
  }
  if (!has_price) {
    return entry_error(index, ErrorKind::invalid_value, "\"price\" is missing");
  }
  return entry;
}

/// Reads a table entry by entry: as one tree, 16 MB of JSON would take gigabytes.
class TableReader final : public JsonEvents {
 public:
  std::vector<PriceEntry> entries;

  Outcome on_null() override {
    return scalar([&] { return entry_->on_null(); });
  }
  Outcome on_boolean(bool value) override {
    return scalar([&] { return entry_->on_boolean(value); });
  }
  Outcome on_number(std::string_view text) override {
    return scalar([&] { return entry_->on_number(text); });
  }
  Outcome on_string(std::string_view text) override {
    return scalar([&] { return entry_->on_string(text); });
  }
  Outcome on_key(std::string_view text) override {
    if (entry_.has_value()) {
      return entry_->on_key(text);
    }
    if (text != "prices") {
      return Error{ErrorKind::invalid_value, "invalid price table: unknown key " + quoted(text), "", ""};
    }
    return has_prices_ ? Outcome(duplicate_key_error(text)) : std::nullopt;
  }
  Outcome on_object_start() override {
    if (entry_.has_value()) {
      return entry_->on_object_start();
    }
    if (place_ == Place::before) {
      place_ = Place::table;
      return std::nullopt;
    }
    if (place_ != Place::prices) {
      return wrong_shape();
    }
    if (entries.size() == PriceTable::max_entries) {
      return Error{ErrorKind::limit_exceeded,
                   "price table has more than " + std::to_string(PriceTable::max_entries) + " prices", "", ""};
    }
    entry_.emplace(max_nodes_per_entry);
    return entry_->on_object_start();
  }
  Outcome on_object_end() override {
    if (!entry_.has_value()) {
      return has_prices_ ? std::nullopt : Outcome(wrong_shape());
    }
    Outcome outcome = entry_->on_object_end();
    if (outcome.has_value() || !entry_->complete()) {
      return outcome;
    }
    Result<PriceEntry> entry = read_entry(entry_->take(), entries.size());
    entry_.reset();
    if (!entry.ok()) {
      return std::move(entry).error();
    }
    entries.push_back(*std::move(entry));
    return std::nullopt;
  }
  Outcome on_array_start() override {
    if (entry_.has_value()) {
      return entry_->on_array_start();
    }
    if (place_ != Place::table) {
      return wrong_shape();
    }
    place_ = Place::prices;
    has_prices_ = true;
    return std::nullopt;
  }
  Outcome on_array_end() override {
    if (entry_.has_value()) {
      return entry_->on_array_end();
    }
    place_ = Place::table;
    return std::nullopt;
  }

 private:
  enum class Place : std::uint8_t { before, table, prices };

  template <typename Forward>
  Outcome scalar(Forward forward) {
    return entry_.has_value() ? forward() : Outcome(wrong_shape());
  }
  static Error wrong_shape() {
    return {ErrorKind::invalid_text, "a price table must be an object with an array \"prices\" of objects", "",
            "Write {\"prices\": [{\"provider\": \"openai\", \"model\": \"gpt-4o\", \"price\": {...}}]}."};
  }

  Place place_ = Place::before;
  bool has_prices_ = false;
  std::optional<JsonBuilder> entry_;
};

std::optional<Error> check_entry(const PriceEntry& entry, std::size_t index) {
  if (text_key(entry.sku.provider).empty() || text_key(entry.sku.model).empty()) {
    return entry_error(index, ErrorKind::invalid_value, "\"provider\" and \"model\" must not be empty");
  }
  if (!is_writable_timestamp(entry.valid_from) || !is_writable_timestamp(entry.valid_until)) {
    return entry_error(index, ErrorKind::out_of_range, "timestamps must lie in the years 0001 to 9999");
  }
  if (entry.valid_from >= entry.valid_until) {
    return entry_error(index, ErrorKind::invalid_value, "\"valid_until\" must be later than \"valid_from\"");
  }
  return std::nullopt;
}

std::optional<Error> check_overlaps(const std::vector<PriceEntry>& entries) {
  std::vector<std::pair<std::string, const PriceEntry*>> by_key;
  by_key.reserve(entries.size());
  for (const PriceEntry& entry : entries) {
    by_key.emplace_back(sku_key(entry.sku), &entry);
  }
  std::sort(by_key.begin(), by_key.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.second->valid_from < b.second->valid_from;
  });
  for (std::size_t i = 1; i < by_key.size(); ++i) {
    const auto& [key, entry] = by_key[i];
    const auto& [previous_key, previous] = by_key[i - 1];
    if (key == previous_key && entry->valid_from < previous->valid_until) {
      return Error{ErrorKind::invalid_value, "two prices of one SKU overlap in the price table",
                   "They are " + describe(*previous) + ", and " + describe(*entry) + ".", ""};
    }
  }
  return std::nullopt;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += ", \"";
  out += name;
  out += "\": ";
  out += json_quote(value);
}

void append_entry(std::string& out, const PriceEntry& entry) {
  out += R"({"provider": )";
  out += json_quote(entry.sku.provider);
  append_field(out, "model", entry.sku.model);
  const std::pair<std::string_view, const std::string*> optional_parts[] = {
      {"surface", &entry.sku.surface}, {"region", &entry.sku.region},   {"service_tier", &entry.sku.service_tier},
      {"speed", &entry.sku.speed},     {"variant", &entry.sku.variant},
  };
  for (const auto& [name, value] : optional_parts) {
    if (!value->empty() && !(name == "service_tier" && *value == "standard")) {
      append_field(out, name, *value);
    }
  }
  if (entry.valid_from != timestamp_min) {
    append_field(out, "valid_from", timestamp_text(entry.valid_from));
  }
  if (entry.valid_until != timestamp_max) {
    append_field(out, "valid_until", timestamp_text(entry.valid_until));
  }
  out += R"(, "price": )";
  out += entry.price.to_json();
  out += '}';
}

Error bad_image(const char* detail) {
  return {ErrorKind::invalid_binary, "invalid binary price_table", detail, ""};
}

}  // namespace

Result<PriceTable> PriceTable::from_json(std::string_view json) {
  TableReader reader;
  if (std::optional<Error> error = read_json(json, {max_json_bytes, json_depth}, reader)) {
    return *std::move(error);
  }
  return from_entries(std::move(reader.entries));
}

Result<PriceTable> PriceTable::from_entries(std::vector<PriceEntry> entries) {
  if (entries.size() > max_entries) {
    return Error{ErrorKind::limit_exceeded, "price table has more than " + std::to_string(max_entries) + " prices", "",
                 ""};
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].sku.service_tier.empty()) {
      entries[i].sku.service_tier = "standard";
    }
    entries[i].price_id = 0;
    if (std::optional<Error> error = check_entry(entries[i], i)) {
      return *std::move(error);
    }
  }
  if (std::optional<Error> error = check_overlaps(entries)) {
    return *std::move(error);
  }
  std::sort(entries.begin(), entries.end(), [](const PriceEntry& a, const PriceEntry& b) {
    const std::strong_ordering order = a.sku <=> b.sku;
    return order != 0 ? order < 0 : a.valid_from < b.valid_from;
  });
  PriceTable table;
  table.entries_ = std::move(entries);
  // A value that its own input function refuses could not be restored from a dump.
  if (const std::size_t bytes = table.to_json().size(); bytes > max_json_bytes) {
    return Error{ErrorKind::limit_exceeded, "price table is too large",
                 "Its text has " + std::to_string(bytes) + " bytes; at most " + std::to_string(max_json_bytes) +
                     " are accepted.",
                 ""};
  }
  return table;
}

std::string PriceTable::to_json() const {
  std::string result = R"({"prices": [)";
  bool first = true;
  for (const PriceEntry& entry : entries_) {
    result += first ? "" : ", ";
    first = false;
    append_entry(result, entry);
  }
  result += "]}";
  return result;
}

Result<PriceTable> PriceTable::from_wire(std::span<const std::byte> wire) {
  ByteReader reader(wire);
  if (!reader.header()) {
    return bad_image("The version is not known.");
  }
  const std::string_view json = *reader.text(reader.left());
  Result<PriceTable> table = from_json(json);
  if (!table.ok()) {
    Error error = std::move(table).error();
    error.kind = ErrorKind::invalid_binary;
    return error;
  }
  if (table->to_json() != json) {
    return bad_image("The text is not in canonical form.");
  }
  return table;
}

std::string PriceTable::to_wire() const {
  return image_header() + to_json();
}

std::string PriceTable::to_storage() const {
  const std::string json = to_json();
  const Hash128 digest = content_hash(json);
  std::string image = image_header();
  image.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  image += json;
  return image;
}

Result<PriceTable> PriceTable::from_storage(std::span<const std::byte> storage) {
  ByteReader reader(storage);
  if (!reader.header() || !reader.text(sizeof(Hash128)).has_value()) {
    return bad_image("The version is not known.");
  }
  // What to_storage() wrote is in order and free of overlaps: proving that again would double the time of the first
  // use.
  TableReader entries;
  if (std::optional<Error> error = read_json(*reader.text(reader.left()), {max_json_bytes, json_depth}, entries)) {
    return *std::move(error);
  }
  PriceTable table;
  table.entries_ = std::move(entries.entries);
  return table;
}

}  // namespace spend

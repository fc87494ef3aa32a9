#include "core/usage.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/error_text.hpp"
#include "core/image.hpp"
#include "core/json.hpp"
#include "core/json_reader.hpp"
#include "core/meter_table.hpp"

namespace spend {

namespace {

constexpr const MeterInfo* requests = &meter_table[meter_index("requests")];

/// Canonical order; the same as meter_less(), without its look-ups.
bool entry_before(const MeterInfo* known_a, std::string_view a, const MeterInfo* known_b, std::string_view b) {
  if (known_a != nullptr || known_b != nullptr) {
    return known_b == nullptr || (known_a != nullptr && known_a < known_b);
  }
  return a < b;
}

bool entry_less(const Usage::Entry& a, const Usage::Entry& b) {
  return entry_before(a.known, a.custom_name, b.known, b.custom_name);
}

/// A zero is stored only where it says more than absence: "none of the cached tokens is audio" settles what a missing
/// intersection leaves open, and requests that are not counted are one.
bool is_stored(const MeterInfo* known, const Decimal& quantity) {
  return !quantity.is_zero() || (known != nullptr && (!known->parents[1].empty() || known == requests));
}

Usage::Entry make_entry(std::string_view meter, Decimal quantity) {
  Usage::Entry entry;
  entry.known = find_meter(meter);
  if (entry.known == nullptr) {
    entry.custom_name = meter;
  }
  entry.quantity = quantity;
  return entry;
}

Error too_many_meters() {
  return {ErrorKind::limit_exceeded, "token_usage has too many meters",
          "At most " + std::to_string(Usage::max_meters) + " are accepted.", ""};
}

/// Reads the flat object of a usage without building a tree: it is parsed once per row.
class UsageReader final : public JsonEvents {
 public:
  std::vector<Usage::Entry> entries;

  Outcome on_null() override { return wrong_value("null"); }
  Outcome on_boolean(bool value) override { return wrong_value(value ? "true" : "false"); }
  Outcome on_number(std::string_view text) override { return quantity(text); }
  Outcome on_string(std::string_view text) override { return quantity(text); }
  Outcome on_key(std::string_view text) override {
    if (!is_meter_name(text)) {
      return Error{ErrorKind::invalid_value, "invalid meter name " + quoted(text), "",
                   "A meter name has 1 to 63 characters of a-z, 0-9 and _ and starts with a letter."};
    }
    if (entries.size() >= Usage::max_meters) {
      return too_many_meters();
    }
    entries.push_back(make_entry(text, Decimal()));
    return std::nullopt;
  }
  Outcome on_object_start() override {
    if (inside_) {
      return wrong_value("an object");
    }
    inside_ = true;
    return std::nullopt;
  }
  Outcome on_object_end() override { return std::nullopt; }
  Outcome on_array_start() override { return wrong_value("an array"); }
  Outcome on_array_end() override { return std::nullopt; }

 private:
  Outcome wrong_value(const char* what) const {
    if (!inside_) {
      return not_an_object();
    }
    return Error{ErrorKind::invalid_text,
                 "quantity of meter " + quoted(entries.back().meter()) + " must be a number, not " + what, "", ""};
  }
  static Error not_an_object() {
    return {ErrorKind::invalid_text, "token_usage must be a JSON object", "",
            "Write meters and quantities, such as {\"input_tokens\": 1200, \"output_tokens\": 350}."};
  }
  Outcome quantity(std::string_view text) {
    if (!inside_) {
      return not_an_object();
    }
    Result<Decimal> parsed = Decimal::parse(text);
    if (!parsed.ok()) {
      Error error = std::move(parsed).error();
      error.message = "meter " + quoted(entries.back().meter()) + ": " + error.message;
      return error;
    }
    entries.back().quantity = *parsed;
    return std::nullopt;
  }

  bool inside_ = false;
};

Error sum_error(const Usage::Entry& entry, const Error& cause) {
  return {ErrorKind::out_of_range, "sum of meter " + quoted(entry.meter()) + " is out of range", cause.detail, ""};
}

Error bad_image(const char* detail) {
  return {ErrorKind::invalid_binary, "invalid binary token_usage", detail, ""};
}

void append_entry(std::string& out, const Usage::Entry& entry) {
  const std::string_view name = entry.meter();
  append_integer(out, static_cast<std::uint8_t>(name.size()));
  out += name;
  const u128 coefficient = entry.quantity.coefficient();
  std::size_t bytes = 0;
  for (u128 rest = coefficient; rest != 0; rest >>= 8U) {
    ++bytes;
  }
  append_integer(out, static_cast<std::uint8_t>(entry.quantity.scale()));
  append_integer(out, static_cast<std::uint8_t>(bytes));
  append_integer(out, coefficient, bytes);
}

/// A decimal as append_entry writes it: minimal bytes, normalised.
std::optional<Decimal> read_decimal(ByteReader& reader) {
  const std::optional<std::uint8_t> scale = reader.integer<std::uint8_t>();
  const std::optional<std::uint8_t> bytes = reader.integer<std::uint8_t>();
  if (!scale.has_value() || !bytes.has_value() || *scale > Decimal::max_scale || *bytes > sizeof(u128)) {
    return std::nullopt;
  }
  const std::optional<u128> coefficient = reader.integer<u128>(*bytes);
  if (!coefficient.has_value() || (*bytes > 0 && (*coefficient >> (8U * (*bytes - 1U))) == 0)) {
    return std::nullopt;
  }
  const Result<Decimal> value = Decimal::from_parts(*coefficient, *scale);
  if (!value.ok() || value->coefficient() != *coefficient || value->scale() != *scale) {
    return std::nullopt;
  }
  return *value;
}

}  // namespace

Result<Usage> Usage::from_json(std::string_view json) {
  UsageReader reader;
  reader.entries.reserve(4);
  if (std::optional<Error> error = read_json(json, {max_json_bytes, 2}, reader)) {
    return *std::move(error);
  }
  std::sort(reader.entries.begin(), reader.entries.end(), entry_less);
  for (std::size_t i = 1; i < reader.entries.size(); ++i) {
    if (!entry_less(reader.entries[i - 1], reader.entries[i])) {
      return Error{ErrorKind::invalid_value, "meter " + quoted(reader.entries[i].meter()) + " occurs twice", "", ""};
    }
  }
  std::erase_if(reader.entries, [](const Entry& entry) { return !is_stored(entry.known, entry.quantity); });
  Usage usage;
  usage.entries_ = std::move(reader.entries);
  return usage;
}

std::string Usage::to_json() const {
  std::string result = "{";
  for (const Entry& entry : entries_) {
    if (result.size() > 1) {
      result += ", ";
    }
    // A meter name needs no escapes, see is_meter_name().
    result += '"';
    result += entry.meter();
    result += "\": ";
    result += entry.quantity.to_string();
  }
  result += '}';
  return result;
}

std::string Usage::to_image() const {
  // Entries go in byte order of their names, not in meter order: stored images stay valid when the registry grows.
  std::vector<const Entry*> sorted;
  sorted.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    sorted.push_back(&entry);
  }
  std::sort(sorted.begin(), sorted.end(), [](const Entry* a, const Entry* b) { return a->meter() < b->meter(); });
  std::string image = image_header();
  append_integer(image, static_cast<std::uint16_t>(sorted.size()));
  for (const Entry* entry : sorted) {
    append_entry(image, *entry);
  }
  return image;
}

Result<Usage> Usage::from_image(std::span<const std::byte> image) {
  ByteReader reader(image);
  if (!reader.header()) {
    return bad_image("The version is not known.");
  }
  const std::optional<std::uint16_t> count = reader.integer<std::uint16_t>();
  if (!count.has_value() || *count > max_meters) {
    return bad_image("The number of meters is missing or too large.");
  }
  Usage usage;
  usage.entries_.reserve(*count);
  std::string_view previous;
  for (std::size_t i = 0; i < *count; ++i) {
    const std::optional<std::uint8_t> length = reader.integer<std::uint8_t>();
    const std::optional<std::string_view> name = length.has_value() ? reader.text(*length) : std::nullopt;
    if (!name.has_value() || !is_meter_name(*name) || *name <= previous) {
      return bad_image("A meter name is missing, malformed or out of order.");
    }
    previous = *name;
    const std::optional<Decimal> quantity = read_decimal(reader);
    if (!quantity.has_value()) {
      return bad_image("A quantity is missing or not in canonical form.");
    }
    Entry entry = make_entry(*name, *quantity);
    if (!is_stored(entry.known, entry.quantity)) {
      return bad_image("A quantity of zero is not stored.");
    }
    usage.entries_.push_back(std::move(entry));
  }
  if (reader.left() != 0) {
    return bad_image("Bytes follow the last meter.");
  }
  std::sort(usage.entries_.begin(), usage.entries_.end(), entry_less);
  return usage;
}

void Usage::set(std::string_view meter, Decimal quantity) {
  if (const MeterInfo* const known = find_meter(meter)) {
    set(*known, quantity);
    return;
  }
  Entry entry;
  entry.custom_name = meter;
  entry.quantity = quantity;
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), entry, entry_less);
  const bool found = place != entries_.end() && place->known == nullptr && place->custom_name == meter;
  if (found && quantity.is_zero()) {
    entries_.erase(place);
  } else if (found) {
    place->quantity = quantity;
  } else if (!quantity.is_zero()) {
    entries_.insert(place, std::move(entry));
  }
}

void Usage::set(const MeterInfo& meter, Decimal quantity) {
  auto place = entries_.begin();
  while (place != entries_.end() && place->known != nullptr && place->known < &meter) {
    ++place;
  }
  const bool found = place != entries_.end() && place->known == &meter;
  const bool stored = is_stored(&meter, quantity);
  if (found && stored) {
    place->quantity = quantity;
  } else if (found) {
    entries_.erase(place);
  } else if (stored) {
    Entry entry;
    entry.known = &meter;
    entry.quantity = quantity;
    entries_.insert(place, std::move(entry));
  }
}

std::optional<Error> Usage::add(const Usage& other) {
  bool all_present = false;
  std::optional<Error> error = add_in_place(other, all_present);
  return all_present ? error : add_merging(other);
}

std::optional<Error> Usage::add_in_place(const Usage& other, bool& all_present) {
  constexpr std::size_t most = 16;
  std::array<std::pair<Decimal*, Decimal>, most> sums;
  std::size_t count = 0;
  auto place = entries_.begin();
  for (const Entry& entry : other.entries_) {
    while (place != entries_.end() && entry_less(*place, entry)) {
      ++place;
    }
    if (place == entries_.end() || entry_less(entry, *place) || count == most) {
      return std::nullopt;
    }
    const Result<Decimal> sum = spend::add(place->quantity, entry.quantity);
    if (!sum.ok()) {
      all_present = true;
      return sum_error(entry, sum.error());
    }
    sums[count++] = {&place->quantity, *sum};
  }
  all_present = true;
  for (std::size_t i = 0; i < count; ++i) {
    *sums[i].first = sums[i].second;
  }
  return std::nullopt;
}

std::optional<Error> Usage::add_merging(const Usage& other) {
  std::vector<Entry> merged;
  merged.reserve(entries_.size() + other.entries_.size());
  auto left = entries_.cbegin();
  auto right = other.entries_.cbegin();
  while (left != entries_.cend() || right != other.entries_.cend()) {
    if (right == other.entries_.cend() || (left != entries_.cend() && entry_less(*left, *right))) {
      merged.push_back(*left++);
      continue;
    }
    if (left == entries_.cend() || entry_less(*right, *left)) {
      merged.push_back(*right++);
      continue;
    }
    const Result<Decimal> sum = spend::add(left->quantity, right->quantity);
    if (!sum.ok()) {
      return sum_error(*left, sum.error());
    }
    merged.push_back(*left++);
    merged.back().quantity = *sum;
    ++right;
  }
  if (merged.size() > max_meters) {
    return too_many_meters();
  }
  entries_ = std::move(merged);
  return std::nullopt;
}

const Decimal* Usage::find(std::string_view meter) const {
  for (const Entry& entry : entries_) {
    if (entry.meter() == meter) {
      return &entry.quantity;
    }
  }
  return nullptr;
}

bool operator==(const Usage& a, const Usage& b) {
  return std::equal(a.entries_.begin(), a.entries_.end(), b.entries_.begin(), b.entries_.end(),
                    [](const Usage::Entry& x, const Usage::Entry& y) {
                      return x.known == y.known && x.custom_name == y.custom_name && x.quantity == y.quantity;
                    });
}

}  // namespace spend

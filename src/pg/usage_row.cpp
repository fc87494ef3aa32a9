#include "pg/usage_row.hpp"

#include "core/lattice_shape.hpp"
#include "core/meters.hpp"
#include "core/plain_counts.hpp"
#include "core/scope.hpp"
#include "core/short_text.hpp"
#include "pg/numeric.hpp"
#include "pg/tables.hpp"
#include "pg/values.hpp"

extern "C" {
#include "utils/datum.h"
}

namespace spend {

UsageColumns UsageColumns::of(TupleDesc descriptor) {
  UsageColumns columns;
  const auto at = [&](const char* name) { return column(descriptor, name); };
  columns.usage_id = at("usage_id");
  columns.occurred_at = at("occurred_at");
  columns.started_at = at("started_at");
  columns.recorded_at = at("recorded_at");
  columns.timing = at("timing");
  columns.enforced_at = at("enforced_at");
  columns.tags = at("tags");
  columns.run_id = at("run_id");
  columns.request_id = at("request_id");
  columns.provider = at("provider");
  columns.request_model = at("request_model");
  columns.response_model = at("response_model");
  columns.service_tier = at("service_tier");
  columns.region = at("region");
  columns.surface = at("surface");
  columns.speed = at("speed");
  columns.variant = at("variant");
  columns.source = at("source");
  columns.idempotency_key = at("idempotency_key");
  columns.hold_id = at("hold_id");
  columns.other_usage = at("other_usage");
  columns.reported_cost = at("reported_cost");
  columns.reported_currency = at("reported_currency");
  columns.cost = at("cost");
  columns.list_cost = at("list_cost");
  columns.currency = at("currency");
  columns.price_id = at("price_id");
  columns.pricing_status = at("pricing_status");
  columns.pricing_reason = at("pricing_reason");
  columns.matched_by = at("matched_by");
  columns.computed_cost = at("computed_cost");
  columns.attribution_id = at("attribution_id");
  columns.price_term_ids = at("price_term_ids");
  columns.operation = at("operation");
  columns.route = at("route");
  columns.purpose = at("purpose");
  columns.attempt = at("attempt");
  columns.fallback_of = at("fallback_of");
  columns.status = at("status");
  columns.accepted = at("accepted");
  columns.human_reviewed = at("human_reviewed");
  columns.blocked_reason = at("blocked_reason");
  columns.response_cache_hit = at("response_cache_hit");
  for (std::size_t i = 0; i < dimension_columns.size(); ++i) {
    columns.dimensions[i] = at(dimension_columns[i]);
  }
  for (std::size_t i = 0; i < row_dimension_columns.size(); ++i) {
    columns.row_dimensions[i] = at(row_dimension_columns[i]);
  }
  for (std::size_t i = 0; i < meter_names.size(); ++i) {
    columns.meters[i] = at(meter_names[i]);
  }
  columns.unpriced_counts = {at("agent_steps"), at("original_input_tokens")};
  // Rollups are keyed and summed by columns from one end of the row to the other.
  columns.last_accounted = std::max({columns.occurred_at, columns.recorded_at, columns.hold_id, columns.list_cost,
                                     columns.price_id, columns.pricing_status, columns.pricing_reason});
  return columns;
}

namespace {

// Keyed by the tuple descriptor's identity: a changed definition gives the relcache entry a new descriptor, and the
// relation's oid and column count guard against an address used again.
struct KnownColumns {
  Oid relation;
  TupleDesc descriptor;
  int attributes;
  UsageColumns columns;
};
std::unordered_map<Oid, KnownColumns> known_columns;
const KnownColumns* last_columns = nullptr;  // rows come in bunches of one leaf

}  // namespace

const UsageColumns& usage_columns(Relation leaf) {
  const Oid oid = RelationGetRelid(leaf);
  const TupleDesc descriptor = RelationGetDescr(leaf);
  const auto is_current = [&](const KnownColumns& known) {
    return known.relation == oid && known.descriptor == descriptor && known.attributes == descriptor->natts;
  };
  if (last_columns != nullptr && is_current(*last_columns)) {
    return last_columns->columns;
  }
  const auto found = known_columns.find(oid);
  if (found != known_columns.end() && is_current(found->second)) {
    last_columns = &found->second;
    return last_columns->columns;
  }
  last_columns = nullptr;
  if (known_columns.size() > 1000) {
    known_columns.clear();
  }
  KnownColumns& entry = known_columns[oid];
  entry = KnownColumns{oid, descriptor, descriptor->natts, UsageColumns::of(descriptor)};
  return entry.columns;
}

const UsageColumns* known_usage_columns(Oid leaf, int attributes) {
  if (last_columns == nullptr || last_columns->relation != leaf) {
    const auto found = known_columns.find(leaf);
    if (found == known_columns.end()) {
      return nullptr;
    }
    last_columns = &found->second;
  }
  return last_columns->attributes == attributes ? &last_columns->columns : nullptr;
}

void check_indexed_id(const char* column, std::size_t bytes) {
  if (bytes > longest_indexed_id) {
    raise(
        ERRCODE_INVALID_PARAMETER_VALUE, std::string(column) + " is too long",
        "It has " + std::to_string(bytes) + " bytes; at most " + std::to_string(longest_indexed_id) + " are accepted.",
        "Use a hash of it, and keep the whole text in tags.");
  }
}

void UsageRow::make_arrays() {
  const auto count = static_cast<Size>(descriptor_->natts);
  values_ = static_cast<Datum*>(pg_call([&] { return palloc(count * (sizeof(Datum) + sizeof(bool))); }));
  nulls_ = reinterpret_cast<bool*>(values_ + count);
}

UsageRow::UsageRow(HeapTuple tuple, TupleDesc descriptor, const UsageColumns& columns)
    : descriptor_(descriptor), columns_(columns) {
  make_arrays();
  heap_deform_tuple(tuple, descriptor, values_, nulls_);
}

UsageRow::UsageRow(TupleDesc descriptor, const UsageColumns& columns) : descriptor_(descriptor), columns_(columns) {
  make_arrays();
  std::fill_n(values_, descriptor->natts, Datum{0});
  std::fill_n(nulls_, descriptor->natts, true);
}

UsageRow::UsageRow(TupleTableSlot* slot, TupleDesc descriptor, const UsageColumns& columns)
    : descriptor_(descriptor), columns_(columns), slot_(slot), values_(slot->tts_values), nulls_(slot->tts_isnull) {}

void UsageRow::deform_slot(AttrNumber attribute) const {
  // At once what accounting a row will read.
  const int up_to = std::max(attribute, columns_.last_accounted);
  pg_call([&] { slot_getsomeattrs(slot_, up_to); });
}

UsageRow UsageRow::clone() const {
  deform_to(static_cast<AttrNumber>(descriptor_->natts));
  UsageRow copy = *this;
  copy.slot_ = nullptr;
  copy.make_arrays();
  const auto count = static_cast<Size>(descriptor_->natts);
  std::copy_n(values_, count, copy.values_);
  std::copy_n(nulls_, count, copy.nulls_);
  return copy;
}

void UsageRow::copy(AttrNumber attribute, const UsageRow& from) {
  nulls_[index(attribute)] = from.is_null(attribute);
  values_[index(attribute)] = from.get(attribute);
}

void UsageRow::copy(AttrNumber attribute, AttrNumber from) {
  values_[index(attribute)] = values_[index(from)];
  nulls_[index(attribute)] = nulls_[index(from)];
}

bool UsageRow::same(AttrNumber attribute, const UsageRow& other) const {
  if (is_null(attribute) || other.is_null(attribute)) {
    return is_null(attribute) && other.is_null(attribute);
  }
  const Form_pg_attribute form = TupleDescAttr(descriptor_, attribute - 1);
  const bool by_value = form->attbyval;
  const int length = form->attlen;
  const Datum mine = get(attribute);
  const Datum theirs = other.get(attribute);
  return pg_call([&] { return datum_image_eq(mine, theirs, by_value, length); });
}

HeapTuple UsageRow::form() const {
  deform_to(static_cast<AttrNumber>(descriptor_->natts));
  return pg_call([&] { return heap_form_tuple(descriptor_, values_, nulls_); });
}

namespace {

/// No call has a thousand million million tokens. One such row would overflow the totals of a period and stop every
/// writer after it.
constexpr std::uint64_t count_limit = 1'000'000'000'000'000;

[[noreturn]] void raise_absurd(std::string_view name) {
  raise(Error{ErrorKind::out_of_range,
              std::string(name) + " is out of range",
              "A count is below 1e15 and has at most 18 decimals.",
              {}});
}

Decimal checked_count(Datum datum, const char* name) {
  const NumericValue value = decode_numeric(datum);
  if (value.kind == NumericValue::Kind::nan || value.kind == NumericValue::Kind::infinite) {
    raise(Error{ErrorKind::invalid_value,
                std::string(name) + " must be a finite number",
                {},
                "Leave the column out when the count is not known."});
  }
  if (value.negative) {
    raise(Error{ErrorKind::invalid_value, std::string(name) + " must not be negative",
                value.representable ? "The value is -" + value.magnitude.to_string() + "." : std::string(),
                "To take a row back, delete it or insert the corrected figure; counts never go below zero."});
  }
  if (!value.representable || value.magnitude >= Decimal::from_integer(count_limit)) {
    raise_absurd(name);
  }
  return value.magnitude;
}

}  // namespace

void UsageRow::spread_other_usage() {
  if (is_null(columns_.other_usage)) {
    return;
  }
  Usage rest = usage_of(get(columns_.other_usage));
  bool moved = false;
  for (std::size_t i = 0; i < columns_.meters.size(); ++i) {
    const Decimal* const quantity = is_null(columns_.meters[i]) ? rest.find(UsageColumns::meter_names[i]) : nullptr;
    if (quantity != nullptr) {
      set(columns_.meters[i], encode_numeric(*quantity));
      rest.set(UsageColumns::meter_names[i], Decimal());
      moved = true;
    }
  }
  if (moved && rest.empty()) {
    set_null(columns_.other_usage);
  } else if (moved) {
    set(columns_.other_usage, usage_datum(rest));
  }
}

void UsageRow::set_text(AttrNumber attribute, std::string_view text) {
  if (text.empty()) {
    set_null(attribute);
  } else {
    set(attribute, text_datum(text));
  }
}

const Usage& UsageRow::usage() const {
  static Usage result;  // kept for its memory
  result.clear();
  if (!is_null(columns_.other_usage)) {
    result = usage_of(get(columns_.other_usage));
    for (const Usage::Entry& entry : result.entries()) {
      if (entry.quantity >= Decimal::from_integer(count_limit)) {
        raise_absurd(entry.meter());
      }
    }
  }
  for (std::size_t i = 0; i < columns_.meters.size(); ++i) {
    if (!is_null(columns_.meters[i])) {
      static const std::array<const MeterInfo*, UsageColumns::meter_names.size()> meters = [] {
        std::array<const MeterInfo*, UsageColumns::meter_names.size()> found;
        for (std::size_t k = 0; k < found.size(); ++k) {
          found[k] = find_meter(UsageColumns::meter_names[k]);
        }
        return found;
      }();
      result.set(*meters[i], checked_count(get(columns_.meters[i]), UsageColumns::meter_names[i]));
    }
  }
  for (std::size_t i = 0; i < columns_.unpriced_counts.size(); ++i) {
    if (!is_null(columns_.unpriced_counts[i])) {
      checked_count(get(columns_.unpriced_counts[i]), i == 0 ? "agent_steps" : "original_input_tokens");
    }
  }
  return result;
}

bool UsageRow::read_plain(PlainCounts& counts) const {
  static constexpr auto meters = [] {
    std::array<std::size_t, UsageColumns::meter_names.size()> places{};
    for (std::size_t i = 0; i < places.size(); ++i) {
      places[i] = static_cast<std::size_t>(
          std::find_if(meter_table.begin(), meter_table.end(),
                       [&](const MeterInfo& meter) { return meter.name == UsageColumns::meter_names[i]; }) -
          meter_table.begin());
    }
    return places;
  }();
  // That of a meter with two parents is kept: see Usage.
  static_assert(std::all_of(meters.begin(), meters.end(),
                            [](std::size_t meter) { return (lattice::shape.intersections & bit(meter)) == 0; }));
  if (!is_null(columns_.other_usage) || !is_null(columns_.unpriced_counts[0]) ||
      !is_null(columns_.unpriced_counts[1])) {
    return false;
  }
  bool has_any = false;
  for (std::size_t i = 0; i < meters.size(); ++i) {
    if (!is_null(columns_.meters[i])) {
      has_any = true;
      const std::int64_t count = small_count(get(columns_.meters[i]));
      if (count < 0 || count >= static_cast<std::int64_t>(count_limit)) {
        return false;
      }
      if (count != 0) {
        counts.set(meters[i], static_cast<std::uint64_t>(count));
      }
    }
  }
  return has_any;
}

bool UsageRow::has_usage() const {
  return !is_null(columns_.other_usage) ||
         std::any_of(columns_.meters.begin(), columns_.meters.end(), [&](AttrNumber meter) { return !is_null(meter); });
}

SkuQuery UsageRow::sku() const {
  const std::string_view served = text(columns_.response_model);
  return SkuQuery{.provider = text(columns_.provider),
                  .model = served.empty() ? text(columns_.request_model) : served,
                  .surface = text(columns_.surface),
                  .region = text(columns_.region),
                  .service_tier = text(columns_.service_tier),
                  .speed = text(columns_.speed),
                  .variant = text(columns_.variant)};
}

RequestContext UsageRow::request() const {
  RequestContext context;
  context.at = priced_at();
  context.service_tier = text(columns_.service_tier);
  context.region = text(columns_.region);
  context.surface = text(columns_.surface);
  context.speed = text(columns_.speed);
  context.variant = text(columns_.variant);
  return context;
}

Timestamp UsageRow::priced_at() const {
  return timestamp(columns_.started_at, timestamp(columns_.occurred_at, 0));
}

std::string_view UsageRow::tag(const std::string& name) const {
  if (is_null(columns_.tags)) {
    return {};
  }
  struct Value {
    const char* text;
    int length;
  };
  const Datum tags = get(columns_.tags);
  const Value value = pg_call([&]() -> Value {
    Jsonb* object = DatumGetJsonbP(tags);
    if (!JB_ROOT_IS_OBJECT(object)) {
      return {"", 0};
    }
    JsonbValue buffer;
    const JsonbValue* found =
        getKeyJsonValueFromContainer(&object->root, name.data(), static_cast<int>(name.size()), &buffer);
    if (found == nullptr) {
      return {"", 0};
    }
    if (found->type == jbvString) {
      return {found->val.string.val, found->val.string.len};
    }
    if (found->type == jbvNumeric) {
      const char* number = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(found->val.numeric)));
      return {number, static_cast<int>(std::strlen(number))};
    }
    if (found->type == jbvBool) {
      return found->val.boolean ? Value{"true", 4} : Value{"false", 5};
    }
    return {"", 0};
  });
  return {value.text, static_cast<std::size_t>(value.length)};
}

std::string_view UsageRow::dimension(const std::string& name) const {
  const auto column = std::find(dimension_columns.begin(), dimension_columns.end(), name);
  return column == dimension_columns.end()
             ? tag(name)
             : text(columns_.dimensions[static_cast<std::size_t>(column - dimension_columns.begin())]);
}

std::string_view UsageRow::fact(const std::string& name) const {
  if (name == model_dimension) {
    const std::string_view served = text(columns_.response_model);
    return served.empty() ? text(columns_.request_model) : served;
  }
  const auto column = std::find(row_dimension_columns.begin(), row_dimension_columns.end(), name);
  return column == row_dimension_columns.end()
             ? dimension(name)
             : text(columns_.row_dimensions[static_cast<std::size_t>(column - row_dimension_columns.begin())]);
}

std::string UsageRow::row_dimension(const std::string& name) const {
  return dimension_key(name, fact(name));
}

Dimensions UsageRow::dimensions(const DimensionRegistry& registry) const {
  Dimensions result;
  for (std::size_t i = 0; i < dimension_columns.size(); ++i) {
    if (!is_null(columns_.dimensions[i]) && registry.is_rolled_up[i]) {
      result.set(dimension_columns[i], text(columns_.dimensions[i]));
    }
  }
  for (const std::string& name : registry.tags) {
    result.set(name, tag(name));
  }
  return result;
}

std::string_view UsageRow::dimensions_as_sent(const DimensionRegistry& registry, std::span<const std::string> further,
                                              std::span<const std::uint64_t> numbers) const {
  static std::vector<char> bytes;  // kept for its memory
  std::size_t size = 0;
  const auto append = [&](std::size_t kind, std::string_view part) {
    const auto length = static_cast<std::uint32_t>(part.size());
    const std::size_t end = size + 1 + sizeof length + part.size();
    if (end > bytes.size()) {
      bytes.resize(std::max<std::size_t>(1024, 2 * end));
    }
    bytes[size] = static_cast<char>(kind);
    std::memcpy(&bytes[size + 1], &length, sizeof length);
    copy_bytes(part, &bytes[size + 1 + sizeof length]);
    size = end;
  };
  for (std::size_t i = 0; i < dimension_columns.size(); ++i) {
    if (!is_null(columns_.dimensions[i]) && registry.is_rolled_up[i]) {
      append(i, text(columns_.dimensions[i]));
    }
  }
  for (const std::string& name : registry.tags) {
    append(dimension_columns.size(), name);
    append(dimension_columns.size(), tag(name));
  }
  for (const std::string& name : further) {
    append(dimension_columns.size() + 1, fact(name));
  }
  if (!numbers.empty()) {
    append(dimension_columns.size() + 2, {reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()});
  }
  return {bytes.data(), size};
}

}  // namespace spend

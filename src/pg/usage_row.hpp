#pragma once

#include "core/attribution.hpp"
#include "core/price_book.hpp"
#include "core/request_context.hpp"
#include "core/usage.hpp"
#include "pg/dimension_registry.hpp"
#include "pg/prelude.hpp"
#include "pg/values.hpp"

namespace spend {

/// Attribute numbers of the columns of spend.usage in one leaf: leaves may order them differently.
struct UsageColumns {
  AttrNumber usage_id, occurred_at, started_at, recorded_at, tags;
  AttrNumber provider, request_model, response_model, service_tier, region, surface, speed, variant;
  AttrNumber timing, enforced_at;
  AttrNumber source, idempotency_key, hold_id, other_usage, reported_cost, reported_currency;
  AttrNumber cost, list_cost, currency, price_id, pricing_status, pricing_reason, matched_by, computed_cost,
      attribution_id, price_term_ids;
  AttrNumber run_id, request_id;
  AttrNumber operation, route, purpose, attempt, fallback_of, status, accepted, human_reviewed, blocked_reason,
      response_cache_hit;
  std::array<AttrNumber, dimension_columns.size()> dimensions;
  std::array<AttrNumber, row_dimension_columns.size()> row_dimensions;
  /// Columns that hold the quantity of the meter of the same name.
  static constexpr std::array<const char*, 7> meter_names = {
      "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "output_reasoning_tokens",
      "tool_calls",   "retrieval_queries"};
  std::array<AttrNumber, meter_names.size()> meters;
  static consteval std::size_t meter_place(std::string_view name) {
    std::size_t place = 0;
    while (name != meter_names.at(place)) {
      ++place;
    }
    return place;
  }
  /// Further counts that are checked, but not priced.
  std::array<AttrNumber, 2> unpriced_counts;

  AttrNumber last_accounted;  ///< of those that accounting a row reads

  static UsageColumns of(TupleDesc descriptor);
};

/// The columns of a leaf, remembered until its definition changes.
const UsageColumns& usage_columns(Relation leaf);
/// The same where only the leaf's oid is at hand, in a command that has asked for them before: nothing changes the
/// definition of a table under a command that uses it. Null when they are not remembered.
const UsageColumns* known_usage_columns(Oid leaf, int attributes);

/// What an index entry holds, with room to spare.
inline constexpr std::size_t longest_indexed_id = 2000;
/// Raises for an id that the index on its column could not hold: the index's own error says nothing of what to do.
void check_indexed_id(const char* column, std::size_t bytes);

/// One row of spend.usage, deformed. Text is read in place: valid as long as the tuple and the current memory context,
/// which also holds the row's own arrays; or as long as the slot holds the row.
class UsageRow {
 public:
  UsageRow(HeapTuple tuple, TupleDesc descriptor, const UsageColumns& columns);
  /// A row without any value, to be filled.
  UsageRow(TupleDesc descriptor, const UsageColumns& columns);
  /// The row in a slot, deformed as far as it is read: most of the columns are not needed to account a row. In a
  /// virtual slot, which is deformed from the start, what is set here is set there. The descriptor is the leaf's: the
  /// slot's own may be of an anonymous type.
  UsageRow(TupleTableSlot* slot, TupleDesc descriptor, const UsageColumns& columns);

  /// A copy with arrays of its own; the values that they point to are shared.
  UsageRow clone() const;

  const UsageColumns& columns() const { return columns_; }
  TupleDesc descriptor() const { return descriptor_; }
  bool is_null(AttrNumber attribute) const {
    deform_to(attribute);
    return nulls_[index(attribute)];
  }
  Datum get(AttrNumber attribute) const {
    deform_to(attribute);
    return values_[index(attribute)];
  }
  /// '' for NULL: the two are the same in every key of ours.
  std::string_view text(AttrNumber attribute) const {
    if (is_null(attribute)) {
      return {};
    }
    const std::span<const std::byte> bytes = varlena_bytes(values_[index(attribute)]);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  Timestamp timestamp(AttrNumber attribute, Timestamp otherwise) const {
    return is_null(attribute) ? otherwise : DatumGetTimestampTz(values_[index(attribute)]);
  }

  void set(AttrNumber attribute, Datum value) {
    values_[index(attribute)] = value;
    nulls_[index(attribute)] = false;
  }
  void set_null(AttrNumber attribute) { nulls_[index(attribute)] = true; }
  void set_text(AttrNumber attribute, std::string_view text);  ///< NULL for an empty one
  void copy(AttrNumber attribute, const UsageRow& from);
  void copy(AttrNumber attribute, AttrNumber from);
  bool same(AttrNumber attribute, const UsageRow& other) const;
  /// Whether two columns of variable length hold the same datum. False says nothing.
  bool is_same_value(AttrNumber a, AttrNumber b) const { return !is_null(a) && !is_null(b) && get(a) == get(b); }
  /// A tuple with the present values, palloc'd.
  HeapTuple form() const;

  /// Moves quantities that have a column out of other_usage into it, where the column is not set: an app may give all
  /// it knows as one token_usage.
  void spread_other_usage();
  /// The quantities that a price is applied to; valid until the next call. Errors: 22023 for a negative, NaN or
  /// infinite count, naming the column.
  const Usage& usage() const;
  /// The same where it is nothing but whole numbers below the limit of a count, and no other count of the row has to be
  /// checked; else false.
  bool read_plain(PlainCounts& counts) const;
  /// Whether the row carries any quantity at all: no usage is not zero usage.
  bool has_usage() const;
  SkuQuery sku() const;
  /// Whether the row is in sums and counters: it has been accounted (a replica session stores rows that no trigger of
  /// ours has stamped), and spend.void() has not taken it out of them.
  bool is_counted() const { return !is_null(columns_.recorded_at) && !is_voided(); }
  bool is_voided() const { return text(columns_.pricing_status) == voided_status; }
  static constexpr std::string_view voided_status = "voided";
  /// What the conditions of a price test.
  RequestContext request() const;
  /// When the price is chosen: the start of the call where it is known.
  Timestamp priced_at() const;
  Dimensions dimensions(const DimensionRegistry& registry) const;
  /// The same values as sent, with `further` facts and numbers, as bytes in which no two different sets are alike.
  /// Valid until the next call.
  std::string_view dimensions_as_sent(const DimensionRegistry& registry, std::span<const std::string> further,
                                      std::span<const std::uint64_t> numbers) const;
  /// The value of one dimension as sent, rolled up or not; "" when the row has none.
  std::string_view dimension(const std::string& name) const;
  /// The same for any fact: also a column of row_dimension_columns, or the model.
  std::string_view fact(const std::string& name) const;
  /// A fact as it is compared.
  std::string row_dimension(const std::string& name) const;

 private:
  /// The value of a key of `tags`; "" when there is none, or it is no scalar.
  std::string_view tag(const std::string& name) const;
  static std::size_t index(AttrNumber attribute) { return static_cast<std::size_t>(attribute - 1); }
  void deform_to(AttrNumber attribute) const {
    if (slot_ != nullptr && slot_->tts_nvalid < attribute) {
      deform_slot(attribute);
    }
  }
  void deform_slot(AttrNumber attribute) const;
  void make_arrays();

  TupleDesc descriptor_;
  const UsageColumns& columns_;
  TupleTableSlot* slot_ = nullptr;
  Datum* values_;
  bool* nulls_;
};

}  // namespace spend

#include "pg/rollup_totals.hpp"

#include "pg/rollup_days.hpp"
#include "pg/rollup_deltas.hpp"
#include "pg/tables.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// Where sums by attribution and kind go. A session asks the dictionaries once for each id.
class Destinations {
 public:
  Destinations(const CounterUse& use, const LatestState& state, GroupSums& sums)
      : budget_(*use.budget), state_(state), sums_(sums) {
    const std::array<AttrNumber, 1> columns = {kind_id_};
    kind_index_ = index_on(kinds_.get(), columns);
  }

  /// False once a dictionary has lacked an entry.
  bool is_complete() const { return is_complete_; }

  CounterDelta* sums_of(const Hash128& attribution) {
    const auto [place, is_new] = by_attribution_.try_emplace(attribution, nullptr);
    if (is_new) {
      if (attribution == Hash128{}) {
        place->second = sums_.sums_of({});
      } else if (const Attribution* const known = find_attribution(attribution)) {
        place->second = sums_.sums_of(known->dimensions);
      } else {
        is_complete_ = false;
      }
    }
    return place->second;
  }

  /// Whether prices of the kind are in the budget's currency.
  bool is_in_currency(const Hash128& kind) {
    const auto [place, is_new] = by_kind_.try_emplace(kind, false);
    if (is_new) {
      const std::optional<std::string> currency = currency_of(kind);
      is_complete_ = is_complete_ && currency.has_value();
      place->second = currency == budget_.currency;
    }
    return place->second;
  }

 private:
  /// "" for none; nothing when the dictionary has no such kind.
  std::optional<std::string> currency_of(const Hash128& kind) const {
    std::array<ScanKeyData, 1> keys;
    const Datum id = uuid_datum(kind);
    pg_call([&] { ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ, id); });
    std::optional<std::string> found;
    scan_index(kinds_.get(), kind_index_, state_, keys, [&](const ScannedTuple& row) {
      bool is_null;
      const Datum currency = row.get(currency_, &is_null);
      found = is_null ? std::string() : text_of(currency);
      return false;
    });
    return found;
  }

  const Budget& budget_;
  const LatestState& state_;
  GroupSums& sums_;
  OpenTable kinds_{Table::usage_kinds, AccessShareLock};
  AttrNumber kind_id_ = kinds_.column("kind_id");
  AttrNumber currency_ = kinds_.column("currency");
  Oid kind_index_;
  bool is_complete_ = true;
  std::unordered_map<Hash128, CounterDelta*, HashOfId> by_attribution_;
  std::unordered_map<Hash128, bool, HashOfId> by_kind_;
};

/// A table whose rows are sums by attribution and kind.
class SumsTable {
 public:
  explicit SumsTable(Table table)
      : table_(table, AccessShareLock),
        values_(static_cast<std::size_t>(table_.descriptor()->natts)),
        nulls_(std::make_unique<bool[]>(values_.size())) {}

  const OpenTable& table() const { return table_; }

  /// Visits the rows whose first column of the key lies between two values, both included, or until `visit` says false.
  template <typename Visit>
  void visit_range(const LatestState& state, const char* key, Datum first, Datum last, Visit&& visit) const {
    const AttrNumber key_column = table_.column(key);
    const std::array<AttrNumber, 1> columns = {key_column};
    const bool is_date = TupleDescAttr(table_.descriptor(), key_column - 1)->atttypid == DATEOID;
    std::array<ScanKeyData, 2> keys;
    pg_call([&] {
      ScanKeyInit(&keys[0], 1, BTGreaterEqualStrategyNumber, is_date ? F_DATE_GE : F_TIMESTAMPTZ_GE, first);
      ScanKeyInit(&keys[1], 1, BTLessEqualStrategyNumber, is_date ? F_DATE_LE : F_TIMESTAMPTZ_LE, last);
    });
    scan_index(table_.get(), index_on(table_.get(), columns), state, keys, visit);
  }

  void add(const ScannedTuple& row, Destinations& destinations, const Budget& budget) {
    bool is_null;
    CounterDelta* const sums = destinations.sums_of(uuid_bytes(row.get(attribution_id_, &is_null)));
    if (sums == nullptr) {
      return;
    }
    heap_deform_tuple(row.tuple, row.descriptor, values_.data(), nulls_.get());
    CounterDelta delta;
    delta.calls = count(calls_);
    switch (budget.measure) {
      case Measure::calls:
        delta.amount = delta.calls * atto_per_unit;
        break;
      case Measure::tokens:
        delta.amount = amount(input_tokens_) + amount(output_tokens_);
        break;
      case Measure::cost:
        if (destinations.is_in_currency(uuid_bytes(values_[static_cast<std::size_t>(kind_id_ - 1)]))) {
          delta.amount = amount(cost_);
          delta.unpriced_calls = count(unpriced_calls_);
        } else {
          delta.unpriced_calls = delta.calls;
        }
        break;
    }
    *sums += delta;
  }

 private:
  std::int64_t count(AttrNumber attribute) const {
    const auto place = static_cast<std::size_t>(attribute - 1);
    return nulls_[place] ? 0 : DatumGetInt64(values_[place]);
  }
  Atto amount(AttrNumber attribute) const {
    const auto place = static_cast<std::size_t>(attribute - 1);
    return nulls_[place] ? 0 : numeric_to_atto(values_[place]);
  }

  OpenTable table_;
  std::vector<Datum> values_;
  std::unique_ptr<bool[]> nulls_;
  AttrNumber attribution_id_ = table_.column("attribution_id");
  AttrNumber kind_id_ = table_.column("kind_id");
  AttrNumber calls_ = table_.column("calls");
  AttrNumber unpriced_calls_ = table_.column("unpriced_calls");
  AttrNumber cost_ = table_.column("cost");
  AttrNumber input_tokens_ = table_.column("input_tokens");
  AttrNumber output_tokens_ = table_.column("output_tokens");
};

void add_delta(const Delta& delta, Destinations& destinations, const Budget& budget) {
  CounterDelta* const sums = destinations.sums_of(delta.key.attribution);
  if (sums == nullptr) {
    return;
  }
  const auto count = [&](RollupCount which) { return delta.sums.counts[static_cast<std::size_t>(which)]; };
  const auto amount = [&](std::size_t which) { return delta.sums.amounts[which]; };
  constexpr auto first_meter = static_cast<std::size_t>(RollupAmount::first_meter);
  CounterDelta moved;
  moved.calls = count(RollupCount::calls);
  switch (budget.measure) {
    case Measure::calls:
      moved.amount = moved.calls * atto_per_unit;
      break;
    case Measure::tokens:
      moved.amount = amount(first_meter + UsageColumns::meter_place("input_tokens")) +
                     amount(first_meter + UsageColumns::meter_place("output_tokens"));
      break;
    case Measure::cost:
      if (destinations.is_in_currency(delta.key.kind)) {
        moved.amount = amount(static_cast<std::size_t>(RollupAmount::cost));
        moved.unpriced_calls = count(RollupCount::unpriced_calls);
      } else {
        moved.unpriced_calls = moved.calls;
      }
      break;
  }
  *sums += moved;
}

/// The zone in which days are cut, as text; 0 before the first folding, and while a ledger is being restored.
Datum zone_of_rollups(const LatestState& state) {
  const OpenTable table(Table::rollup_state, AccessShareLock);
  const AttrNumber time_zone = table.column("time_zone");
  Datum zone = 0;
  scan(table.get(), state, [&](const ScannedTuple& row) {
    bool is_null;
    zone = text_datum(text_of(row.get(time_zone, &is_null)));
  });
  return zone;
}

bool were_rows_dropped(const std::pair<DateADT, DateADT>& days, const LatestState& state) {
  const SumsTable sealed(Table::sealed_rollup);
  bool found = false;
  sealed.visit_range(state, "usage_date", DateADTGetDatum(days.first), DateADTGetDatum(days.second),
                     [&](const ScannedTuple&) {
                       found = true;
                       return false;
                     });
  return found;
}

/// The first quarter hour of which folding is sure to have kept the sums. It keeps those of 62 days before its own
/// time, so what it has not kept is older; the clock may have been set back by a day since.
Timestamp first_quarter_kept() {
  return floor_to_quarter_hour(GetCurrentTimestamp() - 61 * USECS_PER_DAY);
}

}  // namespace

bool add_rollups(const CounterUse& use, const LatestState& state, GroupSums& sums) {
  const Budget& budget = *use.budget;
  if (!budget.row_dimensions.empty()) {
    return false;
  }
  const Datum zone = zone_of_rollups(state);
  if (zone == 0) {
    return false;
  }
  RollupRange range({std::max(use.period.start, budget.valid.start), std::min(use.period.end, budget.valid.end)}, zone);
  const auto days = range.days();
  if (were_rows_dropped(days, state)) {
    return false;
  }
  Destinations destinations(use, state, sums);

  const auto months = range.months();
  if (months.first <= months.second) {
    SumsTable table(Table::rollup_months);
    table.visit_range(state, "usage_month", DateADTGetDatum(months.first), DateADTGetDatum(months.second),
                      [&](const ScannedTuple& row) { table.add(row, destinations, budget); });
  }

  bool is_cut_otherwise = false;
  bool has_cut_cells = false;
  SumsTable day_table(Table::rollup);
  const AttrNumber day = day_table.table().column("usage_date");
  const AttrNumber utc_day = day_table.table().column("usage_date_utc");
  const AttrNumber bucket_in_day = day_table.table().column("bucket_start");
  SumsTable month_table(Table::rollup_months);
  const AttrNumber bucket_in_month = month_table.table().column("bucket_start");
  const auto add_if_within = [&](SumsTable& table, const ScannedTuple& row, Datum bucket) {
    if (sums.contains(DatumGetTimestampTz(bucket))) {
      table.add(row, destinations, budget);
    }
  };
  const auto add_days = [&](DateADT first, DateADT last) {
    if (first > last) {
      return;
    }
    // Of one quarter hour, and so in no row of a day.
    month_table.visit_range(state, "usage_month", DateADTGetDatum(first_of_month(first)),
                            DateADTGetDatum(first_of_month(last)), [&](const ScannedTuple& row) {
                              bool is_null;
                              if (const Datum bucket = row.get(bucket_in_month, &is_null); !is_null) {
                                add_if_within(month_table, row, bucket);
                              }
                            });
    day_table.visit_range(state, "usage_date", DateADTGetDatum(first), DateADTGetDatum(last),
                          [&](const ScannedTuple& row) {
                            bool is_null;
                            if (const Datum bucket = row.get(bucket_in_day, &is_null); !is_null) {
                              add_if_within(day_table, row, bucket);
                              return true;
                            }
                            switch (range.part_of_cell(DatumGetDateADT(row.get(day, &is_null)),
                                                       DatumGetDateADT(row.get(utc_day, &is_null)))) {
                              case RollupRange::Part::all:
                                day_table.add(row, destinations, budget);
                                break;
                              case RollupRange::Part::some:
                                has_cut_cells = true;
                                break;
                              case RollupRange::Part::none:
                                break;
                              case RollupRange::Part::unknown:
                                is_cut_otherwise = true;
                                break;
                            }
                            return !is_cut_otherwise;
                          });
  };
  if (months.first <= months.second) {
    add_days(days.first, months.first - 1);
    add_days(range.day_after_months(), days.second);
  } else {
    add_days(days.first, days.second);
  }
  if (is_cut_otherwise) {
    return false;
  }

  if (has_cut_cells) {
    SumsTable quarters(Table::rollup_quarters);
    const AttrNumber bucket_start = quarters.table().column("bucket_start");
    const Timestamp first_kept = first_quarter_kept();
    for (const Period& edge : range.edges()) {
      if (edge.start >= edge.end) {
        continue;
      }
      if (edge.start < first_kept) {
        return false;
      }
      quarters.visit_range(state, "bucket_start", TimestampTzGetDatum(edge.start), TimestampTzGetDatum(edge.end - 1),
                           [&](const ScannedTuple& row) {
                             bool is_null;
                             const Timestamp bucket = DatumGetTimestampTz(row.get(bucket_start, &is_null));
                             if (sums.contains(bucket) && range.part_of_cell_of(bucket) == RollupRange::Part::some) {
                               quarters.add(row, destinations, budget);
                             }
                           });
    }
  }

  const OpenTable deltas(Table::rollup_deltas, AccessShareLock);
  scan(deltas.get(), state, [&](const ScannedTuple& row) {
    for_each_delta(packed_of(row.tuple, row.descriptor), [&](const Delta& delta) {
      if (sums.contains(delta.key.bucket)) {
        add_delta(delta, destinations, budget);
      }
    });
  });
  return destinations.is_complete();
}

}  // namespace spend

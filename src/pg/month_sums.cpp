// The sums of a month by values of dimensions, for views. Where users are many nearly each sum is of a combination of
// its own; to add up what they have in common is done here on integers, once for all dimensions, and not by the
// executor on numerics, for each of them.

#include "pg/budget_rows.hpp"
#include "pg/budgets.hpp"
#include "pg/call_site.hpp"
#include "pg/folded_groups.hpp"
#include "pg/set_result.hpp"
#include "pg/statement_sums.hpp"
#include "pg/tag_requirements.hpp"
#include "pg/value_places.hpp"

extern "C" {
#include "catalog/pg_type.h"
}

namespace spend {

namespace {

/// What the sums of a result belong to.
struct ResultKey {
  DateADT day;
  const std::optional<std::string>&first, &second;
  const Hash128& kind;
};

/// Rows of the result, which has some of the columns usage_date, first_value and second_value.
class ResultRows {
 public:
  explicit ResultRows(FunctionCallInfo fcinfo)
      : result_(reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo)),
        values_(static_cast<std::size_t>(result_->setDesc->natts)),
        nulls_(std::make_unique<bool[]>(values_.size())),
        sums_(result_->setDesc) {
    for (int i = 0; i < result_->setDesc->natts; ++i) {
      const std::string_view name = NameStr(TupleDescAttr(result_->setDesc, i)->attname);
      const auto attribute = static_cast<AttrNumber>(i + 1);
      day_ = name == "usage_date" ? attribute : day_;
      first_value_ = name == "first_value" ? attribute : first_value_;
      second_value_ = name == "second_value" ? attribute : second_value_;
      kind_id_ = name == "kind_id" ? attribute : kind_id_;
    }
  }

  bool has_days() const { return day_ != InvalidAttrNumber; }

  void add(const ResultKey& key, const RollupSums& sums) {
    begin(key);
    sums_.write(sums, [&](AttrNumber attribute, Datum value) { put(attribute, value); });
    store();
  }

  /// The same of a stored row, whatever is in it.
  void add(const ResultKey& key, const RollupColumns& columns, const StoredSums& row) {
    begin(key);
    sums_.copy(columns, row.values, row.nulls, [&](AttrNumber attribute, Datum value) { put(attribute, value); });
    store();
  }

 private:
  void begin(const ResultKey& key) {
    std::fill_n(nulls_.get(), values_.size(), true);
    put(day_, DateADTGetDatum(key.day));
    put_text(first_value_, key.first);
    put_text(second_value_, key.second);
    kind_ = key.kind;
    put(kind_id_, PointerGetDatum(kind_.data()));
  }
  void put(AttrNumber attribute, Datum value) {
    if (attribute != InvalidAttrNumber) {
      values_[static_cast<std::size_t>(attribute - 1)] = value;
      nulls_[static_cast<std::size_t>(attribute - 1)] = false;
    }
  }
  void put_text(AttrNumber attribute, const std::optional<std::string>& text) {
    if (attribute != InvalidAttrNumber && text.has_value()) {
      put(attribute, text_datum(*text));
    }
  }
  void store() {
    pg_call([&] {
      tuplestore_putvalues(result_->setResult, result_->setDesc, values_.data(), nulls_.get());
      for (const AttrNumber attribute : {first_value_, second_value_}) {
        if (attribute != InvalidAttrNumber && !nulls_[static_cast<std::size_t>(attribute - 1)]) {
          pfree(DatumGetPointer(values_[static_cast<std::size_t>(attribute - 1)]));
        }
      }
    });
  }

  ReturnSetInfo* result_;
  std::vector<Datum> values_;
  std::unique_ptr<bool[]> nulls_;
  RollupColumns sums_;
  AttrNumber day_ = InvalidAttrNumber, first_value_ = InvalidAttrNumber, second_value_ = InvalidAttrNumber,
             kind_id_ = InvalidAttrNumber;
  Hash128 kind_;
};

/// Keys of groups here: a day, 0 where sums are of months; the number of a combination of values; and a kind.
FoldedKey key_of(DateADT day, std::uint32_t place, const Hash128& kind) {
  return {static_cast<Timestamp>(day) * (std::int64_t{1} << 32) + place, {}, kind};
}
DateADT day_of(const FoldedKey& key) {
  return static_cast<DateADT>(key.bucket >> 32);
}
std::size_t place_of(const FoldedKey& key) {
  return static_cast<std::uint32_t>(key.bucket);
}

/// What one place in a query has asked for so far. A view by dimension asks for one month after the other, and of a
/// month for one dimension after the other; from the second on it is given what was summed up for all of them at once.
class MonthSums {
 public:
  void answer(DateADT month, const Grouping& grouping, Datum zone, ResultRows& rows) {
    if (rows.has_days() || !grouping.second.empty()) {
      answer_one(month, grouping, zone, rows);
      return;
    }
    sums_all_ = sums_all_ || (has_asked_ && month == asked_month_ && !(grouping == asked_));
    has_asked_ = true;
    asked_month_ = month;
    asked_ = grouping;
    if (!sums_all_ || is_too_much_ || !sum_up_all(month, zone) || !answer_from_all(grouping, rows)) {
      answer_one(month, grouping, zone, rows);
    }
  }

 private:
  static std::size_t memory_limit() {
    return static_cast<std::size_t>(static_cast<double>(work_mem) * 1024 * hash_mem_multiplier);
  }

  /// Calls visit(day, delta) for what is not folded of the month.
  template <typename Visit>
  void for_each_unfolded(DateADT month, Datum zone, Visit&& visit) {
    if (unfolded_months_.has_value() && !unfolded_months_->contains(month)) {
      return;
    }
    std::set<DateADT> months;
    Unfolded(zone).for_each([&](DateADT day, const Delta& delta) {
      const DateADT found = first_of_month(day);
      months.insert(found);
      if (found == month) {
        visit(day, delta);
      }
    });
    unfolded_months_ = std::move(months);
  }

  /// Sums up one grouping and writes it, in parts where memory does not hold it: whoever reads adds up.
  void answer_one(DateADT month, const Grouping& grouping, Datum zone, ResultRows& rows) {
    answer_by(ValuePlaces(ValuePlaces::Kind::one, grouping), month, zone, rows);
  }

 public:
  /// Sums up by these combinations.
  void answer_by(ValuePlaces places, DateADT month, Datum zone, ResultRows& rows) {
    FoldedGroups groups;
    const auto write = [&] {
      for (const FoldedGroup& group : groups.groups()) {
        if (const RollupSums sums = group.sums->unpack(); !sums.is_zero()) {
          const ValuesOfGrouping& values = places.at(place_of(group.key));
          rows.add({day_of(group.key), values.first, values.second, group.key.kind}, sums);
        }
      }
      groups.clear();
    };
    const auto add = [&](DateADT day, std::span<const std::uint32_t> of, const Hash128& kind, const RollupSums& sums) {
      const std::uint64_t present = PackedSums::present_in(sums);
      for (const std::uint32_t place : of) {
        if (groups.memory() > memory_limit()) {
          write();
        }
        const FoldedKey key = key_of(day, place, kind);
        if (!groups.try_add(key, sums, present)) {
          write();
          (void)groups.try_add(key, sums, present);
        }
      }
    };
    const auto add_row = [&](const StoredRows& table, DateADT day, const StoredSums& row) {
      const std::span<const std::uint32_t> of = places.places_of(row.attribution);
      if (of.empty()) {
        return true;
      }
      if (const std::optional<RollupSums> sums = table.columns().try_read(row.values, row.nulls)) {
        add(day, of, row.kind, *sums);
        return true;
      }
      for (const std::uint32_t place : of) {
        rows.add({day, places.at(place).first, places.at(place).second, row.kind}, table.columns(), row);
      }
      return true;
    };
    const StoredRows months(Table::rollup_months, "usage_month");
    if (rows.has_days()) {
      const StoredRows days(Table::rollup, "usage_date");
      days.for_each(month, next_month(month), [&](const StoredSums& row) { return add_row(days, row.day, row); });
      months.for_each(month, month + 1,
                      [&](const StoredSums& row) { return !row.has_day || add_row(months, row.day, row); });
    } else {
      months.for_each(month, month + 1, [&](const StoredSums& row) { return add_row(months, 0, row); });
    }
    for_each_unfolded(month, zone, [&](DateADT day, const Delta& delta) {
      add(rows.has_days() ? day : 0, places.places_of(delta.key.attribution), delta.key.kind, delta.sums);
    });
    write();
  }

 private:
  /// False, and for good, where that takes more memory than a query may take, or a sum is larger than sums here can be.
  bool sum_up_all(DateADT month, Datum zone) {
    if (all_.has_value() && all_month_ == month) {
      return true;
    }
    if (!all_places_.has_value()) {
      all_places_.emplace(ValuePlaces::Kind::each_present, Grouping{});
    }
    all_.reset();
    FoldedGroups groups;
    const auto add = [&](const Hash128& attribution, const Hash128& kind, const RollupSums& sums) {
      const std::uint64_t present = PackedSums::present_in(sums);
      for (const std::uint32_t place : all_places_->places_of(attribution)) {
        is_too_much_ = is_too_much_ || !groups.try_add(key_of(0, place, kind), sums, present);
      }
      is_too_much_ = is_too_much_ || groups.memory() + all_places_->memory() > memory_limit();
    };
    const StoredRows table(Table::rollup_months, "usage_month");
    table.for_each(month, month + 1, [&](const StoredSums& row) {
      if (const std::optional<RollupSums> sums = table.columns().try_read(row.values, row.nulls)) {
        add(row.attribution, row.kind, *sums);
      } else {
        is_too_much_ = true;
      }
      return !is_too_much_;
    });
    for_each_unfolded(month, zone, [&](DateADT, const Delta& delta) {
      if (!is_too_much_) {
        add(delta.key.attribution, delta.key.kind, delta.sums);
      }
    });
    if (is_too_much_) {
      all_places_.reset();
      return false;
    }
    all_ = std::move(groups);
    all_month_ = month;
    return true;
  }

  /// False where what is left for usage without a value is larger than sums can be; nothing was written then.
  bool answer_from_all(const Grouping& grouping, ResultRows& rows) const {
    std::map<Hash128, RollupSums> rest;
    for (const FoldedGroup& group : all_->groups()) {
      if (place_of(group.key) == 0) {
        rest.emplace(group.key.kind, group.sums->unpack());
      }
    }
    std::vector<const FoldedGroup*> found;
    if (!grouping.first.empty()) {
      for (const FoldedGroup& group : all_->groups()) {
        if (all_places_->grouping_of(place_of(group.key)) == grouping) {
          if (!rest[group.key.kind].try_subtract(group.sums->unpack())) {
            return false;
          }
          found.push_back(&group);
        }
      }
    }
    for (const FoldedGroup* const group : found) {
      if (const RollupSums sums = group->sums->unpack(); !sums.is_zero()) {
        rows.add({0, all_places_->at(place_of(group->key)).first, std::nullopt, group->key.kind}, sums);
      }
    }
    for (const auto& [kind, sums] : rest) {
      if (!sums.is_zero()) {
        rows.add({0, std::nullopt, std::nullopt, kind}, sums);
      }
    }
    return true;
  }

  bool has_asked_ = false;
  DateADT asked_month_ = 0;
  Grouping asked_;
  bool sums_all_ = false;
  bool is_too_much_ = false;
  std::optional<ValuePlaces> all_places_;
  std::optional<FoldedGroups> all_;
  DateADT all_month_ = 0;
  std::optional<std::set<DateADT>> unfolded_months_;
};

std::string argument(FunctionCallInfo fcinfo, int number) {
  return PG_ARGISNULL(number) ? std::string() : text_of(PG_GETARG_DATUM(number));
}

}  // namespace

}  // namespace spend

SPEND_FUNCTION(spend_month_sums) {
  spend::begin_set(fcinfo);
  if (!PG_ARGISNULL(0) && !PG_ARGISNULL(3)) {
    spend::ResultRows rows(fcinfo);
    spend::call_site<spend::MonthSums>(fcinfo).answer(
        PG_GETARG_DATEADT(0), {spend::argument(fcinfo, 1), spend::argument(fcinfo, 2)}, PG_GETARG_DATUM(3), rows);
  }
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_day_sums) {
  spend::begin_set(fcinfo);
  if (!PG_ARGISNULL(0) && !PG_ARGISNULL(2)) {
    spend::ResultRows rows(fcinfo);
    spend::call_site<spend::MonthSums>(fcinfo).answer(PG_GETARG_DATEADT(0), {spend::argument(fcinfo, 1), {}},
                                                      PG_GETARG_DATUM(2), rows);
  }
  PG_RETURN_NULL();
}

// month, columns, since, until, zone
SPEND_FUNCTION(spend_month_issues) {
  spend::begin_set(fcinfo);
  const spend::Period time = {PG_GETARG_TIMESTAMPTZ(2), PG_GETARG_TIMESTAMPTZ(3)};
  std::vector<std::string> columns;
  for (const Datum column : spend::array_elements(PG_GETARG_DATUM(1), TEXTOID, -1, false, TYPALIGN_INT)) {
    columns.push_back(spend::text_of(column));
  }
  spend::ValuePlaces issues([&](const spend::Hash128& attribution,
                                std::span<const spend::ValuePlaces::NamedValue> values,
                                const spend::ValuePlaces::Add& add) {
    add({}, {});
    spend::Dimensions dimensions;
    for (const spend::ValuePlaces::NamedValue& value : values) {
      dimensions.set_normalised(value.name, std::string(value.value));
    }
    for (const std::string& column : columns) {
      if (dimensions.find(column) == nullptr) {
        add("untagged", column);
      }
    }
    for (const std::string& missing : spend::missing_tags(dimensions)) {
      add("missing_tag", missing);
    }
    if (!spend::has_budget(attribution, time)) {
      add("unbudgeted", {});
    }
  });
  spend::ResultRows rows(fcinfo);
  spend::call_site<spend::MonthSums>(fcinfo).answer_by(std::move(issues), PG_GETARG_DATEADT(0), PG_GETARG_DATUM(4),
                                                       rows);
  PG_RETURN_NULL();
}

SPEND_FUNCTION(spend_months_of_usage) {
  spend::begin_set_of_scalars(fcinfo);
  std::set<DateADT> months;
  spend::Unfolded(PG_GETARG_DATUM(0)).for_each([&](DateADT day, const spend::Delta&) {
    months.insert(spend::first_of_month(day));
  });
  spend::add_stored_months(months);
  for (const DateADT month : months) {
    spend::emit_row<1>(fcinfo, {DateADTGetDatum(month)});
  }
  PG_RETURN_NULL();
}

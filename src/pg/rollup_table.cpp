#include "pg/rollup_table.hpp"

#include "pg/page_inserts.hpp"
#include "pg/rollup_walk.hpp"

extern "C" {
#include "utils/datetime.h"
}

namespace spend {

DateADT first_of_month(DateADT day) {
  int year, month, day_of_month;
  j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &day_of_month);
  return day - (day_of_month - 1);
}

namespace {

constexpr Table table_of(RollupTable::Grain grain) {
  switch (grain) {
    case RollupTable::Grain::quarter:
      return Table::rollup_quarters;
    case RollupTable::Grain::day:
      return Table::rollup;
    case RollupTable::Grain::month:
      return Table::rollup_months;
  }
  return Table::rollup;
}

std::vector<const char*> time_columns(RollupTable::Grain grain) {
  switch (grain) {
    case RollupTable::Grain::quarter:
      return {"bucket_start"};
    case RollupTable::Grain::day:
      return {"usage_date", "usage_date_utc"};
    case RollupTable::Grain::month:
      return {"usage_month"};
  }
  return {};
}

/// As long as the id is there.
Datum id_datum(const Hash128& id) {
  return UUIDPGetDatum(reinterpret_cast<const pg_uuid_t*>(id.data()));
}

}  // namespace

RollupTable::RollupTable(Grain grain)
    : grain_(grain),
      table_(table_of(grain), RowExclusiveLock),
      sums_(table_.descriptor()),
      prefixes_(table_.descriptor(), CurrentMemoryContext),
      values_(static_cast<std::size_t>(table_.descriptor()->natts)),
      nulls_(std::make_unique<bool[]>(values_.size())) {
  for (const char* const name : time_columns(grain)) {
    key_columns_.push_back(table_.column(name));
  }
  const std::size_t times = key_columns_.size();
  key_columns_.push_back(table_.column("attribution_id"));
  key_columns_.push_back(table_.column("kind_id"));
  if (grain != Grain::quarter) {
    bucket_column_ = table_.column("bucket_start");
  }
  if (grain == Grain::day) {
    month_column_ = table_.column("usage_month");
  }
  if (grain == Grain::month) {
    day_column_ = table_.column("usage_date");
    utc_day_column_ = table_.column("usage_date_utc");
  }
  index_ = index_on(table_.get(), key_columns_);
  const RegProcedure time_equal = grain == Grain::quarter ? F_TIMESTAMPTZ_EQ : F_DATE_EQ;
  pg_call([&] {
    for (std::size_t i = 0; i < times; ++i) {
      ScanKeyInit(&keys_[i], static_cast<AttrNumber>(i + 1), BTEqualStrategyNumber, time_equal, static_cast<Datum>(0));
    }
    ScanKeyInit(&keys_[times], static_cast<AttrNumber>(times + 1), BTGreaterEqualStrategyNumber, F_UUID_GE,
                static_cast<Datum>(0));
  });
}

void RollupTable::put(AttrNumber attribute, Datum value) {
  values_[static_cast<std::size_t>(attribute - 1)] = value;
  nulls_[static_cast<std::size_t>(attribute - 1)] = false;
}

void RollupTable::set_key(const FoldedPart& part) {
  const std::size_t times = key_columns_.size() - 2;
  for (std::size_t i = 0; i < times; ++i) {
    keys_[i].sk_argument = grain_ == Grain::quarter ? TimestampTzGetDatum(part.time[i])
                                                    : DateADTGetDatum(static_cast<DateADT>(part.time[i]));
  }
  keys_[times].sk_argument = id_datum(part.group->key.attribution);
}

void RollupTable::set_quarter(const FoldedPart& part) {
  if (bucket_column_ != InvalidAttrNumber) {
    put(bucket_column_, TimestampTzGetDatum(part.group->key.bucket));
  }
  if (day_column_ != InvalidAttrNumber) {
    put(day_column_, DateADTGetDatum(part.day));
    put(utc_day_column_, DateADTGetDatum(part.utc_day));
  }
}

void RollupTable::clear_quarter() {
  for (const AttrNumber attribute : {bucket_column_, day_column_, utc_day_column_}) {
    if (attribute != InvalidAttrNumber) {
      nulls_[static_cast<std::size_t>(attribute - 1)] = true;
    }
  }
}

HeapTuple RollupTable::form() {
  auto length = static_cast<AttrNumber>(values_.size());
  while (is_null(length)) {
    --length;
  }
  const TupleDesc prefix = prefixes_.of_length(table_.descriptor(), length);
  return pg_call([&] { return heap_form_tuple(prefix, values_.data(), nulls_.get()); });
}

void RollupTable::add_sums(Run run) {
  RollupSums total = run.front().group->sums->unpack();
  for (const FoldedPart& part : run.subspan(1)) {
    if (!part.group->sums->try_add_to(total)) {
      sums_.add(total, values_.data(), nulls_.get());
      // What it has written is valid until the next call only.
      HeapTuple so_far = form();
      heap_deform_tuple(so_far, table_.descriptor(), values_.data(), nulls_.get());
      total = part.group->sums->unpack();
    }
  }
  sums_.add(total, values_.data(), nulls_.get());
}

HeapTuple RollupTable::new_row(Run run) {
  const FoldedPart& first = run.front();
  std::fill_n(nulls_.get(), values_.size(), true);
  const std::size_t times = key_columns_.size() - 2;
  for (std::size_t i = 0; i < times; ++i) {
    put(key_columns_[i], keys_[i].sk_argument);
  }
  put(key_columns_[times], id_datum(first.group->key.attribution));
  put(key_columns_[times + 1], id_datum(first.group->key.kind));
  if (month_column_ != InvalidAttrNumber) {
    put(month_column_, DateADTGetDatum(first_of_month(first.day)));
  }
  if (run.size() == 1) {
    set_quarter(first);
    sums_.write(first.group->sums->unpack(), [&](AttrNumber attribute, Datum value) { put(attribute, value); });
  } else {
    add_sums(run);
  }
  return form();
}

HeapTuple RollupTable::changed_row(HeapTuple row, Run run, FoldedGroups& groups, std::deque<FoldedGroup>& moved,
                                   std::vector<const FoldedGroup*>& handed_down) {
  heap_deform_tuple(row, table_.descriptor(), values_.data(), nulls_.get());
  bool stays_one_quarter = false;
  if (has_one_quarter()) {
    const Datum bucket = values_[static_cast<std::size_t>(bucket_column_ - 1)];
    const FoldedKey& key = run.front().group->key;
    const FoldedKey before = {DatumGetTimestampTz(bucket), key.attribution, key.kind};
    const RollupSums sums_before = sums_.read(values_.data(), nulls_.get());
    RollupSums total = sums_before;
    // It must be possible to read it as sums again.
    stays_one_quarter = run.size() == 1 && before.bucket == key.bucket && run.front().group->sums->try_add_to(total);
    if (!stays_one_quarter) {
      clear_quarter();
      handed_down.push_back(&moved.emplace_back(FoldedGroup{before, groups.pack(sums_before)}));
    }
  }
  if (!stays_one_quarter) {
    std::transform(run.begin(), run.end(), std::back_inserter(handed_down),
                   [](const FoldedPart& part) { return part.group; });
  }
  add_sums(run);
  return form();
}

namespace {

/// Groups lie anywhere in memory, and their sums somewhere else.
void fetch_ahead(std::vector<FoldedPart>::const_iterator next, std::vector<FoldedPart>::const_iterator end) {
  constexpr std::ptrdiff_t ahead = 6;
  constexpr std::size_t line = 64;
  constexpr std::size_t usual_size = 3 * line;
  if (end - next > 2 * ahead) {
    __builtin_prefetch(next[2 * ahead].group);
    const auto* const sums = reinterpret_cast<const char*>(next[ahead].group->sums);
    for (std::size_t at = 0; at < usual_size; at += line) {
      __builtin_prefetch(sums + at);
    }
  }
}

}  // namespace

std::vector<const FoldedGroup*> RollupTable::add(std::vector<FoldedPart>& parts, FoldedGroups& groups,
                                                 std::deque<FoldedGroup>& moved) {
  std::vector<const FoldedGroup*> handed_down;
  if (parts.empty()) {
    return handed_down;
  }
  std::sort(parts.begin(), parts.end(), [](const FoldedPart& a, const FoldedPart& b) {
    const auto order = std::tie(a.time, a.attribution, a.kind) <=> std::tie(b.time, b.attribution, b.kind);
    return order != 0 ? order < 0 : a.group->key.kind < b.group->key.kind;
  });
  const Relation relation = table_.get();
  const CatalogIndexState indexes = pg_call([&] { return CatalogOpenIndexes(relation); });
  RollupWalk walk(relation, index_, {keys_.data(), key_columns_.size() - 1});
  PageInserts inserts(relation, indexes);
  const FoldedPart* last = nullptr;
  for (auto next = parts.begin(); next != parts.end();) {
    fetch_ahead(next, parts.end());
    const FoldedPart& first = *next;
    const FoldedKey& key = first.group->key;
    const auto end = std::find_if_not(next, parts.end(), [&](const FoldedPart& part) {
      return part.time == first.time && part.attribution == first.attribution && part.kind == first.kind &&
             part.group->key.kind == key.kind;
    });
    const Run run(next, end);
    next = end;
    set_key(first);
    if (HeapTuple row = walk.find(key, last == nullptr || last->time != first.time)) {
      ItemPointerData at = row->t_self;
      HeapTuple replacement = changed_row(row, run, groups, moved, handed_down);
      pg_call([&] {
        CatalogTupleUpdateWithInfo(relation, &at, replacement, indexes);
        heap_freetuple(replacement);
      });
    } else {
      inserts.add(new_row(run));
      if (run.size() > 1) {
        std::transform(run.begin(), run.end(), std::back_inserter(handed_down),
                       [](const FoldedPart& part) { return part.group; });
      }
    }
    last = &first;
  }
  inserts.close();
  walk.close();
  pg_call([&] { CatalogCloseIndexes(indexes); });
  return handed_down;
}

}  // namespace spend

#include "pg/usage_kinds.hpp"

#include "core/byte_cache.hpp"
#include "core/short_text.hpp"
#include "core/text_key.hpp"
#include "pg/composite_row.hpp"
#include "pg/tuple_builder.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

/// Kinds by id; a node of it never moves.
std::unordered_map<Hash128, UsageKind, HashOfId> known;
/// Of `known`, by the words in which rows carried them.
ByteCache<RowClass> known_as_sent(32'768, 4 * 1024 * 1024);
std::vector<UsageKind*> uncommitted;
constexpr std::size_t most_remembered = 20'000;
std::size_t bytes_remembered = 0;  // of the parts, which may be long
constexpr std::size_t most_bytes = 64UL * 1024 * 1024;

/// Those found lately, each where price and lengths of a row lead: most rows are of few classes, and to compare a row
/// with one takes less time than to look it up.
struct FoundLately {
  std::string as_sent;
  RowClass row_class;
};
std::array<FoundLately, 64> lately;

/// Bytes that are put together anew for every row.
class Bytes {
 public:
  void clear() { size_ = 0; }
  void append(std::string_view text) {
    if (text.size() > room_.size() - size_) {
      room_.resize(2 * (size_ + text.size()));
    }
    copy_bytes(text, room_.data() + size_);
    size_ += text.size();
  }
  std::string_view view() const { return {room_.data(), size_}; }

 private:
  std::size_t size_ = 0;
  std::vector<char> room_;
};

/// Takes the same bytes, and tells whether they are those of before.
class Comparison {
 public:
  explicit Comparison(std::string_view before) : rest_(before) {}
  void append(std::string_view text) {
    if (is_same_ && text.size() <= rest_.size() && same_bytes(text, rest_.data())) {
      rest_.remove_prefix(text.size());
    } else {
      is_same_ = false;
    }
  }
  bool is_same() const { return is_same_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool is_same_ = true;
};

template <typename Value>
std::string_view image_of(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// Appends a value as it lies in memory, so that no two rows that differ in one are alike. That the same text may lie
/// there in two ways does no harm.
template <typename To>
void append_value(const UsageRow& row, AttrNumber attribute, To& to) {
  if (row.is_null(attribute)) {
    to.append(std::string_view("\0", 1));
    return;
  }
  const char* const image = DatumGetPointer(row.get(attribute));
  if (VARATT_IS_1B(image) && !VARATT_IS_1B_E(image)) {
    to.append(std::string_view(image, VARSIZE_1B(image)));
    return;
  }
  const std::string_view text = row.text(attribute);
  to.append("\2");  // no header of a short text is even
  to.append(image_of(text.size()));
  to.append(text);
}

/// A status that is longer than every word that is known.
constexpr std::size_t longest_status = 64;

std::string_view status_of(const UsageRow& row) {
  const std::string_view status = row.text(row.columns().status);
  return status.size() > longest_status ? std::string_view() : status;
}

AttrNumber model_column(const UsageRow& row) {
  const UsageColumns& at = row.columns();
  return row.text(at.response_model).empty() ? at.request_model : at.response_model;
}

/// Why a row got its price says nothing new of those that have it as expected.
bool has_telling_reason(std::string_view pricing_status) {
  return pricing_status != "priced";
}

std::int64_t price_id_of(const UsageRow& row) {
  const AttrNumber price_id = row.columns().price_id;
  return row.is_null(price_id) ? -1 : DatumGetInt64(row.get(price_id));
}

/// Appends what the class of a row depends on.
template <typename To>
void append_class(const UsageRow& row, To& to) {
  const UsageColumns& at = row.columns();
  to.append(image_of(price_id_of(row)));
  to.append(
      image_of(static_cast<char>((row.is_null(at.price_id) ? 1 : 0) + (row.text(at.blocked_reason).empty() ? 0 : 2))));
  append_value(row, model_column(row), to);
  for (const AttrNumber attribute : {at.provider, at.surface, at.region, at.service_tier, at.speed, at.variant,
                                     at.currency, at.operation, at.route, at.purpose, at.pricing_status, at.source}) {
    append_value(row, attribute, to);
  }
  if (has_telling_reason(row.text(at.pricing_status))) {
    append_value(row, at.pricing_reason, to);
  }
  to.append(status_of(row));
}

/// The same as one text, valid until the next call.
std::string_view as_sent(const UsageRow& row) {
  static Bytes bytes;  // kept for its memory
  bytes.clear();
  append_class(row, bytes);
  return bytes.view();
}

FoundLately& lately_found_for(const UsageRow& row) {
  const std::size_t lengths = row.text(model_column(row)).size() + 16 * row.text(row.columns().status).size();
  return lately[(static_cast<std::size_t>(price_id_of(row)) * 7 + lengths) % lately.size()];
}

Hash128 id_of(const UsageKind& kind) {
  std::string canonical;
  const auto append = [&](std::string_view part) {
    const auto length = static_cast<std::uint32_t>(part.size());
    canonical.append(reinterpret_cast<const char*>(&length), sizeof length);
    canonical.append(part);
  };
  for (const std::string& part : kind.parts) {
    append(part);
  }
  append(kind.price_id.has_value() ? std::to_string(*kind.price_id) : std::string());
  return content_hash(canonical);
}

RowClass classify(const UsageRow& row) {
  const UsageColumns& at = row.columns();
  UsageKind kind;
  const std::string_view pricing_status = row.text(at.pricing_status);
  kind.parts = {text_key(row.text(at.provider)),
                text_key(row.text(model_column(row))),
                text_key(row.text(at.surface)),
                text_key(row.text(at.region)),
                text_key(row.text(at.service_tier)),
                text_key(row.text(at.speed)),
                text_key(row.text(at.variant)),
                std::string(row.text(at.currency)),
                text_key(row.text(at.operation)),
                text_key(row.text(at.route)),
                text_key(row.text(at.purpose)),
                std::string(pricing_status),
                std::string(has_telling_reason(pricing_status) ? row.text(at.pricing_reason) : std::string_view()),
                text_key(row.text(at.source))};
  std::string& service_tier = kind.parts[4];
  if (service_tier.empty()) {
    service_tier = "standard";
  }
  if (!row.is_null(at.price_id)) {
    kind.price_id = DatumGetInt64(row.get(at.price_id));
  }
  kind.id = id_of(kind);
  RowClass result;
  result.is_for_retry = kind.parts[10] == "retry";
  const Hash128 id = kind.id;
  const auto [place, is_new] = known.try_emplace(id, std::move(kind));
  result.kind = &place->second;
  for (const std::string& part : result.kind->parts) {
    bytes_remembered += is_new ? part.size() : 0;
  }
  result.outcome = outcome_of(text_key(status_of(row)), !row.text(at.blocked_reason).empty());
  return result;
}

bool is_in_dictionary(const OpenTable& table, AttrNumber id_column, const Hash128& id) {
  const std::array<AttrNumber, 1> columns = {id_column};
  const std::vector<Datum> wanted = {uuid_datum(id)};
  return exist_latest(table.get(), index_on(table.get(), columns), F_UUID_EQ, wanted).front();
}

void append_to_dictionary(const UsageKind& kind) {
  const OpenTable table(Table::usage_kinds, RowExclusiveLock);
  const AttrNumber id = table.column("kind_id");
  if (is_in_dictionary(table, id, kind.id)) {
    return;
  }
  TupleBuilder tuple(table);
  tuple.set(id, uuid_datum(kind.id));
  for (std::size_t i = 0; i < kind.parts.size(); ++i) {
    if (!kind.parts[i].empty()) {
      tuple.set(UsageKind::part_columns[i], text_datum(kind.parts[i]));
    }
  }
  if (kind.price_id.has_value()) {
    tuple.set("price_id", Int64GetDatum(*kind.price_id));
  }
  tuple.set("first_seen_at", TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
  tuple.insert();
}

}  // namespace

RowClass class_of(const UsageRow& row) {
  FoundLately& last = lately_found_for(row);
  if (last.row_class.kind != nullptr) {
    Comparison comparison(last.as_sent);
    append_class(row, comparison);
    if (comparison.is_same()) {
      return last.row_class;
    }
  }
  const std::string_view sent = as_sent(row);
  const RowClass* const known_class = known_as_sent.find(sent);
  const RowClass found = known_class != nullptr ? *known_class : classify(row);
  if (known_class == nullptr) {
    known_as_sent.insert(sent, found);
  }
  last.row_class = {};  // it does not go with other bytes if there is no memory for these
  last.as_sent = sent;
  last.row_class = found;
  return found;
}

void store_kind(UsageKind& kind) {
  table_oid(Table::usage_kinds);
  if (!unchanged(Table::usage_kinds)) {
    // The dictionary was dropped, emptied or edited: what was there need not be there now.
    mark_unchanged(Table::usage_kinds);
    for (auto& [id, each] : known) {
      each.stored = UsageKind::Stored::no;
    }
  }
  if (kind.stored != UsageKind::Stored::no) {
    return;
  }
  append_to_dictionary(kind);
  // One that was there may be an uncommitted one of our own.
  kind.stored = UsageKind::Stored::uncommitted;
  uncommitted.push_back(&kind);
}

void bound_kinds() {
  if (known.size() > most_remembered || bytes_remembered > most_bytes) {
    known.clear();
    bytes_remembered = 0;
    known_as_sent.clear();
    uncommitted.clear();
    lately = {};
  }
}

void kinds_at_commit() {
  for (UsageKind* const kind : uncommitted) {
    if (kind->stored == UsageKind::Stored::uncommitted) {
      kind->stored = UsageKind::Stored::committed;
    }
  }
  uncommitted.clear();
}

void kinds_at_abort() {
  for (UsageKind* const kind : uncommitted) {
    kind->stored = UsageKind::Stored::no;
  }
  uncommitted.clear();
}

}  // namespace spend

SPEND_FUNCTION(spend_outcome) {
  const std::string status = PG_ARGISNULL(0) ? std::string() : spend::text_key(spend::text_of(PG_GETARG_DATUM(0)));
  const bool has_reason = !PG_ARGISNULL(1) && !spend::text_of(PG_GETARG_DATUM(1)).empty();
  return spend::kept_text_datum(spend::to_string(spend::outcome_of(status, has_reason)));
}

SPEND_FUNCTION(spend_kind_id) {
  return spend::with_row(fcinfo, PG_GETARG_DATUM(0),
                         [](const spend::UsageRow& row) { return spend::uuid_datum(spend::class_of(row).kind->id); });
}

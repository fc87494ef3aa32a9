#include "pg/expected_call.hpp"

#include "core/error_text.hpp"
#include "core/json.hpp"
#include "pg/dimension_registry.hpp"
#include "pg/row_attribution.hpp"
#include "pg/row_price.hpp"
#include "pg/tables.hpp"
#include "pg/values.hpp"

namespace spend {

namespace {

constexpr std::size_t max_facts_bytes = 64 * 1024;

/// Columns that are no dimensions of every row, but may be known before the call, and so may decide over its price or
/// its budgets.
constexpr std::array<const char*, 12> context_columns = {"service_tier", "region",   "surface", "speed",
                                                         "variant",      "route",    "purpose", "operation",
                                                         "run_id",       "trace_id", "span_id", "request_id"};

bool is_context_column(std::string_view name) {
  return std::find(context_columns.begin(), context_columns.end(), name) != context_columns.end();
}

bool is_dimension_column(std::string_view name) {
  return std::find(dimension_columns.begin(), dimension_columns.end(), name) != dimension_columns.end();
}

/// The next token of a jsonb object, with its text where it has one.
struct FactToken {
  JsonbIteratorToken token;
  enum class Kind { null, scalar, other } kind;
  const char* text;
  std::size_t length;
};
FactToken next_fact(JsonbIterator** iterator) {
  return pg_call([&] {
    JsonbValue value;
    FactToken next = {JsonbIteratorNext(iterator, &value, true), FactToken::Kind::other, "", 0};
    if (next.token != WJB_KEY && next.token != WJB_VALUE) {
      return next;
    }
    next.kind = FactToken::Kind::scalar;
    switch (value.type) {
      case jbvNull:
        next.kind = FactToken::Kind::null;
        break;
      case jbvBool:
        next.text = value.val.boolean ? "true" : "false";
        next.length = std::strlen(next.text);
        break;
      case jbvNumeric:
        next.text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
        next.length = std::strlen(next.text);
        break;
      case jbvString:
        next.text = value.val.string.val;
        next.length = static_cast<std::size_t>(value.val.string.len);
        break;
      case jbvArray:
      case jbvObject:
      case jbvBinary:
      case jbvDatetime:
        next.kind = FactToken::Kind::other;
    }
    return next;
  });
}

/// Read from the jsonb where it lies; what is not known is passed over as if it were not there.
ExpectedCall::Facts facts_from(Datum jsonb, const char* argument) {
  Jsonb* const object = pg_call([&] { return DatumGetJsonbP(jsonb); });
  if (VARSIZE(object) > max_facts_bytes) {
    raise(Error{ErrorKind::limit_exceeded,
                std::string(argument) + " is too large",
                "It may have " + std::to_string(max_facts_bytes) + " bytes.",
                {}});
  }
  if (!JB_ROOT_IS_OBJECT(object)) {
    raise(Error{ErrorKind::invalid_value, std::string(argument) + " must be a JSON object", {}, {}});
  }
  ExpectedCall::Facts facts;
  JsonbIterator* iterator = pg_call([&] { return JsonbIteratorInit(&object->root); });
  for (FactToken key = next_fact(&iterator); key.token != WJB_DONE; key = next_fact(&iterator)) {
    if (key.token != WJB_KEY) {
      continue;
    }
    const FactToken value = next_fact(&iterator);
    if (value.kind == FactToken::Kind::other) {
      raise(Error{ErrorKind::invalid_value,
                  std::string(argument) + " has a value of the wrong type: " + quoted({key.text, key.length}),
                  "Values are text or numbers.",
                  {}});
    }
    if (value.kind == FactToken::Kind::scalar) {
      facts.emplace_back(std::string(key.text, key.length), std::string(value.text, value.length));
    }
  }
  return facts;
}

const std::string* find(const ExpectedCall::Facts& facts, std::string_view name) {
  const auto found = std::find_if(facts.begin(), facts.end(), [&](const auto& fact) { return fact.first == name; });
  return found == facts.end() || found->second.empty() ? nullptr : &found->second;
}

/// Tags that budgets may be on, rolled up or not.
std::vector<std::string> dimension_tags(const DimensionRegistry& registry) {
  std::vector<std::string> tags = registry.tags;
  tags.insert(tags.end(), registry.row_tags.begin(), registry.row_tags.end());
  return tags;
}

/// Takes the tags that are dimensions from the call, and leaves the others.
void fill_tags(UsageRow& row, const ExpectedCall::Facts& dimensions) {
  const std::vector<std::string> names = dimension_tags(*dimension_registry());
  const AttrNumber tags = row.columns().tags;
  std::string named;
  for (const std::string& name : names) {
    if (const std::string* const value = find(dimensions, name)) {
      named += named.empty() ? "{" : ", ";
      named += json_quote(name) + ": " + json_quote(*value);
    }
  }
  Datum result = row.is_null(tags) ? empty_object_datum() : row.get(tags);
  if (names.empty() || (row.is_null(tags) && named.empty()) ||
      !pg_call([&] { return JB_ROOT_IS_OBJECT(DatumGetJsonbP(result)); })) {
    return;
  }
  for (const std::string& name : names) {
    const Datum key = text_datum(name);
    result = pg_call([&] { return DirectFunctionCall2(jsonb_delete, result, key); });
  }
  if (!named.empty()) {
    const Datum added = jsonb_datum(named + "}");
    result = pg_call([&] { return DirectFunctionCall2(jsonb_concat, result, added); });
  }
  row.set(tags, result);
}

}  // namespace

ExpectedCall ExpectedCall::of_hold(std::string provider, std::string model, Datum dimensions, Datum context) {
  ExpectedCall call;
  call.provider_ = std::move(provider);
  call.model_ = std::move(model);
  call.dimensions_ = facts_from(dimensions, "dimensions");
  call.context_ = facts_from(context, "context");
  call.dimensions_json_ = dimensions;
  call.context_json_ = context;
  return call;
}

ExpectedCall::ExpectedCall(std::string provider, std::string model, Datum dimensions, Datum context)
    : ExpectedCall(of_hold(std::move(provider), std::move(model), dimensions, context)) {
  const std::vector<std::string> tags = dimension_tags(*dimension_registry());
  for (const auto& [name, value] : dimensions_) {
    if (!is_dimension_column(name) && std::find(tags.begin(), tags.end(), name) == tags.end()) {
      raise(Error{ErrorKind::invalid_value, "unknown dimension " + quoted(name), "Budgets would not see it.",
                  "Dimensions are columns of spend.usage such as cost_center or team, and tags registered in "
                  "spend.dimensions; run_id and the like go into context."});
    }
  }
  for (const auto& [name, value] : context_) {
    if (!is_context_column(name)) {
      raise(Error{ErrorKind::invalid_value,
                  "context has an unknown key: " + quoted(name),
                  {},
                  "What may be known before a call: service_tier, region, surface, speed, variant, route, purpose, "
                  "operation, run_id, trace_id, span_id, request_id."});
    }
    // The row that settles the hold is to have it.
    if (name == "run_id" || name == "request_id") {
      check_indexed_id(name.c_str(), value.size());
    }
  }
}

ExpectedCall ExpectedCall::with_model(const std::string& model) const {
  ExpectedCall other = *this;
  other.provider_.clear();
  other.model_ = model;
  return other;
}

void ExpectedCall::fill(UsageRow& row) const {
  const UsageColumns& at = row.columns();
  const auto set_where_open = [&](AttrNumber attribute, const std::string& text) {
    if (!text.empty() && row.text(attribute).empty()) {
      row.set(attribute, text_datum(text));
    }
  };
  for (std::size_t i = 0; i < dimension_columns.size(); ++i) {
    if (const std::string* const value = find(dimensions_, dimension_columns[i])) {
      row.set(at.dimensions[i], text_datum(*value));
    } else {
      row.set_null(at.dimensions[i]);
    }
  }
  fill_tags(row, dimensions_);
  for (const auto& [name, value] : context_) {
    set_where_open(column(row.descriptor(), name.c_str()), value);
  }
  const bool is_other_model = !row.text(at.request_model).empty() && row.text(at.request_model) != model_;
  set_where_open(at.request_model, model_);
  if (!is_other_model) {
    set_where_open(at.provider, provider_);
  }
}

UsageRow ExpectedCall::row(Relation usage, Timestamp at) const {
  UsageRow row(RelationGetDescr(usage), usage_columns(usage));
  const UsageColumns& columns = row.columns();
  fill(row);
  row.set(columns.occurred_at, TimestampTzGetDatum(at));
  row.set(columns.recorded_at, TimestampTzGetDatum(at));
  row.set(columns.other_usage, estimate_);
  row.spread_other_usage();
  attribute(row);
  price_expected(row);
  return row;
}

void price_expected(UsageRow& row) {
  price_usage_row(row, MissingPrice::quiet);
}

}  // namespace spend

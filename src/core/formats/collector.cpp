#include "core/formats/collector.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "core/error_text.hpp"
#include "core/formats/documents.hpp"
#include "core/formats/families.hpp"
#include "core/formats/iterations.hpp"
#include "core/formats/measures.hpp"
#include "core/formats/names.hpp"
#include "core/formats/otel.hpp"
#include "core/formats/payload.hpp"
#include "core/formats/response_id.hpp"
#include "core/formats/shape.hpp"

namespace spend::formats {

namespace {

void assign(std::string& to, std::string_view text) {
  constexpr std::size_t longest = 1024;
  if (!text.empty() && text.size() <= longest) {
    to = text;
  }
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

/// Calls of OpenAI's own tools, which no token count tells of.
void count_output_tools(const Json& output, Usage& tools) {
  std::uint64_t web = 0;
  std::uint64_t file = 0;
  std::set<std::string_view> containers;
  for (const Json& item : output.items) {
    const std::string_view type = text_member(item, {"type"});
    if (type == "web_search_call") {
      // Opening a page that was found, and finding in it, are not billed.
      const Json* const action = member(item, "action");
      const std::string_view kind = action != nullptr ? text_member(*action, {"type"}) : "";
      web += kind.empty() || kind == "search" ? 1 : 0;
    } else if (type == "file_search_call") {
      ++file;
    } else if (type == "code_interpreter_call") {
      containers.insert(text_member(item, {"container_id"}));
    }
  }
  tools.set("web_searches", Decimal::from_integer(web));
  tools.set("file_searches", Decimal::from_integer(file));
  tools.set("code_sessions", Decimal::from_integer(containers.size()));
}

/// Before Gemini 3 Google bills an answer that searched, since then each query.
bool bills_by_answer(std::string_view model) {
  return model.starts_with("gemini-1") || model.starts_with("gemini-2");
}

/// What Google's tools were asked, as the usage of its interactions counts it.
void count_grounding_tools(const Json& usage, std::string_view model, Usage& tools) {
  const Json* const counted = member(usage, "grounding_tool_count");
  for (const Json& item : counted != nullptr ? counted->items : std::vector<Json>()) {
    const std::string_view type = text_member(item, {"type"});
    const std::string_view meter = type == "google_search" ? "web_searches"
                                   : type == "google_maps" ? "map_searches"
                                                           : "";
    const Json* const value = member(item, "count");
    const Result<Decimal> count = value != nullptr ? Decimal::parse(value->text) : Decimal();
    if (!meter.empty() && count.ok() && !count->is_zero()) {
      tools.set(meter, bills_by_answer(model) ? Decimal::from_integer(1) : *count);
    }
  }
}

/// What Google searched for, of its own tool, which no count tells.
void count_grounding(const Json& answer, Usage& tools) {
  const Json* const candidates = member(answer, "candidates");
  if (candidates == nullptr) {
    return;
  }
  std::uint64_t queries = 0;
  for (const Json& candidate : candidates->items) {
    const Json* const grounding = member(candidate, "grounding_metadata");
    const Json* const searched = grounding != nullptr ? member(*grounding, "web_search_queries") : nullptr;
    queries += searched != nullptr ? searched->items.size() : 0;
  }
  if (queries > 0) {
    const bool by_answer = bills_by_answer(text_member(answer, {"model_version"}));
    tools.set("web_searches", Decimal::from_integer(by_answer ? 1 : queries));
  }
}

/// The vendor's own figure in USD: xAI in units of 1e-10, OpenRouter and DeepInfra as a number, Perplexity as a total.
Count reported_cost(const Json& usage) {
  if (const Json* const ticks = member(usage, "cost_in_usd_ticks")) {
    const Count count = read_cost(ticks);
    constexpr int tick_scale = 10;
    if (!count.has_value() || count->scale() + tick_scale > Decimal::max_scale) {
      return std::nullopt;
    }
    const Result<Decimal> cost = Decimal::from_parts(count->coefficient(), count->scale() + tick_scale);
    return cost.ok() ? Count(*cost) : std::nullopt;
  }
  const Json* const cost = member(usage, {"cost", "estimated_cost", "cost_usd", "total_cost"});
  return is_object(cost) ? read_cost(member(*cost, "total_cost")) : read_cost(cost);
}

/// OTLP's keys and values as the object that they mean.
Json flat_attributes(const Json& attributes) {
  constexpr std::size_t most = 256;
  Json object;
  object.type = Json::Type::object;
  for (const Json& item : attributes.items) {
    const Json* const key = item.find("key");
    const Json* const value = item.find("value");
    if (key != nullptr && value != nullptr && object.members.size() < most) {
      const bool is_wrapped = value->type == Json::Type::object && value->members.size() == 1;
      object.members.push_back({key->text, is_wrapped ? value->members.front().value : *value});
    }
  }
  return object;
}

}  // namespace

void Collector::Facts::read(const Json& object) {
  assign(model, text_member(object, {"model", "model_version", "model_name", "model_id"}));
  const Json* const tier = member(object, "service_tier");
  const std::string_view served = tier != nullptr && tier->type == Json::Type::object
                                      ? text_member(*tier, {"type"})
                                      : text_member(object, {"service_tier"});
  if (served != "auto") {  // "auto" asks; it does not say what served
    assign(service_tier, served);
  }
  if (std::string traffic = lower(text_member(object, {"traffic_type"})); !traffic.empty() && served.empty()) {
    constexpr std::string_view prefix = "on_demand_";
    assign(service_tier, traffic.starts_with(prefix) ? traffic.substr(prefix.size()) : traffic);
  }
  const Json* const performance = member(object, "performance_config");
  const std::string_view pace =
      performance != nullptr ? text_member(*performance, {"latency"}) : text_member(object, {"speed"});
  if (pace != "standard") {
    assign(speed, pace);
  }
  const std::string_view place = text_member(object, {"inference_geo"});
  if (place != "global" && place != "not_available") {
    assign(region, place);
  }
  assign(variant, text_member(object, {"search_context_size"}));
}

void Collector::fail(std::string problem) {
  if (malformed_.empty()) {
    malformed_ = std::move(problem);
  }
}

/// Takes wrappers apart: text that holds JSON (a line of an event stream), OTLP's lists of spans.
bool Collector::expand(Json& part, int depth) {
  constexpr int deepest = 4;
  if (depth > deepest) {
    return false;
  }
  const auto expand_text = [&](std::string_view text) {
    for_each_document(text, [&](std::string_view document) {
      if (const std::optional<Error> error =
              read_parts(document, [&](Json inner) { add(std::move(inner), depth + 1); })) {
        fail("text in the payload is no JSON: " + error->message);
      }
    });
  };
  if (part.type == Json::Type::string) {
    expand_text(part.text);
    return true;
  }
  if (const Json* const data = part.find("data"); data != nullptr && data->type == Json::Type::string) {
    if (data->text.starts_with('{')) {
      expand_text(data->text);
      return true;
    }
  }
  if (member(part, {"resource_metrics", "scope_metrics"}) != nullptr) {
    lacking_ = "metrics are sums over calls: pass spans or log records";
    return true;
  }
  for (const std::string_view name :
       {"resource_spans", "scope_spans", "spans", "resource_logs", "scope_logs", "log_records"}) {
    const auto list = std::find_if(part.members.begin(), part.members.end(), [&](const Json::Member& each) {
      return each.value.type == Json::Type::array && same_name(each.key, name);
    });
    if (list != part.members.end()) {
      for (Json& item : list->value.items) {
        add(std::move(item), depth + 1);
      }
      return true;
    }
  }
  return false;
}

void Collector::add(Json part, int depth) {
  if (expand(part, depth)) {
    return;
  }
  if (part.type != Json::Type::object) {
    return;
  }
  if (part.find("key") != nullptr && part.find("value") != nullptr) {
    attributes_.type = Json::Type::array;
    attributes_.items.push_back(std::move(part));
  } else if (is_otel(part)) {
    add_span(part);
  } else if (const Json* const attributes = part.find("attributes");
             attributes != nullptr && attributes->type == Json::Type::array) {
    add_response(flat_attributes(*attributes));
  } else {
    add_response(part);
  }
}

void Collector::add_span(const Json& span) {
  Counts counts;
  OtelSpan told = read_otel(span, counts);
  if (!told.bills) {
    not_billed_ = "operation " + quoted(told.operation) + " repeats the usage of the calls within";
    return;
  }
  if (!counts.problem().empty()) {
    fail(counts.problem());
  }
  if (!counts.found()) {
    lacking_ = "the attributes have no token count";
    assign(facts_.model, told.model);
    return;
  }
  UsageLine line;
  line.model = std::move(told.model);
  line.usage = std::move(counts.usage);
  line.service_tier = std::move(told.service_tier);
  line.reported_cost = told.cost;
  line.reported_currency = told.cost.has_value() ? "USD" : "";
  result_.lines.push_back(std::move(line));
}

Collector::Response& Collector::response_of(const Located& located) {
  const std::optional<std::string> id = response_id(located);
  if (id.has_value() && !id->empty()) {
    const auto known = by_id_.find(*id);
    if (known != by_id_.end()) {
      return responses_[known->second];
    }
  }
  const bool goes_on = !id.has_value() && shape_of(*located.usage) == Shape::gemini;
  const bool is_own = id.has_value() && id->empty();
  if (responses_.empty() || is_own || (responses_.back().is_final && !goes_on)) {
    responses_.emplace_back();
    responses_.back().facts.model = facts_.model;  // as of now: a later part may name that of later responses
  }
  if (id.has_value()) {
    responses_.back().is_final = true;
    if (!is_own) {
      by_id_.emplace(*id, responses_.size() - 1);
    }
  }
  return responses_.back();
}

void Collector::add_measures(const Json& answer, const std::string& model) {
  Counts counts;
  UsageLine line;
  line.model = model;
  read_measures(answer, counts, line.model);
  if (!counts.problem().empty()) {
    fail(counts.problem());
  } else if (!counts.usage.entries().empty()) {
    line.usage = std::move(counts.usage);
    result_.lines.push_back(std::move(line));
  }
}

void Collector::add_response(const Json& part) {
  if (hints_.counts_only) {
    not_billed_ = "counting tokens is not billed";
    return;
  }
  const Located located = locate_usage(part);
  if (located.usage == nullptr) {
    if (!located.problem.empty()) {
      fail(located.problem);
    }
    Facts& facts = responses_.empty() || responses_.back().is_final ? facts_ : responses_.back().facts;
    facts.read(part);
    if (const std::size_t images = hints_.images && located.problem.empty() ? images_in(part) : 0; images > 0) {
      UsageLine line;
      line.model = facts.model;
      line.usage.set("images", Decimal::from_integer(images));
      result_.lines.push_back(std::move(line));
    } else {
      add_measures(part, facts.model);
    }
    for (const std::string_view name : {"message", "response", "interaction", "payload", "session"}) {
      const Json* const inner = member(part, name);
      if (is_object(inner)) {
        facts.read(*inner);
        // A session that only transcribes names its model where it says how to.
        if (const Json* const how =
                object_member(object_member(object_member(inner, "audio"), "input"), "transcription");
            how != nullptr && facts.model.empty()) {
          facts.read(*how);
        }
      }
    }
    return;
  }
  Response& response = response_of(located);
  for (const Json* const envelope : located.envelopes) {
    response.facts.read(*envelope);
    if (hints_.images) {
      response.images = std::max(response.images, images_in(*envelope));
    }
    if (const Json* const breakdown = member(*envelope, "usage_breakdown")) {
      response.breakdown = *breakdown;
    }
    if (const Json* const output = member(*envelope, "output"); output != nullptr && hints_.openai) {
      count_output_tools(*output, response.tools);
    }
    count_grounding(*envelope, response.tools);
    // A list of embeddings or of ranked documents.
    if (shape_of(*located.usage) == Shape::total && text_member(*envelope, {"object"}) == "list") {
      hints_.total_is_input = true;
    }
  }
  response.facts.read(*located.usage);
  count_grounding_tools(*located.usage, response.facts.model, response.tools);
  Json usage = *located.usage;
  // Gemini's last chunk holds the final counts, some of them below those of chunks before.
  if (shape_of(usage) == Shape::gemini) {
    response.usage = std::move(usage);
  } else {
    merge_maximum(response.usage, std::move(usage));
  }
  response.has_usage = true;
}

bool Collector::emit(const Response& response) {
  const Facts& facts = response.facts;
  const std::string& model = facts.model.empty() ? facts_.model : facts.model;
  std::vector<Share> shares = split_by_model(response.usage, response.breakdown, model, hints_);
  // LiteLLM answers for DALL-E with a usage of zeros.
  if (Counts& counts = shares.front().counts; counts.usage.entries().empty() && response.images > 0) {
    counts.set("images", Decimal::from_integer(response.images));
    counts.mark_found();
  }
  for (const Share& share : shares) {
    if (!share.counts.problem().empty()) {
      fail(share.counts.problem());
      return false;
    }
  }
  if (!shares.front().counts.found()) {
    lacking_ = shape_of(response.usage) == Shape::total ? "a total alone does not tell input from output"
                                                        : "the usage has no count that is known";
    return false;
  }
  const Count cost = reported_cost(response.usage);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    UsageLine line;
    line.model = std::move(shares[i].model);
    line.usage = std::move(shares[i].counts.usage);
    line.service_tier = facts.service_tier.empty() ? facts_.service_tier : facts.service_tier;
    line.speed = facts.speed;
    line.region = facts.region;
    line.variant = facts.variant;
    if (i == 0) {
      for (const Usage::Entry& entry : response.tools.entries()) {
        if (line.usage.find(entry.meter()) == nullptr) {
          line.usage.set(entry.meter(), entry.quantity);
        }
      }
      line.reported_cost = cost;
      line.reported_currency = cost.has_value() ? "USD" : "";
    }
    result_.lines.push_back(std::move(line));
  }
  return true;
}

ProviderUsage Collector::finish() && {
  if (attributes_.type == Json::Type::array) {
    Json span;
    span.type = Json::Type::object;
    span.members.push_back({"attributes", std::move(attributes_)});
    add_span(span);
  }
  for (const Response& response : responses_) {
    emit(response);
  }
  using Outcome = ProviderUsage::Outcome;
  if (!malformed_.empty()) {
    result_.outcome = Outcome::malformed;
    result_.problem = std::move(malformed_);
  } else if (!result_.lines.empty()) {
    result_.outcome = Outcome::usage;
    return std::move(result_);
  } else if (!not_billed_.empty()) {
    result_.outcome = Outcome::not_billed;
    result_.problem = std::move(not_billed_);
  } else {
    result_.outcome = Outcome::no_usage;
    result_.problem = lacking_.empty() ? "the payload has no usage" : std::move(lacking_);
  }
  const Facts& facts = responses_.empty() ? facts_ : responses_.front().facts;
  UsageLine known;
  known.model = facts.model.empty() ? facts_.model : facts.model;
  known.service_tier = facts.service_tier.empty() ? facts_.service_tier : facts.service_tier;
  known.speed = facts.speed;
  known.region = facts.region;
  known.variant = facts.variant;
  if (!responses_.empty()) {
    known.reported_cost = reported_cost(responses_.front().usage);
    known.reported_currency = known.reported_cost.has_value() ? "USD" : "";
  }
  result_.lines.clear();
  result_.lines.push_back(std::move(known));
  return std::move(result_);
}

}  // namespace spend::formats

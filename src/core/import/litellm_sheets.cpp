#include "core/import/litellm_sheets.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "core/error_text.hpp"
#include "core/import/litellm_off_peak.hpp"
#include "core/import/rate_text.hpp"

namespace spend {

namespace {

using Role = LiteLlmRole;
using Sheet = LiteLlmSheet;

void put(RateCard& card, const LiteLlmRate& rate) {
  if (rate.cost.above_tokens == 0) {
    card.set(rate.meter, rate.rate);
  } else {
    card.set_step(rate.meter, Decimal::from_integer(rate.cost.above_tokens), rate.rate);
  }
}

/// The standard sheet, and one for each service tier and variant that states rates of its own.
std::vector<Sheet> base_sheets(LiteLlmEntry& entry) {
  RateCard standard;
  standard.from_threshold = entry.provider == "xai";  // counts from the threshold on, as no other vendor does
  std::map<std::pair<std::string, std::string>, RateCard> others;
  for (const LiteLlmRate& rate : entry.rates) {
    if (rate.meter.empty()) {
      continue;
    }
    if (rate.cost.key->role == Role::input_dbu || rate.cost.key->role == Role::output_dbu) {
      standard.currency = "DBU";
    }
    const bool is_standard = rate.cost.service_tier == "standard" && rate.cost.variant.empty();
    put(is_standard ? standard : others[{std::string(rate.cost.service_tier), rate.cost.variant}], rate);
  }
  // What makes images counts all of its output as images.
  const auto images = standard.cells().find("output_image_tokens");
  if (images != standard.cells().end() && images->second.has_base && !standard.has("output_tokens")) {
    standard.set("output_tokens", images->second.base);
  }
  for (const std::string& meter : standard.drop_steps_without_base()) {
    entry.notes.push_back("left out: " + meter + " above a threshold (no rate below it)");
  }
  std::vector<Sheet> sheets;
  for (const auto& [place, card] : others) {
    sheets.push_back({.service_tier = place.first, .variant = place.second, .card = standard.overlaid_with(card)});
    sheets.back().card.drop_steps_without_base();
  }
  if (!standard.empty()) {
    sheets.insert(sheets.begin(), Sheet{.card = std::move(standard)});
  }
  return sheets;
}

/// The figure of a key inside a nested object.
Result<LiteLlmRate> nested_rate(const std::string& key, const Json& value, LiteLlmEntry& entry) {
  std::optional<LiteLlmCost> cost = parse_litellm_key(key);
  if (!cost.has_value() || cost->key->meter.empty() || cost->service_tier != "standard" || cost->above_tokens != 0) {
    return Error{ErrorKind::invalid_value, "tiered_pricing: unknown key " + quoted(key), "", ""};
  }
  Result<CatalogNumber> number = litellm_number(value, *cost, key, entry.notes);
  if (!number.ok()) {
    return std::move(number).error();
  }
  LiteLlmRate rate{.cost = *cost, .key = key, .meter = std::string(cost->key->meter), .rate = {}, .figure = *number};
  Result<Rate> written = rate_of(rate.figure, cost->key->per);
  if (!written.ok()) {
    return std::move(written).error();
  }
  rate.rate = *written;
  return rate;
}

/// "[1, 10]" of two numbers.
std::optional<std::array<Decimal, 2>> read_range(const Json& value) {
  if (value.type != Json::Type::array || value.items.size() != 2) {
    return std::nullopt;
  }
  std::array<Decimal, 2> range;
  for (std::size_t i = 0; i < 2; ++i) {
    const Result<Decimal> bound = Decimal::parse(value.items[i].text);
    if (value.items[i].type != Json::Type::number || !bound.ok()) {
      return std::nullopt;
    }
    range[i] = *bound;
  }
  return range;
}

/// What a range does not rate is part of what it does rate, and never at a rate from elsewhere: a request is billed by
/// one range as a whole.
struct Fallback {
  std::string_view meter;
  std::string_view first;
  std::string_view family;
};
constexpr std::array parts_of_a_range = {
    Fallback{"cache_read_tokens", "input_tokens", "input_tokens"},
    Fallback{"cache_write_tokens", "input_tokens", "input_tokens"},
    Fallback{"cache_write_1h_tokens", "cache_write_tokens", "input_tokens"},
    Fallback{"output_reasoning_tokens", "output_tokens", "output_tokens"},
};

/// The ranges as one card. Precondition: each rates input_tokens.
RateCard joined_ranges(std::map<Decimal, RateCard>& steps) {
  for (const Fallback& part : parts_of_a_range) {
    const auto has_part = [&](const auto& step) { return step.second.has(part.meter); };
    if (std::none_of(steps.begin(), steps.end(), has_part)) {
      continue;
    }
    for (auto& [from, rates] : steps) {
      for (const std::string_view source : {part.first, part.family}) {
        if (!rates.has(part.meter) && rates.has(source)) {
          rates.set(part.meter, rates.cells().find(source)->second.base);
        }
      }
    }
  }
  RateCard card;
  for (const auto& [from, rates] : steps) {
    for (const auto& [meter, cell] : rates.cells()) {
      if (from.is_zero()) {
        card.set(meter, cell.base);
      } else {
        card.set_step(meter, from, cell.base);
      }
    }
  }
  return card;
}

/// tiered_pricing: steps by input tokens (lo, hi], or one variant for each range of search results.
std::optional<Error> add_ranges(LiteLlmEntry& entry, std::vector<Sheet>& sheets) {
  const Error malformed{ErrorKind::invalid_value, "tiered_pricing: not a list of ranges with rates", "", ""};
  if (entry.ranges->type != Json::Type::array || entry.ranges->items.empty()) {
    return malformed;
  }
  std::map<Decimal, RateCard> steps;
  std::optional<Decimal> reached;  // the end of the range before
  for (const Json& step : entry.ranges->items) {
    const Json* const tokens = step.find("range");
    const Json* const results = step.find("max_results_range");
    if ((tokens == nullptr) == (results == nullptr)) {
      return malformed;
    }
    const std::optional<std::array<Decimal, 2>> range = read_range(tokens != nullptr ? *tokens : *results);
    if (!range.has_value()) {
      return malformed;
    }
    if (tokens != nullptr) {
      if ((*range)[0] != reached.value_or(Decimal()) || (*range)[1] <= (*range)[0]) {
        return Error{ErrorKind::invalid_value,
                     "tiered_pricing: a range from " + (*range)[0].to_string() + " to " + (*range)[1].to_string() +
                         " does not go on from " + reached.value_or(Decimal()).to_string(),
                     "", ""};
      }
      reached = (*range)[1];
    }
    RateCard variant;
    for (const auto& [key, part] : step.members) {
      if (&part == tokens || &part == results) {
        continue;
      }
      Result<LiteLlmRate> rate = nested_rate(key, part, entry);
      if (!rate.ok()) {
        return std::move(rate).error();
      }
      (results != nullptr ? variant : steps[(*range)[0]]).set(rate->meter, rate->rate);
    }
    if (results != nullptr) {
      sheets.push_back({.variant = (*range)[0].to_string() + "-" + (*range)[1].to_string(), .card = variant});
    }
  }
  if (steps.empty()) {
    return std::nullopt;
  }
  const auto rates_input = [](const auto& step) { return step.second.has("input_tokens"); };
  if (std::none_of(steps.begin(), steps.end(), rates_input)) {
    entry.notes.emplace_back("left out: tiered_pricing (no rate of input)");
    return std::nullopt;
  }
  if (!std::all_of(steps.begin(), steps.end(), rates_input)) {
    return Error{ErrorKind::invalid_value, "tiered_pricing: a range without a rate of input", "", ""};
  }
  const RateCard card = joined_ranges(steps);
  const auto standard = std::find_if(sheets.begin(), sheets.end(), [](const Sheet& sheet) {
    return sheet.service_tier == "standard" && sheet.variant.empty();
  });
  if (standard != sheets.end()) {
    for (const Fallback& part : parts_of_a_range) {
      if (card.has(part.family)) {
        standard->card.drop(part.meter);
      }
    }
    standard->card = standard->card.overlaid_with(card);  // what else stands beside the ranges goes with them
  } else {
    sheets.insert(sheets.begin(), Sheet{.card = card});
  }
  return std::nullopt;
}

/// off_peak_pricing: at its hours its rates hold in the place of all others, steps and service tiers included. What it
/// does not rate stays as it is at other hours, so the schedule repeats it: a schedule is complete.
std::optional<Error> add_off_peak(LiteLlmEntry& entry, std::vector<Sheet>& sheets) {
  Result<LiteLlmOffPeak> off_peak = read_litellm_off_peak(*entry.off_peak, entry.notes);
  if (!off_peak.ok()) {
    return std::move(off_peak).error();
  }
  if (off_peak->rates.empty()) {
    return std::nullopt;
  }
  RateCard rates;
  for (const LiteLlmRate& rate : off_peak->rates) {
    rates.set(rate.meter, rate.rate);
  }
  for (Sheet& sheet : sheets) {
    if (sheet.service_tier != "batch") {  // a batch has no hour
      const RateCard stays = sheet.card.families(rates.has("input_tokens"), rates.has("output_tokens"));
      sheet.schedule.push_back({off_peak->time, stays.replaced_by(rates)});
    }
  }
  return std::nullopt;
}

/// search_context_cost_per_query: one fee, or one for each size of the search's context.
std::optional<Error> add_search_context(LiteLlmEntry& entry, std::vector<Sheet>& sheets) {
  constexpr std::string_view key = "search_context_cost_per_query";
  const std::optional<LiteLlmCost> cost = parse_litellm_key(key);
  std::map<std::string, Rate> sizes;
  const auto add_size = [&](std::string_view size, const Json& value, std::string_view name) -> std::optional<Error> {
    Result<CatalogNumber> number = litellm_number(value, *cost, name, entry.notes);
    if (!number.ok()) {
      return std::move(number).error();
    }
    Result<Rate> rate = rate_of(*number, Per::thousand);
    if (!rate.ok()) {
      return std::move(rate).error();
    }
    sizes[std::string(size)] = *rate;
    return std::nullopt;
  };
  if (entry.search_context->type != Json::Type::object) {
    if (std::optional<Error> error = add_size("medium", *entry.search_context, key)) {
      return error;
    }
  }
  for (const auto& [name, value] : entry.search_context->members) {
    constexpr std::string_view prefix = "search_context_size_";
    if (!name.starts_with(prefix)) {
      return Error{ErrorKind::invalid_value, std::string(key) + ": unknown key " + quoted(name), "", ""};
    }
    if (std::optional<Error> error = add_size(std::string_view(name).substr(prefix.size()), value, name)) {
      return error;
    }
  }
  if (sizes.empty()) {
    return std::nullopt;
  }
  const bool all_equal =
      std::all_of(sizes.begin(), sizes.end(), [&](const auto& size) { return size.second == sizes.begin()->second; });
  // What the vendor takes when the request does not say: Perplexity bills the request at the low size, others a search
  // at the medium one.
  const bool is_request_fee = entry.provider == "perplexity" && !all_equal;
  const std::string meter = is_request_fee ? "requests" : "web_searches";
  const auto usual = sizes.find(is_request_fee ? "low" : "medium");
  std::vector<Sheet> variants;
  for (Sheet& sheet : sheets) {
    if (!sheet.variant.empty()) {
      continue;
    }
    for (const auto& [size, rate] : sizes) {
      if (!all_equal) {
        variants.push_back(sheet);
        variants.back().variant = size;
        variants.back().card.set(meter, rate);
      }
    }
    sheet.card.set(meter, usual == sizes.end() ? sizes.begin()->second : usual->second);
  }
  sheets.insert(sheets.end(), variants.begin(), variants.end());
  return std::nullopt;
}

/// Regions and speeds whose prices are the others' times a factor.
std::optional<Error> add_factors(LiteLlmEntry& entry, std::vector<Sheet>& sheets) {
  std::optional<Decimal> fast;
  if (entry.vendor_factors != nullptr) {
    for (const auto& [name, value] : entry.vendor_factors->members) {
      const bool is_number = value.type == Json::Type::number;
      if (!is_number || (name != "us" && name != "fast")) {
        if (is_number) {
          entry.notes.push_back("left out: provider_specific_entry." + name + " (unknown)");
        }
        continue;
      }
      const Result<Decimal> factor = Decimal::parse(value.text);
      if (!factor.ok()) {
        return factor.error();
      }
      if (name == "us") {
        entry.uplifts.emplace_back("us", *factor);
      } else {
        fast = *factor;
      }
    }
  }
  const auto add_multiplied = [&](const Decimal& factor, auto change) -> std::optional<Error> {
    const std::size_t count = sheets.size();
    for (std::size_t i = 0; i < count; ++i) {
      Sheet sheet = sheets[i];
      if (!change(sheet)) {
        continue;
      }
      Result<RateCard> card = sheet.card.tokens_times(factor);
      if (!card.ok()) {
        return std::move(card).error();
      }
      sheet.card = *std::move(card);
      for (ScheduledRates& scheduled : sheet.schedule) {
        card = scheduled.card.tokens_times(factor);
        if (!card.ok()) {
          return std::move(card).error();
        }
        scheduled.card = *std::move(card);
      }
      sheets.push_back(std::move(sheet));
    }
    return std::nullopt;
  };
  if (fast.has_value()) {
    // The fast speed is offered for the standard service tier only.
    if (std::optional<Error> error = add_multiplied(*fast, [](Sheet& sheet) {
          sheet.speed = "fast";
          return sheet.service_tier == "standard";
        })) {
      return error;
    }
  }
  for (const auto& [region, factor] : entry.uplifts) {
    if (std::optional<Error> error = add_multiplied(factor, [&name = region](Sheet& sheet) {
          const bool is_first = sheet.region.empty();
          sheet.region = name;
          return is_first;
        })) {
      return error;
    }
  }
  return std::nullopt;
}

/// Google asks more of all its regions than of the global endpoint. A condition can name places and not leave one out,
/// so it names them all.
std::string elsewhere_condition(const Decimal& factor) {
  // The regions of https://cloud.google.com/about/locations, and the multi-regions of Vertex AI, as of September 2026.
  return R"({"if": {"region": ["us", "eu", "us-central1", "us-east1", "us-east4", "us-east5", "us-south1", "us-west1", )"
         R"("us-west2", "us-west3", "us-west4", "northamerica-northeast1", "northamerica-northeast2", )"
         R"("northamerica-south1", "southamerica-east1", "southamerica-west1", "europe-central2", "europe-north1", )"
         R"("europe-north2", "europe-southwest1", "europe-west1", "europe-west2", "europe-west3", "europe-west4", )"
         R"("europe-west6", "europe-west8", "europe-west9", "europe-west10", "europe-west12", "asia-east1", )"
         R"("asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3", "asia-south1", "asia-south2", )"
         R"("asia-southeast1", "asia-southeast2", "asia-southeast3", "australia-southeast1", "australia-southeast2", )"
         R"("me-central1", "me-central2", "me-west1", "africa-south1"]}, "multiply": )" +
         json_quote(factor.to_string()) + "}";
}

}  // namespace

Result<std::vector<LiteLlmSheet>> litellm_sheets(LiteLlmEntry& entry) {
  std::vector<Sheet> sheets = base_sheets(entry);
  if (entry.ranges != nullptr) {
    if (std::optional<Error> error = add_ranges(entry, sheets)) {
      return *std::move(error);
    }
  }
  if (entry.off_peak != nullptr) {
    if (std::optional<Error> error = add_off_peak(entry, sheets)) {
      return *std::move(error);
    }
  }
  if (entry.search_context != nullptr) {
    if (std::optional<Error> error = add_search_context(entry, sheets)) {
      return *std::move(error);
    }
  }
  if (std::optional<Error> error = add_factors(entry, sheets)) {
    return *std::move(error);
  }
  if (entry.elsewhere.has_value()) {
    for (Sheet& sheet : sheets) {
      sheet.conditions.push_back(elsewhere_condition(*entry.elsewhere));
    }
  }
  if (sheets.empty()) {
    return Error{ErrorKind::invalid_value, "it has no price", "", ""};
  }
  return sheets;
}

}  // namespace spend

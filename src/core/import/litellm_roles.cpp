#include "core/import/litellm_roles.hpp"

#include <algorithm>

#include "core/error_text.hpp"
#include "core/import/rate_text.hpp"

namespace spend {

namespace {

using Role = LiteLlmRole;

Error at_key(std::string_view key, const Error& cause) {
  Error error = cause;
  error.message = std::string(key) + ": " + cause.message;
  return error;
}

/// Questions about an entry that decide what its other keys mean.
class Facts {
 public:
  explicit Facts(const LiteLlmEntry& entry) : entry_(entry) {}

  bool has(std::string_view name) const { return find(name) != nullptr; }
  bool charges(std::string_view name) const {
    const LiteLlmRate* const rate = find(name);
    return rate != nullptr && !rate->figure.value.is_zero();
  }
  bool charges_input_tokens() const { return charges("input_cost_per_token") || charges("input_cost_per_image_token"); }
  bool charges_output_tokens() const {
    return charges("output_cost_per_token") || charges("output_cost_per_image_token") ||
           charges("output_cost_per_audio_token");
  }
  bool makes_images() const { return entry_.mode == "image_generation" || entry_.mode == "image_edit"; }
  bool has_image_price() const { return charges("input_cost_per_image") || charges("output_cost_per_image"); }

 private:
  const LiteLlmRate* find(std::string_view name) const {
    const auto found = std::find_if(entry_.rates.begin(), entry_.rates.end(),
                                    [&](const LiteLlmRate& rate) { return rate.cost.key->name == name; });
    return found == entry_.rates.end() ? nullptr : &*found;
  }
  const LiteLlmEntry& entry_;
};

enum class Verdict { keep, again, other_currency };

/// Sets the meter of a key whose meaning depends on its company; `again` when it repeats a price that stands elsewhere.
Verdict settle(LiteLlmRate& rate, const LiteLlmEntry& entry, const Facts& facts) {
  const bool is_zero = rate.figure.value.is_zero();
  const std::string& mode = entry.mode;
  switch (rate.cost.key->role) {
    case Role::cached_input:
      return facts.has("cache_read_input_token_cost") ? Verdict::again : Verdict::keep;
    case Role::cached_audio:
      return facts.has("cache_read_input_audio_token_cost") ? Verdict::again : Verdict::keep;
    case Role::input_character:
      return facts.charges_input_tokens() ? Verdict::again : Verdict::keep;
    case Role::output_character:
      return facts.charges_output_tokens() ? Verdict::again : Verdict::keep;
    case Role::input_seconds:
      if (entry.is_commitment) {
        rate.meter = "provisioned_hours";
      }
      // Of sound some entries state the price of a second as output, and zero as input.
      return is_zero && mode != "video_generation" && facts.charges("output_cost_per_second") ? Verdict::again
                                                                                              : Verdict::keep;
    case Role::output_seconds:
      if (mode == "video_generation") {
        return Verdict::keep;
      }
      rate.meter = "audio_seconds";
      return entry.is_commitment || facts.charges("input_cost_per_second") || facts.charges_output_tokens() ||
                     (is_zero && facts.has("input_cost_per_second"))
                 ? Verdict::again
                 : Verdict::keep;
    case Role::input_image: {
      if (mode == "embedding" || !facts.charges_input_tokens()) {
        const bool makes = facts.makes_images() && !facts.has("output_cost_per_image");
        rate.meter = makes ? "images" : "input_images";
        return Verdict::keep;
      }
      // No vendor reads an image for so little: the key holds the rate of an image token.
      static const Decimal least_image_price = *Decimal::from_parts(1, 4);
      if (is_zero || rate.figure.value >= least_image_price || facts.has("input_cost_per_image_token")) {
        return Verdict::again;
      }
      rate.meter = "input_image_tokens";
      return Verdict::keep;
    }
    case Role::output_image:
      return facts.charges_output_tokens() ? Verdict::again : Verdict::keep;
    case Role::input_pixel:
      if (facts.has_image_price()) {
        return Verdict::again;
      }
      if (facts.makes_images() && !facts.charges("output_cost_per_pixel")) {
        rate.meter = "output_pixels";
      }
      return Verdict::keep;
    case Role::output_pixel:
      // Zero beside a paid "input" pixel says that the figure stands there.
      return facts.has_image_price() || (is_zero && facts.charges("input_cost_per_pixel")) ? Verdict::again
                                                                                           : Verdict::keep;
    case Role::query:
      if (mode == "rerank") {
        rate.meter = "rerank_searches";
      }
      return Verdict::keep;
    case Role::input_dbu:
      return facts.has("input_cost_per_token") ? Verdict::other_currency : Verdict::keep;
    case Role::output_dbu:
      return facts.has("output_cost_per_token") ? Verdict::other_currency : Verdict::keep;
    default:
      return Verdict::keep;
  }
}

/// The rate in the unit in which it is written: hours for what a commitment reserves.
Result<Rate> written_rate(const LiteLlmRate& rate) {
  if (rate.meter == "provisioned_hours") {
    if (rate.figure.per == Per::hour) {
      return Rate{rate.figure.value, Per::one};
    }
    Result<Decimal> hourly = multiply(rate.figure.value, Decimal::from_integer(divisor(Per::hour)));
    if (!hourly.ok()) {
      return std::move(hourly).error();
    }
    return Rate{*hourly, Per::one};
  }
  return rate_of(rate.figure, is_token_meter(rate.meter) ? Per::million : rate.cost.key->per);
}

}  // namespace

Result<CatalogNumber> litellm_number(const Json& value, const LiteLlmCost& cost, std::string_view key,
                                     std::vector<std::string>& notes) {
  if (value.type != Json::Type::number && value.type != Json::Type::string) {
    return Error{ErrorKind::invalid_text, std::string(key) + ": not a number", "", ""};
  }
  Result<CatalogNumber> number = read_catalog_rate(value.text, cost.key->per, cost.key->meter.ends_with("_seconds"));
  if (!number.ok()) {
    return at_key(key, number.error());
  }
  if (number->cleaned) {
    notes.push_back(std::string(key) + " " + value.text + " taken as " + number->value.to_string() +
                    (number->per == Per::hour ? " an hour" : ""));
  }
  if (cost.key->units != 1) {
    Result<Decimal> one = multiply(number->value, *Decimal::from_parts(1, 3));
    if (!one.ok()) {
      return at_key(key, one.error());
    }
    number->value = *one;
  }
  const bool is_dbu = cost.key->role == Role::input_dbu || cost.key->role == Role::output_dbu;
  if (!is_dbu && is_token_meter(cost.key->meter) && !is_sane_token_rate(number->value, number->per)) {
    return Error{ErrorKind::invalid_value, std::string(key) + ": " + value.text + " per token is outside 1e-10 to 1e-2",
                 "", ""};
  }
  return number;
}

Result<LiteLlmEntry> read_litellm_entry(const Json& value, std::string_view provider, bool is_commitment) {
  LiteLlmEntry entry;
  entry.provider = provider;
  entry.is_commitment = is_commitment;
  if (const Json* const mode = value.find("mode"); mode != nullptr && mode->type == Json::Type::string) {
    entry.mode = mode->text;
  }
  for (const auto& [key, part] : value.members) {
    std::optional<LiteLlmCost> cost = parse_litellm_key(key);
    if (!cost.has_value()) {
      if (looks_like_litellm_cost(key)) {
        entry.notes.push_back("left out: " + key + " (unknown)");
      }
      continue;
    }
    if (part.type == Json::Type::null) {
      continue;
    }
    switch (cost->key->role) {
      case Role::search_context:
        entry.search_context = &part;
        continue;
      case Role::ranges:
        entry.ranges = &part;
        continue;
      case Role::off_peak:
        entry.off_peak = &part;
        continue;
      case Role::vendor_factors:
        entry.vendor_factors = &part;
        continue;
      default:
        break;
    }
    Result<CatalogNumber> number = litellm_number(part, *cost, key, entry.notes);
    if (!number.ok()) {
      return std::move(number).error();
    }
    if (cost->key->role == Role::elsewhere) {
      entry.elsewhere = number->value;
      continue;
    }
    if (cost->key->role == Role::uplift) {
      entry.uplifts.emplace_back(cost->variant, number->value);
      continue;
    }
    entry.rates.push_back({.cost = *std::move(cost), .key = key, .meter = "", .rate = {}, .figure = *number});
  }
  settle_litellm_roles(entry);
  for (LiteLlmRate& rate : entry.rates) {
    if (rate.meter.empty()) {
      continue;
    }
    Result<Rate> written = written_rate(rate);
    if (!written.ok()) {
      return at_key(rate.key, written.error());
    }
    rate.rate = *written;
  }
  return entry;
}

void settle_litellm_roles(LiteLlmEntry& entry) {
  const Facts facts(entry);
  for (LiteLlmRate& rate : entry.rates) {
    rate.meter = rate.cost.key->meter;
    switch (settle(rate, entry, facts)) {
      case Verdict::keep:
        continue;
      case Verdict::again:
        if (!rate.figure.value.is_zero()) {
          entry.notes.push_back("left out: " + rate.key + " (states a price again)");
        }
        break;
      case Verdict::other_currency:
        entry.notes.push_back("left out: " + rate.key + " (the price in DBU)");
        break;
    }
    rate.meter.clear();
  }
}

}  // namespace spend

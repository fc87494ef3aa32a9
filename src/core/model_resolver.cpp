#include "core/model_resolver.hpp"

#include <algorithm>
#include <utility>

#include "core/model_form.hpp"
#include "core/model_makers.hpp"
#include "core/model_name.hpp"
#include "core/provider_names.hpp"

namespace spend {

namespace {

constexpr const char* unknown_model = "unknown model";
constexpr const char* ambiguous_provider = "ambiguous provider";

/// The candidate that is the provider: spelled like it, else by another name of it; "" for none.
std::string_view same_among(std::span<const std::string> candidates, std::string_view provider) {
  if (std::binary_search(candidates.begin(), candidates.end(), provider)) {
    return provider;
  }
  const auto place = std::find_if(candidates.begin(), candidates.end(),
                                  [&](const std::string& candidate) { return same_provider(candidate, provider); });
  return place == candidates.end() ? std::string_view() : std::string_view(*place);
}

/// The provider whose prices stand in for another's, where nobody has said: Azure sells OpenAI's and Anthropic's
/// models at their makers' prices, Google sells Anthropic's.
std::string_view built_in_fallback(std::string_view canonical, std::string_view model) {
  const std::string_view maker = maker_of_key(model);
  const bool sells = canonical == "azure"    ? maker == "openai" || maker == "anthropic"
                     : canonical == "google" ? maker == "anthropic"
                                             : false;
  return sells ? maker : std::string_view();
}

class Search {
 public:
  Search(const ModelIndex& index, const ModelRules& rules, std::string_view surface, Timestamp at)
      : index_(index), rules_(rules), surface_(surface), at_(at) {}

  ModelMatch run(std::string_view provider, std::string_view model) {
    if (apply_alias(rules_.aliases.find(provider, surface_, model, at_, true), MatchedBy::override_alias) ||
        take_provider(as_sent(provider, model), model, MatchedBy::exact) || by_readings(provider, model) ||
        by_pattern(model) || by_only_snapshot() || by_fallback(provider, model)) {
      return std::move(match_);
    }
    match_.reason = is_ambiguous_ ? ambiguous_provider : unknown_model;
    return std::move(match_);
  }

 private:
  static ModelReading as_sent(std::string_view provider, std::string_view model) {
    return {.name = std::string(model), .provider = std::string(provider), .is_strict = !provider.empty()};
  }

  /// The provider of the model that the reading means, "" if there is none.
  std::string_view seller_of(const ModelReading& reading, std::string_view model) {
    const std::span<const std::string> candidates = index_.providers_of(model);
    if (candidates.empty()) {
      return {};
    }
    std::string_view provider =
        reading.provider.empty() ? std::string_view() : same_among(candidates, reading.provider);
    if (provider.empty() && !reading.is_strict) {
      provider = provider_meant(candidates, model);
      is_ambiguous_ = is_ambiguous_ || provider.empty();
      // deepseek/deepseek-r1 is not what Azure sells; but an in-house provider may file a maker's models.
      if (!reading.provider.empty() && canonical_provider(provider).known) {
        return {};
      }
    }
    const bool is_sold =
        !provider.empty() && (reading.variant.empty() || index_.has_variant(provider, model, reading.variant));
    return is_sold ? provider : std::string_view();
  }

  /// Takes the model if one provider of it is what the reading means.
  bool take_provider(const ModelReading& reading, std::string_view model, MatchedBy matched_by) {
    const std::string_view provider = seller_of(reading, model);
    if (provider.empty()) {
      return false;
    }
    match_.matched_by = reading.is_fallback ? MatchedBy::fallback_provider : matched_by;
    match_.provider = provider;
    match_.model = model;
    match_.surface =
        reading.surface.empty() ? std::string(canonical_provider(reading.provider).surface) : reading.surface;
    match_.region = reading.region;
    match_.variant = reading.variant;
    return true;
  }

  bool take_form(const ModelReading& reading) {
    for (const std::string& form : forms_of(reading)) {
      const std::span<const std::string> models = index_.models_of_form(form);
      // Spelled as the reading has it first; a price table may hold one model under two spellings.
      if (std::binary_search(models.begin(), models.end(), reading.name) &&
          take_provider(reading, reading.name, MatchedBy::normalised)) {
        return true;
      }
      for (const std::string& model : models) {
        if (take_provider(reading, model, MatchedBy::normalised)) {
          return true;
        }
      }
    }
    return false;
  }

  /// A name without a date is the model of which one snapshot is priced; of several, nobody knows which one served.
  bool take_only_snapshot(const ModelReading& reading) {
    const std::string form = undated_form(reading);
    if (form.empty()) {
      return false;
    }
    std::string_view only;
    for (const std::string& model : index_.snapshots_of_form(form)) {
      if (seller_of(reading, model).empty()) {
        continue;
      }
      if (!only.empty() && model_form(only) != model_form(model)) {
        return false;
      }
      only = model;
    }
    return !only.empty() && take_provider(reading, only, MatchedBy::normalised);
  }

  bool by_readings(std::string_view provider, std::string_view model) {
    if (model.size() > max_model_name_bytes) {
      return apply_alias(rules_.aliases.find(provider, surface_, model, at_, false), MatchedBy::alias);
    }
    readings_ = model_readings(provider, model);
    for (const bool fallback : {false, true}) {
      for (const ModelReading& reading : readings_) {
        if (reading.is_fallback == fallback && (by_alias(reading) || take_form(reading))) {
          return true;
        }
      }
    }
    return false;
  }

  /// Where nobody names a provider, what is said of its maker's names holds.
  static std::string_view provider_or_maker(const ModelReading& reading) {
    return reading.provider.empty() ? maker_of_key(reading.name) : std::string_view(reading.provider);
  }

  bool by_alias(const ModelReading& reading) {
    return apply_alias(rules_.aliases.find(provider_or_maker(reading), surface_of(reading), reading.name, at_, false),
                       MatchedBy::alias);
  }

  bool by_pattern(std::string_view model) {
    if (model.size() > max_model_name_bytes) {
      return false;
    }
    for (const ModelReading& reading : readings_) {
      // A pattern says which names are meant, not which variants: ":free" is no paid model.
      if (reading.variant.empty() && !model.ends_with(":free") &&
          apply_alias(rules_.aliases.find_pattern(provider_or_maker(reading), surface_of(reading), reading.name, at_),
                      MatchedBy::pattern)) {
        return true;
      }
    }
    return false;
  }

  bool by_only_snapshot() {
    for (const bool fallback : {false, true}) {
      for (const ModelReading& reading : readings_) {
        if (reading.is_fallback == fallback && take_only_snapshot(reading)) {
          return true;
        }
      }
    }
    return false;
  }

  bool by_fallback(std::string_view provider, std::string_view model) {
    if (provider.empty() || model.size() > max_model_name_bytes) {
      return false;
    }
    for (const ModelReading& reading : model_readings(provider, model)) {
      const std::string_view fallback = fallback_of(provider, reading.name);
      if (fallback.empty() || same_provider(fallback, provider)) {
        continue;
      }
      ModelReading elsewhere = reading;
      elsewhere.provider = fallback;
      elsewhere.is_strict = true;
      elsewhere.is_fallback = true;
      elsewhere.surface.clear();
      if (take_provider(elsewhere, elsewhere.name, MatchedBy::fallback_provider) || take_form(elsewhere) ||
          take_only_snapshot(elsewhere)) {
        match_.surface.clear();
        return true;
      }
    }
    return false;
  }

  /// The alias stands for a model that is found without further aliases: exactly, by its spelling, or one hop away.
  bool apply_alias(const ModelAliases::Found& found, MatchedBy matched_by) {
    match_.depends_on_time = match_.depends_on_time || found.depends_on_time;
    if (found.alias == nullptr) {
      return false;
    }
    const ModelAlias& alias = *found.alias;
    ModelReading target = as_sent(alias.provider, alias.model);
    if (!take_provider(target, alias.model, matched_by) && !take_form(target) && !take_only_snapshot(target) &&
        !by_fallback(alias.provider, alias.model)) {
      match_.provider = alias.provider;
      match_.model = alias.model;
      match_.reason = "no price for " + alias.provider + " " + alias.model + ", which the name is an alias of";
    }
    match_.matched_by = matched_by;
    return true;
  }

  std::string_view fallback_of(std::string_view provider, std::string_view model) const {
    const std::string_view canonical = canonical_provider(provider).name;
    const auto chosen = rules_.fallback_providers.find(std::string(canonical));
    return chosen != rules_.fallback_providers.end() ? std::string_view(chosen->second)
                                                     : built_in_fallback(canonical, model);
  }

  std::string_view surface_of(const ModelReading& reading) const {
    return surface_.empty() ? std::string_view(reading.surface) : surface_;
  }

  const ModelIndex& index_;
  const ModelRules& rules_;
  std::string_view surface_;
  Timestamp at_;
  std::vector<ModelReading> readings_;
  ModelMatch match_;
  bool is_ambiguous_ = false;
};

}  // namespace

std::string_view to_string(MatchedBy matched_by) {
  switch (matched_by) {
    case MatchedBy::none:
      return {};
    case MatchedBy::override_alias:
      return "override";
    case MatchedBy::exact:
      return "exact";
    case MatchedBy::alias:
      return "alias";
    case MatchedBy::normalised:
      return "normalised";
    case MatchedBy::pattern:
      return "pattern";
    case MatchedBy::fallback_provider:
      return "fallback_provider";
  }
  return {};
}

std::string_view provider_meant(std::span<const std::string> candidates, std::string_view model) {
  if (candidates.size() == 1) {
    return candidates.front();
  }
  const std::string_view maker = maker_of_key(model);
  return maker.empty() ? std::string_view() : same_among(candidates, maker);
}

ModelMatch resolve_model(const ModelIndex& index, const ModelRules& rules, std::string_view provider,
                         std::string_view surface, std::string_view model, Timestamp at) {
  return Search(index, rules, surface, at).run(provider, model);
}

}  // namespace spend

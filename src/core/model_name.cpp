#include "core/model_name.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "core/model_form.hpp"
#include "core/model_makers.hpp"
#include "core/provider_names.hpp"

namespace spend {

namespace {

/// Bedrock names models VENDOR.MODEL, inference profiles REGION.VENDOR.MODEL. Sources: AWS's lists of model ids and of
/// geographies of inference profiles.
constexpr std::array bedrock_regions = {std::string_view("us"),   std::string_view("us-gov"), std::string_view("eu"),
                                        std::string_view("apac"), std::string_view("au"),     std::string_view("ca"),
                                        std::string_view("jp"),   std::string_view("global")};
constexpr std::array bedrock_vendors = {
    std::string_view("ai21"),      std::string_view("amazon"),     std::string_view("anthropic"),
    std::string_view("cohere"),    std::string_view("deepseek"),   std::string_view("google"),
    std::string_view("luma"),      std::string_view("meta"),       std::string_view("minimax"),
    std::string_view("mistral"),   std::string_view("moonshot"),   std::string_view("moonshotai"),
    std::string_view("nvidia"),    std::string_view("openai"),     std::string_view("qwen"),
    std::string_view("stability"), std::string_view("twelvelabs"), std::string_view("writer"),
    std::string_view("zai")};

template <typename List>
bool contains(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

struct BedrockName {
  std::string_view vendor;
  std::string_view vendor_and_model;
  std::string_view model;
};

std::optional<BedrockName> bedrock_name(std::string_view name) {
  BedrockName found;
  found.vendor_and_model = name;
  std::size_t dot = name.find('.');
  if (dot != std::string_view::npos && contains(bedrock_regions, name.substr(0, dot))) {
    found.vendor_and_model = name.substr(dot + 1);
    dot = found.vendor_and_model.find('.');
  }
  if (dot == std::string_view::npos || !contains(bedrock_vendors, found.vendor_and_model.substr(0, dot))) {
    return std::nullopt;
  }
  found.vendor = found.vendor_and_model.substr(0, dot);
  found.model = found.vendor_and_model.substr(dot + 1);
  return found.model.empty() ? std::nullopt : std::optional(found);
}

/// us-east-1, ap-southeast-2, us-gov-west-1.
bool is_aws_region(std::string_view text) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return text.size() >= 9 && text.size() <= 16 && is_letter(text[0]) && is_letter(text[1]) && text[2] == '-' &&
         text.rfind('-') == text.size() - 2 && text.back() >= '0' && text.back() <= '9';
}

/// Unwraps names step by step; each step reads what the one before left.
class NameReader {
 public:
  std::vector<ModelReading> readings;

  void read(const ModelReading& reading, int depth) {
    if (readings.size() >= max_readings || reading.name.empty()) {
      return;
    }
    readings.push_back(reading);
    if (depth == 0) {
      return;
    }
    const int left = depth - 1;
    if (reading.name.starts_with("arn:")) {
      read_arn(reading, left);
    } else if (reading.name.starts_with("ft:")) {
      read_fine_tuned(reading);
    } else if (reading.name.ends_with(":free")) {
      read_free(reading);
    } else if (reading.name.find('/') != std::string::npos) {
      read_path(reading, left);
    } else {
      read_provider_colon(reading, left);
      read_bedrock(reading, left);
    }
  }

 private:
  static ModelReading renamed(const ModelReading& reading, std::string_view name) {
    ModelReading result = reading;
    result.name = name;
    return result;
  }

  static bool is_bedrock(const ModelReading& reading) { return canonical_provider(reading.provider).name == "bedrock"; }

  /// arn:aws:bedrock:us-east-1:123:inference-profile/us.anthropic.claude-…; other resources (application profiles,
  /// provisioned throughput, imported models) have ids that say nothing of the model: those need an alias.
  void read_arn(const ModelReading& reading, int depth) {
    const std::string_view arn = reading.name;
    std::array<std::string_view, 6> parts;
    std::size_t place = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::size_t end = i + 1 < parts.size() ? arn.find(':', place) : arn.size();
      if (end == std::string_view::npos) {
        return;
      }
      parts[i] = arn.substr(place, end - place);
      place = end + 1;
    }
    if (parts[2] != "bedrock" || (!reading.provider.empty() && !is_bedrock(reading))) {
      return;
    }
    for (const std::string_view kind :
         {std::string_view("inference-profile/"), std::string_view("foundation-model/")}) {
      if (parts[5].starts_with(kind)) {
        ModelReading inner = renamed(reading, parts[5].substr(kind.size()));
        inner.provider = reading.provider.empty() ? "bedrock" : reading.provider;
        inner.is_strict = true;
        inner.region = parts[3];
        read(inner, depth);
      }
    }
  }

  /// ft:BASE:org:suffix:id is priced as ft:BASE, never as BASE.
  void read_fine_tuned(const ModelReading& reading) {
    const std::size_t end = reading.name.find(':', 3);
    if (end != std::string::npos) {
      read(renamed(reading, std::string_view(reading.name).substr(0, end)), 0);
    }
  }

  void read_free(const ModelReading& reading) {
    constexpr std::size_t suffix = std::string_view(":free").size();
    ModelReading inner = renamed(reading, std::string_view(reading.name).substr(0, reading.name.size() - suffix));
    inner.variant = "free";
    read(inner, 0);
  }

  void read_path(const ModelReading& reading, int depth) {
    const std::string_view name = reading.name;
    const std::size_t slash = name.find('/');
    const std::string_view first = name.substr(0, slash);
    const std::string_view rest = name.substr(slash + 1);
    if (read_vertex_path(reading, depth)) {
      return;
    }
    if (first == "models" || (is_bedrock(reading) && (first == "converse" || first == "invoke"))) {
      read(renamed(reading, rest), depth);
      return;
    }
    if (is_host_region(reading, first)) {
      ModelReading inner = renamed(reading, rest);
      inner.region = first == "global-standard" ? "global" : first;
      read(inner, depth);
      return;
    }
    read_prefixed(reading, first, rest, depth);
  }

  /// [projects/P/locations/L/]publishers/google/models/M
  bool read_vertex_path(const ModelReading& reading, int depth) {
    const std::string_view name = reading.name;
    constexpr std::string_view publishers = "publishers/";
    constexpr std::string_view models = "/models/";
    const std::size_t start = name.starts_with(publishers)    ? 0
                              : name.starts_with("projects/") ? name.find("/publishers/")
                                                              : std::string_view::npos;
    const std::size_t found = start != std::string_view::npos ? name.find(models, start) : std::string_view::npos;
    if (found == std::string_view::npos ||
        (!reading.provider.empty() && canonical_provider(reading.provider).name != "google")) {
      return false;
    }
    ModelReading inner = renamed(reading, name.substr(found + models.size()));
    inner.provider = reading.provider.empty() ? "google" : reading.provider;
    inner.is_strict = true;
    inner.surface = "vertex_ai";
    read(inner, depth);
    return true;
  }

  static bool is_host_region(const ModelReading& reading, std::string_view first) {
    const std::string_view provider = canonical_provider(reading.provider).name;
    return (provider == "azure" &&
            (first == "eu" || first == "us" || first == "global" || first == "global-standard")) ||
           (provider == "bedrock" && is_aws_region(first));
  }

  /// X/rest and X:rest, where X is a provider, a gateway or the organisation that made the model.
  void read_prefixed(const ModelReading& reading, std::string_view prefix, std::string_view rest, int depth) {
    const ProviderName named = canonical_provider(prefix);
    if (!named.known || rest.empty()) {
      return;
    }
    const std::string_view last = rest.substr(rest.rfind('/') == std::string_view::npos ? 0 : rest.rfind('/') + 1);
    const bool is_maker = maker_of_key(last) == named.name;
    ModelReading inner = renamed(reading, rest);
    if (!reading.provider.empty()) {
      // The row's provider stands. A maker before the name says nothing against it, another host would.
      if (is_maker || same_provider(reading.provider, named.name)) {
        read(inner, depth);
      }
      return;
    }
    inner.provider = named.name;
    inner.surface = named.surface;
    // A host is meant literally: azure/gpt-4o is a deployment there. A maker is who is meant where somebody else sells.
    inner.is_strict = !is_maker;
    read(inner, depth);
    if (is_router(named.name)) {
      ModelReading passed_on = renamed(reading, rest);
      passed_on.is_fallback = true;
      read(passed_on, depth);
    }
  }

  void read_provider_colon(const ModelReading& reading, int depth) {
    const std::size_t colon = reading.name.find(':');
    if (colon != std::string::npos) {
      const std::string_view name = reading.name;
      read_prefixed(reading, name.substr(0, colon), name.substr(colon + 1), depth);
    }
  }

  void read_bedrock(const ModelReading& reading, int depth) {
    const std::optional<BedrockName> found = bedrock_name(reading.name);
    if (!found.has_value()) {
      return;
    }
    if (!reading.provider.empty() && !is_bedrock(reading)) {
      // Who calls the maker the provider, and the model by Bedrock's name, means the maker's model.
      if (same_provider(reading.provider, found->vendor) && depth > 0) {
        ModelReading made = renamed(reading, found->model);
        made.drops_version = true;
        read(made, 0);
      }
      return;
    }
    ModelReading hosted = renamed(reading, found->vendor_and_model);
    hosted.provider = reading.provider.empty() ? "bedrock" : reading.provider;
    hosted.is_strict = true;
    hosted.drops_version = true;
    read(hosted, 0);
    // Anthropic's models cost on Bedrock what Anthropic asks; other makers' do not.
    if (reading.provider.empty() && found->vendor == "anthropic" && depth > 0) {
      ModelReading made = renamed(reading, found->model);
      made.provider = canonical_provider(found->vendor).name;
      made.is_fallback = true;
      made.drops_version = true;
      read(made, 0);
    }
  }
};

void add_unless_there(std::vector<std::string>& forms, std::string_view form) {
  if (!form.empty() && std::find(forms.begin(), forms.end(), form) == forms.end()) {
    forms.emplace_back(form);
  }
}

/// What the end of `form` may lose without naming another model: how many bytes, 0 for nothing.
std::size_t droppable_suffix(std::string_view form, bool drops_version) {
  const std::size_t snapshot = snapshot_suffix(form);
  return snapshot != 0 ? snapshot : unspecific_suffix(form, drops_version);
}

}  // namespace

std::vector<ModelReading> model_readings(std::string_view provider, std::string_view name) {
  NameReader reader;
  ModelReading first{.name = std::string(name), .provider = std::string(provider), .is_strict = !provider.empty()};
  first.drops_version =
      (provider.empty() || canonical_provider(provider).name == "bedrock") && bedrock_name(name).has_value();
  reader.read(first, 5);
  return std::move(reader.readings);
}

std::vector<std::string> forms_of(const ModelReading& reading) {
  std::vector<std::string> forms;
  std::string form = model_form(reading.name);
  add_unless_there(forms, form);
  // A date, a version and "-latest" may stand behind each other.
  for (int i = 0; i < 3; ++i) {
    const std::size_t suffix = droppable_suffix(form, reading.drops_version);
    if (suffix == 0) {
      break;
    }
    form = model_form(form.substr(0, form.size() - suffix));
    add_unless_there(forms, form);
  }
  add_unless_there(forms, form + "-latest");
  return forms;
}

std::string undated_form(const ModelReading& reading) {
  std::string form = model_form(reading.name);
  if (const std::size_t suffix = unspecific_suffix(form, reading.drops_version); suffix != 0) {
    form = model_form(form.substr(0, form.size() - suffix));
  }
  return snapshot_suffix(form) == 0 ? form : std::string();
}

std::string form_without_date(std::string_view model) {
  std::string form = model_form(model);
  if (bedrock_name(model).has_value()) {
    form.resize(form.size() - version_suffix(form));
  }
  const std::size_t suffix = snapshot_suffix(form);
  return suffix == 0 ? std::string() : model_form(form.substr(0, form.size() - suffix));
}

}  // namespace spend

#include "core/import/litellm_names.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "core/text_key.hpp"

namespace spend {

namespace {

using Names = std::pair<std::string_view, std::string_view>;

constexpr std::array renamed = {
    Names{"text-completion-openai", "openai"},
    Names{"azure_ai", "azure"},
    Names{"azure_text", "azure"},
    Names{"aws", "bedrock"},
    Names{"bedrock_converse", "bedrock"},
    Names{"bedrock_mantle", "bedrock"},
    Names{"gemini", "google"},
    Names{"palm", "google"},
    Names{"vertex_ai", "google"},
    Names{"cohere_chat", "cohere"},
    Names{"fireworks_ai", "fireworks"},
    Names{"fireworks_ai-embedding-models", "fireworks"},
    Names{"together_ai", "together"},
    Names{"text-completion-codestral", "codestral"},
    Names{"text-completion-inception", "inception"},
    Names{"amazon-nova", "amazon_nova"},
    Names{"moonshot", "moonshotai"},
    Names{"voyage", "voyageai"},
    Names{"x-ai", "xai"},
};

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// "1024-x-1024", "max-x-max"
bool is_size(std::string_view part) {
  const std::size_t cross = part.find("-x-");
  if (cross == std::string_view::npos) {
    return false;
  }
  const std::string_view width = part.substr(0, cross);
  const std::string_view height = part.substr(cross + 3);
  return (is_digits(width) || width == "max") && (is_digits(height) || height == "max");
}

/// "50-steps", "max-steps", "6-month-commitment"
bool is_counted(std::string_view part, std::string_view what) {
  if (!part.ends_with(what)) {
    return false;
  }
  part.remove_suffix(what.size());
  return is_digits(part) || part == "max";
}

/// "us-east-1", "us-gov-west-1"
bool is_aws_region(std::string_view part) {
  const std::size_t dash = part.rfind('-');
  return part.size() >= 9 && part[2] == '-' && dash > 2 && is_digits(part.substr(dash + 1)) &&
         std::all_of(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(dash),
                     [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

bool is_quality(std::string_view part) {
  return part == "low" || part == "medium" || part == "high" || part == "standard" || part == "hd";
}

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
    parts.push_back(path.substr(0, slash));
    path.remove_prefix(slash + 1);
  }
  parts.push_back(path);
  return parts;
}

void add_variant(std::string& variant, std::string_view part) {
  variant += variant.empty() ? "" : "/";
  const std::size_t cross = is_size(part) ? part.find("-x-") : std::string_view::npos;
  if (cross == std::string_view::npos) {
    variant += part;
  } else {
    variant += std::string(part.substr(0, cross)) + "x" + std::string(part.substr(cross + 3));
  }
}

/// Takes one part that leads the model's name, if it is none of it.
bool take_part(Sku& sku, std::string_view part, std::string_view next) {
  if (part == "bedrock" || (sku.provider == "bedrock" && (part == "invoke" || part == "*"))) {
    return sku.provider == "bedrock";
  }
  if (is_size(part) || is_counted(part, "-steps") || is_counted(part, "-month-commitment") ||
      (is_quality(part) && is_size(next))) {
    add_variant(sku.variant, part);
    return true;
  }
  if (sku.provider == "bedrock" && is_aws_region(part)) {
    sku.region = part;
    return true;
  }
  if (sku.provider == "azure" && (part == "eu" || part == "us" || part == "global" || part == "global-standard")) {
    sku.region = part == "global-standard" ? "global" : part;
    return true;
  }
  return false;
}

}  // namespace

std::string provider_name(std::string_view catalog_name) {
  std::string name = text_key(catalog_name);
  if (name.starts_with("vertex_ai-")) {
    return "google";
  }
  const auto* const found =
      std::find_if(renamed.begin(), renamed.end(), [&](const Names& names) { return names.first == name; });
  return found == renamed.end() ? name : std::string(found->second);
}

Sku litellm_sku(std::string_view key, std::string_view litellm_provider) {
  Sku sku;
  sku.provider = provider_name(litellm_provider);
  if (litellm_provider.starts_with("vertex_ai")) {
    sku.surface = "vertex_ai";
  }
  const std::vector<std::string_view> parts = split(key);
  std::size_t first = 0;
  if (parts.size() > 1 && provider_name(parts[0]) == sku.provider) {
    first = 1;
  }
  while (first + 1 < parts.size() && take_part(sku, parts[first], parts[first + 1])) {
    ++first;
  }
  std::string model;
  for (std::size_t i = first; i < parts.size(); ++i) {
    model += i == first ? "" : "/";
    model += parts[i];
  }
  sku.model = text_key(model);
  sku.region = text_key(sku.region);
  sku.variant = text_key(sku.variant);
  return sku;
}

}  // namespace spend

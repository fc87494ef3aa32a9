#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spend {

/// Names longer than this are compared as they stand and not read; no vendor's name comes near it.
constexpr std::size_t max_model_name_bytes = 512;

/// One way to read a model's name: by whom it may be sold, under which name.
struct ModelReading {
  std::string name;
  std::string provider;        ///< "" when nothing tells
  bool is_strict = false;      ///< no other provider will do
  bool is_fallback = false;    ///< not what the name says, but what stands in where that is unknown
  bool drops_version = false;  ///< "-v1" at the end belongs to the host's name, not to the model's
  std::string surface = {};
  std::string region = {};
  std::string variant = {};  ///< priced as this variant or not at all
};

/// The readings of a name, what it says first: as it stands, then without the wrapping of gateways and hosts (paths,
/// ARNs, Bedrock's region and vendor prefixes, "provider:"), fine-tuned models by their base ("ft:BASE"), ":free" as a
/// variant. `provider` and `name` are normalised; provider "" when the caller named none. Bounded: at most
/// max_readings.
std::vector<ModelReading> model_readings(std::string_view provider, std::string_view name);
constexpr std::size_t max_readings = 16;

/// The forms under which a reading is looked up, most telling first: itself; without its date, "-latest" and a
/// host's version suffix; what is left with "-latest". Every form but the first stands for a name that does not tell
/// the version itself.
std::vector<std::string> forms_of(const ModelReading& reading);

/// The form of a reading that names no version, for a search among models that do: without a host's version suffix and
/// "-latest"; "" where the name has a date.
std::string undated_form(const ModelReading& reading);

/// The form of a model without the date (or Google's -001) at its end; "" where it has none. `model` is normalised.
std::string form_without_date(std::string_view model);

}  // namespace spend

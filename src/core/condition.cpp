#include "core/condition.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "core/lattice.hpp"
#include "core/meter_table.hpp"

namespace spend {

namespace {

constexpr std::size_t no_meter = meter_table.size();

/// Place of a meter in meter_table, or no_meter.
std::size_t place_of(const MeterInfo* known) {
  return known != nullptr ? index_of(*known) : no_meter;
}

/// What the model itself bills: tokens and the measures of a whole call. Tools, fees and storage come after the
/// multipliers.
bool is_billed_by_model(std::size_t meter) {
  return meter < tree_size || is_call_basis(meter);
}

bool is_cache(std::size_t meter) {
  return meter < tree_size &&
         ((tree_of(meter_index("cache_read_tokens")) | tree_of(meter_index("cache_write_tokens"))) & bit(meter)) != 0;
}

void append_values(std::string& text, const std::vector<std::string>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    text += i > 0 ? " or " : "";
    text += values[i];
  }
}

std::string when_text(const Condition& condition) {
  std::string text;
  for (const Condition::Test& test : condition.tests) {
    text += text.empty() ? "" : ", ";
    text += test.key;
    text += ' ';
    append_values(text, test.values);
  }
  for (std::size_t i = 0; i < condition.windows.size(); ++i) {
    text += i > 0 ? " or " : (text.empty() ? "" : ", ");
    text += condition.windows[i].to_text();
  }
  return text;
}

}  // namespace

const Condition::Test* Condition::find_test(std::string_view key) const {
  const auto found = std::find_if(tests.begin(), tests.end(), [&](const Test& test) { return test.key == key; });
  return found == tests.end() ? nullptr : &*found;
}

bool Condition::meets_tests(const RequestContext& context) const {
  return std::all_of(tests.begin(), tests.end(), [&](const Test& test) {
    return std::binary_search(test.values.begin(), test.values.end(),
                              condition_value(test.key, context.find(test.key)));
  });
}

bool Condition::multiplies(const MeterRate& rate) const {
  const std::size_t meter = place_of(rate.known);
  if (scope != Scope::listed) {
    return is_billed_by_model(meter) && (scope == Scope::all || !is_cache(meter));
  }
  return std::any_of(scope_meters.begin(), scope_meters.end(), [&](const std::string& listed) {
    const std::size_t place = place_of(find_meter(listed));
    return listed == rate.meter || (place < tree_size && meter < tree_size && (tree_of(place) & bit(meter)) != 0);
  });
}

std::string Condition::tests_json() const {
  std::string json = "{";
  const auto key = [&](std::string_view name) {
    json += json.size() == 1 ? "\"" : ", \"";
    json += name;
    json += "\": ";
  };
  const auto list = [&](const auto& items, auto to_json) {
    json += items.size() == 1 ? "" : "[";
    for (std::size_t i = 0; i < items.size(); ++i) {
      json += i > 0 ? ", " : "";
      json += to_json(items[i]);
    }
    json += items.size() == 1 ? "" : "]";
  };
  for (const Test& test : tests) {
    key(test.key);
    list(test.values, [](const std::string& value) { return json_quote(value); });
  }
  if (!windows.empty()) {
    key("time");
    list(windows, [](const TimeWindow& window) { return window.to_json(); });
  }
  return json + "}";
}

std::string Condition::to_json() const {
  std::string json = "{\"if\": " + tests_json();
  if (!is_factor()) {
    return json + ", \"rates\": " + rates_json(rates) + "}";
  }
  json += ", \"multiply\": \"" + factor.to_string() + "\"";
  if (scope == Scope::all_but_cache) {
    json += R"(, "scope": "all_but_cache")";
  } else if (scope == Scope::listed) {
    json += R"(, "scope": [)";
    for (std::size_t i = 0; i < scope_meters.size(); ++i) {
      json += i > 0 ? ", \"" : "\"";
      json += scope_meters[i];
      json += '"';
    }
    json += ']';
  }
  return json + "}";
}

std::string Condition::to_text() const {
  std::string when = when_text(*this);
  if (!is_factor()) {
    return when;
  }
  return "x " + factor.to_string() + (when.empty() ? "" : " (" + when + ")");
}

}  // namespace spend

// What several families share.

#include <string>

#include "core/formats/families.hpp"
#include "core/formats/measures.hpp"
#include "core/formats/shape.hpp"

namespace spend::formats {

namespace {

struct Tool {
  std::string_view vendor;  ///< folded
  std::string_view meter;
};

/// xAI's names of server-side tools, in its lists and in its counts.
constexpr std::array tools = {
    Tool{"websearch", "web_searches"},
    Tool{"xsearch", "x_searches"},
    Tool{"codeexecution", "code_executions"},
    Tool{"codeinterpreter", "code_executions"},
    Tool{"attachmentsearch", "attachment_searches"},
    Tool{"collectionssearch", "file_searches"},
    Tool{"documentsearch", "file_searches"},
    Tool{"filesearch", "file_searches"},
};

std::string_view tool_meter(std::string_view name) {
  constexpr std::string_view prefix = "serversidetool";
  std::string key = folded(name.substr(0, 100));
  if (key.starts_with(prefix)) {
    key.erase(0, prefix.size());
  }
  if (key.ends_with("calls")) {
    key.resize(key.size() - 5);
  }
  for (const Tool& tool : tools) {
    if (tool.vendor == key) {
      return tool.meter;
    }
  }
  return "server_tool_calls";
}

}  // namespace

std::string meter_name(std::string_view before, std::string_view modality, std::string_view after) {
  std::string name(before);
  name += modality;
  name += after;
  return name;
}

const Json* object_member(const Json* parent, std::string_view name) {
  const Json* const found = parent != nullptr ? member(*parent, name) : nullptr;
  return is_object(found) ? found : nullptr;
}

Count read_cache_lifetimes(std::initializer_list<const Json*> places, Counts& counts) {
  Count written;
  for (const std::string_view lifetime : cache_lifetimes) {
    Count count;
    for (const Json* const place : places) {
      count = larger(count, counts.first(place, {meter_name("ephemeral_", lifetime, "_input_tokens")}));
    }
    counts.add(meter_name("cache_write_", lifetime, "_tokens"), count);
    written = counts.sum(written, count);
  }
  return written;
}

void read_modalities(const Json* details, std::string_view before, std::string_view after, Counts& counts) {
  if (details == nullptr) {
    return;
  }
  for (const Modality& modality : modalities) {
    const std::string long_name = meter_name("", modality.vendor, "_tokens");
    counts.add(meter_name(before, modality.meter, after), counts.first(details, {long_name, modality.vendor}));
  }
}

void read_server_tools(const Json& usage, Counts& counts) {
  Count searches;
  for (const std::string_view where : {"server_tool_use", "server_tool_use_details", "server_tool_usage"}) {
    searches = larger(searches, counts.first(counts.object(&usage, {where}), {"web_search_requests"}));
  }
  // LiteLLM keeps them with the prompt.
  searches = larger(searches, counts.first(object_member(&usage, "prompt_tokens_details"), {"web_search_requests"}));
  counts.add("web_searches", searches);
  if (const Json* const details = counts.object(&usage, {"server_side_tool_usage_details"})) {
    for (const auto& [key, value] : details->members) {
      if (value.type != Json::Type::null) {
        counts.add(tool_meter(key), counts.first(details, {key}));
      }
    }
  } else if (const Json* const used = counts.list(&usage, {"server_side_tools_used"})) {
    for (const Json& tool : used->items) {
      if (tool.type == Json::Type::string) {
        counts.add(tool_meter(tool.text), Decimal::from_integer(1));
      }
    }
  }
}

void read_usage(const Json& usage, const Hints& hints, Counts& counts) {
  switch (shape_of(usage)) {
    case Shape::chat:
      return read_chat(usage, hints, counts);
    case Shape::tokens:
      return read_tokens(usage, hints, counts);
    case Shape::gemini:
      return read_gemini(usage, counts);
    case Shape::interactions:
      return read_interactions(usage, counts);
    case Shape::cohere:
      return read_cohere(usage, hints, counts);
    case Shape::router:
      return read_router(usage, counts);
    case Shape::ollama:
    case Shape::duration:
    case Shape::pages:
    case Shape::total:
      return read_small(usage, hints, counts);
    case Shape::unknown:
      return read_flat_measures(usage, counts);
  }
}

}  // namespace spend::formats

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/formats/hints.hpp"
#include "core/formats/payload.hpp"
#include "core/formats/provider_usage.hpp"
#include "core/json.hpp"

namespace spend::formats {

/// Gathers the parts of a payload into responses, and what they say into lines.
class Collector {
 public:
  explicit Collector(const Hints& hints) : hints_(hints) {}

  void add(Json part, int depth = 0);
  void fail(std::string problem);
  ProviderUsage finish() &&;

 private:
  /// What is told beside the counts; later parts win.
  struct Facts {
    std::string model;
    std::string service_tier;
    std::string speed;
    std::string region;
    std::string variant;

    void read(const Json& object);
  };
  /// One response, be it streamed.
  struct Response {
    bool is_final = false;  ///< a complete response: what follows under another id is another one
    bool has_usage = false;
    Json usage;
    Json breakdown;
    Usage tools;             ///< calls of tools that stand in the output
    std::size_t images = 0;  ///< those in the answer of an image API
    Facts facts;
  };

  bool expand(Json& part, int depth);
  void add_response(const Json& part);
  void add_measures(const Json& answer, const std::string& model);
  void add_span(const Json& span);
  Response& response_of(const Located& located);
  bool emit(const Response& response);

  Hints hints_;
  Facts facts_;  ///< of parts before any response
  std::vector<Response> responses_;
  std::map<std::string, std::size_t> by_id_;
  Json attributes_;  ///< OTLP's keys and values, when they are the payload's own list
  ProviderUsage result_;
  std::string malformed_;
  std::string not_billed_;
  std::string lacking_;
};

}  // namespace spend::formats

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "core/status.hpp"

namespace spend::formats {

/// Reads a payload part by part (the elements of a list, or the one value) without what no usage stands in: the texts,
/// the vectors of embeddings, and what is nested beyond reason. So memory is bounded by one part, and a response that
/// holds a deep document can still be read. Errors: limit_exceeded, invalid_text.
std::optional<Error> read_parts(std::string_view payload, const std::function<void(Json part)>& on_part);

/// Where a part keeps its usage.
struct Located {
  const Json* usage = nullptr;         ///< the usage object
  std::vector<const Json*> envelopes;  ///< the objects around it, outermost first: they name model and service tier
  std::string problem;                 ///< a member that should be a usage object and is none
};

/// Looks for a usage object in a response, an event, or a wrapper around one. What it points to lives in `part`.
Located locate_usage(const Json& part);

/// `into` with the larger of each pair of counts, recursively; lists and texts of the later part win. Streams repeat
/// their counts as they grow, and each part may hold some of them only.
void merge_maximum(Json& into, Json&& later);

}  // namespace spend::formats

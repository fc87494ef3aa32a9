#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/formats/counts.hpp"
#include "core/formats/hints.hpp"
#include "core/json.hpp"

namespace spend::formats {

/// The part of a request that one model did.
struct Share {
  std::string model;
  Counts counts;
};

/// Splits a usage over the models that it bills; first the one that answered. One share where nothing tells of more.
///
/// Anthropic `iterations`: compaction is work of the answering model that the totals leave out, an advisor is another
/// model, and an attempt that was declined before it wrote anything, so that another model stood in, is not billed.
/// Groq `usage_breakdown`: the models of a compound system, where their counts add up to the whole.
std::vector<Share> split_by_model(const Json& usage, const Json& breakdown, std::string_view model, const Hints& hints);

}  // namespace spend::formats

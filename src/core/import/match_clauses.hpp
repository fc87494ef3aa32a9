#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"

namespace spend {

/// What a catalog says of the names of one model, as names and patterns of ours (model_aliases.hpp).
struct MatchedNames {
  std::vector<std::string> aliases;  ///< normalised, no two of one form, what the rules know already left out
  struct Refused {
    std::string clause;  ///< as a person would write it: contains "o4"
    std::string reason;
  };
  std::vector<Refused> refused;
};

/// Reads genai-prices' match clauses: {"equals" | "starts_with" | "ends_with" | "contains" | "regex": TEXT}, {"or" |
/// "and": [clause, …]}. A regular expression is taken where it is a name with "^", "$", ".*" and escaped dots, or where
/// it only adds a date, which our rules leave off anyway. `provider` and `model` are normalised: the model meant.
MatchedNames read_match_clauses(const Json& match, const std::string& provider, const std::string& model);

}  // namespace spend

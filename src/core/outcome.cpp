#include "core/outcome.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace spend {

namespace {

using Word = std::pair<std::string_view, Outcome>;
constexpr std::array<Word, 21> words = {{
    {"abandoned", Outcome::abandoned},
    {"abort", Outcome::abandoned},
    {"aborted", Outcome::abandoned},
    {"blocked", Outcome::blocked},
    {"canceled", Outcome::abandoned},
    {"cancelled", Outcome::abandoned},
    {"content filter", Outcome::blocked},
    {"content_filter", Outcome::blocked},
    {"denied", Outcome::blocked},
    {"error", Outcome::failed},
    {"errored", Outcome::failed},
    {"expired", Outcome::failed},
    {"fail", Outcome::failed},
    {"failed", Outcome::failed},
    {"failure", Outcome::failed},
    {"interrupted", Outcome::abandoned},
    {"refused", Outcome::blocked},
    {"rejected", Outcome::blocked},
    {"timed out", Outcome::failed},
    {"timed_out", Outcome::failed},
    {"timeout", Outcome::failed},
}};
static_assert(std::is_sorted(words.begin(), words.end()));

}  // namespace

Outcome outcome_of(std::string_view status, bool has_blocked_reason) {
  if (has_blocked_reason) {
    return Outcome::blocked;
  }
  const auto* const found =
      std::lower_bound(words.begin(), words.end(), status,
                       [](const Word& word, std::string_view wanted) { return word.first < wanted; });
  return found != words.end() && found->first == status ? found->second : Outcome::ok;
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::failed:
      return "failed";
    case Outcome::abandoned:
      return "abandoned";
    case Outcome::blocked:
      return "blocked";
    case Outcome::ok:
      break;
  }
  return "ok";
}

}  // namespace spend

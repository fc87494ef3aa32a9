#include "core/term_scope.hpp"
#include "fuzz.hpp"

using spend::Result;
using spend::TermFacts;
using spend::TermScope;
using spend::fuzz::require;

// A scope and facts, apart by a line break. What both cover may meet, and a scope ties with itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = spend::fuzz::text(data, size);
  const std::size_t end = input.find('\n');
  const Result<TermScope> scope = TermScope::from_json(input.substr(0, end));
  if (!scope.ok()) {
    require(!scope.error().message.empty());
  }
  if (end == std::string_view::npos) {
    return 0;
  }
  const std::string_view rest = input.substr(end + 1);
  const Result<TermScope> other = TermScope::from_json(rest);
  if (scope.ok() && other.ok()) {
    require(scope->may_meet(*scope) && scope->specificity() == scope->specificity());
    require(scope->may_meet(*other) == other->may_meet(*scope));
  }
  const Result<TermFacts> facts = TermFacts::from_json(rest);
  if (!facts.ok()) {
    require(!facts.error().message.empty());
    return 0;
  }
  if (scope.ok() && scope->matches(*facts) && other.ok() && other->matches(*facts)) {
    require(scope->may_meet(*other));
  }
  return 0;
}

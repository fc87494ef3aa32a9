#include <memory>
#include <vector>

#include "core/import/match_clauses.hpp"
#include "core/json.hpp"
#include "core/model_form.hpp"
#include "core/model_name.hpp"
#include "core/price_book.hpp"
#include "core/text_key.hpp"
#include "fuzz.hpp"

using spend::ModelAlias;
using spend::ModelMatch;
using spend::ModelPattern;
using spend::fuzz::require;

namespace {

/// Whether the pattern has the name, tried out without any cleverness: every way to place the stars. Numbers at the
/// end of a piece are not looked at, so this may say yes where ModelPattern says no, never the reverse.
bool could_match(std::string_view pattern, std::string_view name) {
  std::vector<bool> reachable(name.size() + 1, false);
  reachable[0] = true;
  for (const char c : pattern) {
    std::vector<bool> next(name.size() + 1, false);
    for (std::size_t i = 0; i <= name.size(); ++i) {
      if (c == '*') {
        next[i] = reachable[i] || (i > 0 && next[i - 1]);
      } else if (i > 0) {
        next[i] = reachable[i - 1] && name[i - 1] == c;
      }
    }
    reachable = std::move(next);
  }
  return reachable[name.size()];
}

void check_name(const std::string& provider, const std::string& name) {
  const std::string form = spend::model_form(name);
  require(spend::model_form(form) == form && form.size() <= name.size() + 1);
  require(spend::model_separators(name).size() == name.size());
  if (name.size() > spend::max_model_name_bytes) {
    return;
  }
  const std::vector<spend::ModelReading> readings = spend::model_readings(provider, name);
  require(readings.size() <= spend::max_readings && (name.empty() || readings.front().name == name));
  for (const spend::ModelReading& reading : readings) {
    require(spend::forms_of(reading).size() <= 5);
  }
}

spend::PriceEntry priced(const std::string& provider, const std::string& model) {
  spend::PriceEntry entry;
  entry.sku.provider = provider;
  entry.sku.model = model;
  entry.price = *spend::Price::from_json(R"({"rates": {"input_tokens": "1/1M"}})");
  return entry;
}

}  // namespace

/// Lines: a provider, the name that is asked for, then models and aliases by turns. A name is found or not, whatever
/// stands in the tables; what is found is priced; a pattern has no name that it does not cover.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = spend::fuzz::text(data, size);
  std::vector<std::string> lines;
  while (!rest.empty() && lines.size() < 20) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    lines.push_back(spend::text_key(line));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (const spend::Result<spend::Json> match =
          spend::Json::parse(spend::fuzz::text(data, size), {.max_bytes = 1 << 16});
      match.ok()) {
    for (const std::string& alias : spend::read_match_clauses(*match, "openai", "gpt-4").aliases) {
      require(!alias.empty() && (!ModelPattern::is_pattern(alias) || ModelPattern::is_valid(alias)));
    }
  }
  lines.resize(std::max<std::size_t>(lines.size(), 4));
  const std::string& provider = lines[0];
  const std::string& name = lines[1];
  check_name(provider, name);
  std::vector<spend::PriceEntry> entries = {priced("openai", "gpt-4"), priced("anthropic", "claude-opus-4-8")};
  std::vector<ModelAlias> aliases;
  for (std::size_t i = 2; i < lines.size(); ++i) {
    check_name(provider, lines[i]);
    if (lines[i].empty()) {
      continue;
    }
    if (i % 2 == 0) {
      entries.push_back(priced(i % 4 == 0 || provider.empty() ? "openai" : provider, lines[i]));
    } else {
      aliases.push_back({.alias = lines[i],
                         .for_provider = i % 3 == 0 ? provider : std::string(),
                         .for_surface = {},
                         .provider = "openai",
                         .model = lines[2].empty() ? "gpt-4" : lines[2],
                         .is_override = i % 5 == 0 && !ModelPattern::is_pattern(lines[i])});
      if (ModelPattern::is_pattern(lines[i]) && ModelPattern::is_valid(lines[i])) {
        const std::string text = spend::model_separators(name);
        require(!ModelPattern(lines[i]).matches(text) || could_match(spend::model_separators(lines[i]), text));
      }
    }
  }
  const auto rules = std::make_shared<spend::ModelRules>();
  rules->aliases = spend::ModelAliases(std::move(aliases));
  const spend::PriceBook book = spend::PriceBook::build(std::move(entries), rules);
  const ModelMatch match = book.resolve(name, provider, 0);
  require((match.matched_by == spend::MatchedBy::none) == match.model.empty() &&
          match.model.empty() == match.provider.empty());
  require(match.matched_by != spend::MatchedBy::none || !match.reason.empty() || name.empty());
  const ModelMatch again = book.resolve(name, provider, 0);
  require(again.model == match.model && again.provider == match.provider && again.matched_by == match.matched_by);
  return 0;
}

#include "core/import/match_clauses.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "core/error_text.hpp"
#include "core/model_aliases.hpp"
#include "core/model_form.hpp"
#include "core/model_name.hpp"
#include "core/provider_names.hpp"
#include "core/text_key.hpp"

namespace spend {

namespace {

/// A set of names: those that begin with `start`, end with `end` and have `middle` between them; or one name.
struct Glob {
  std::string start;
  std::vector<std::string> middle;
  std::string end;
  bool is_name = false;  ///< `start` is the whole name
  std::string dated;     ///< of a regular expression that ends in a date: a name that it has

  std::string text() const {
    std::string result = start;
    if (!is_name) {
      result += '*';
      for (const std::string& piece : middle) {
        result += piece + "*";
      }
      result += end;
    }
    return result;
  }
};

constexpr std::size_t max_globs = 256;

using Globs = std::vector<Glob>;

struct Unreadable {
  std::string clause;
  std::string reason;
};

/// Of two texts with which a name begins, or ends, the longer holds both; nothing when they contradict each other.
std::optional<std::string> longer(const std::string& a, const std::string& b, bool at_start) {
  const std::string& shorter = a.size() < b.size() ? a : b;
  const std::string& result = a.size() < b.size() ? b : a;
  const bool fits = at_start ? result.starts_with(shorter) : result.ends_with(shorter);
  return fits ? std::optional(result) : std::nullopt;
}

/// The names in both sets. Pieces that could overlap are taken to follow one another: fewer names than the catalog
/// means, never more.
Globs both(const Glob& a, const Glob& b) {
  if (a.is_name || b.is_name) {
    const Glob& name = a.is_name ? a : b;
    const Glob& other = a.is_name ? b : a;
    const bool has = other.is_name ? other.start == name.start : ModelPattern(other.text()).matches(name.start);
    return has ? Globs{name} : Globs{};
  }
  const std::optional<std::string> start = longer(a.start, b.start, true);
  const std::optional<std::string> end = longer(a.end, b.end, false);
  if (!start || !end) {
    return {};
  }
  Glob glob{.start = *start, .middle = a.middle, .end = *end, .dated = {}};
  glob.middle.insert(glob.middle.end(), b.middle.begin(), b.middle.end());
  Globs result = {glob};
  if (!a.middle.empty() && !b.middle.empty()) {
    glob.middle = b.middle;
    glob.middle.insert(glob.middle.end(), a.middle.begin(), a.middle.end());
    result.push_back(std::move(glob));
  }
  return result;
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '/' || c == ':' || c == '@' || c == ' ';
}

/// "^claude-3\.5.*$" and the like; nothing for what is more than that.
std::optional<Glob> read_regex(std::string_view text) {
  Glob glob;
  const bool anchored = text.starts_with('^');
  text.remove_prefix(anchored ? 1 : 0);
  const bool ends = text.ends_with('$') && !text.ends_with("\\$");
  text.remove_suffix(ends ? 1 : 0);
  for (const auto& [date, example] :
       {std::pair<std::string_view, std::string_view>(R"(-\d{8})", "-20260101"),
        std::pair<std::string_view, std::string_view>(R"(-\d{4}-\d{2}-\d{2})", "-2026-01-01")}) {
    if (anchored && ends && text.ends_with(date)) {
      text.remove_suffix(date.size());
      glob.dated = example;
    }
  }
  std::vector<std::string> pieces(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_plain(text[i])) {
      pieces.back() += text[i];
    } else if (text[i] == '\\' && i + 1 < text.size() &&
               (text[i + 1] == '.' || text[i + 1] == '-' || text[i + 1] == '/')) {
      pieces.back() += text[++i];
    } else if (text.substr(i, 2) == ".*") {
      pieces.emplace_back();
      ++i;
    } else {
      return std::nullopt;
    }
  }
  if (!anchored) {
    pieces.emplace(pieces.begin());
  }
  if (!ends) {
    pieces.emplace_back();
  }
  for (std::string& piece : pieces) {
    piece = text_key(piece);
  }
  glob.start = pieces.front();
  if (pieces.size() == 1) {
    glob.is_name = true;
    glob.dated = glob.dated.empty() ? "" : glob.start + glob.dated;
    return glob;
  }
  if (!glob.dated.empty()) {
    return std::nullopt;
  }
  glob.end = pieces.back();
  for (std::size_t i = 1; i + 1 < pieces.size(); ++i) {
    if (!pieces[i].empty()) {
      glob.middle.push_back(pieces[i]);
    }
  }
  return glob;
}

class ClauseReader {
 public:
  std::vector<Unreadable> unreadable;

  Globs read(const Json& clause) {
    if (clause.type != Json::Type::object || clause.members.size() != 1) {
      return refuse("a clause", "it is not an object with one member");
    }
    const auto& [kind, value] = clause.members.front();
    if (kind == "or" || kind == "and") {
      if (value.type != Json::Type::array || value.items.empty()) {
        return refuse(quoted(kind), "it is not a list of clauses");
      }
      return kind == "or" ? any_of(value) : all_of(value);
    }
    if (value.type != Json::Type::string) {
      return refuse(quoted(kind), "its value is not a text");
    }
    const std::string what = kind + " " + quoted(value.text);
    if (value.text.size() > ModelPattern::max_bytes) {
      return refuse(what, "it is too long");
    }
    if (kind == "regex") {
      std::optional<Glob> glob = read_regex(value.text);
      return glob ? Globs{*std::move(glob)} : refuse(what, "patterns of model names know no more than \"*\"");
    }
    const std::string text = text_key(value.text);
    if (text.empty() || ModelPattern::is_pattern(text)) {
      return refuse(what, "it is no part of a name");
    }
    if (kind == "equals") {
      return {{.start = text, .middle = {}, .end = {}, .is_name = true, .dated = {}}};
    }
    if (kind == "starts_with") {
      return {{.start = text, .middle = {}, .end = {}, .dated = {}}};
    }
    if (kind == "ends_with") {
      return {{.start = {}, .middle = {}, .end = text, .dated = {}}};
    }
    if (kind == "contains") {
      return {{.start = {}, .middle = {text}, .end = {}, .dated = {}}};
    }
    return refuse(what, "it is not known");
  }

 private:
  Globs refuse(std::string clause, std::string reason) {
    unreadable.push_back({std::move(clause), std::move(reason)});
    return {};
  }

  Globs any_of(const Json& list) {
    Globs result;
    for (const Json& item : list.items) {
      Globs more = read(item);
      if (result.size() + more.size() > max_globs) {
        return refuse("\"or\"", "it has too many alternatives");
      }
      std::move(more.begin(), more.end(), std::back_inserter(result));
    }
    return result;
  }

  /// One clause that cannot be read makes the whole unreadable: without it more names would match.
  Globs all_of(const Json& list) {
    const std::size_t before = unreadable.size();
    Globs result = read(list.items.front());
    for (std::size_t i = 1; i < list.items.size(); ++i) {
      const Globs more = read(list.items[i]);
      Globs joined;
      for (const Glob& a : result) {
        for (const Glob& b : more) {
          Globs globs = both(a, b);
          std::move(globs.begin(), globs.end(), std::back_inserter(joined));
          if (joined.size() > max_globs) {
            return refuse("\"and\"", "it has too many alternatives");
          }
        }
      }
      result = std::move(joined);
    }
    return unreadable.size() > before ? Globs{} : result;
  }
};

/// Whether the name finds the model without any alias: it is another spelling, has a date, or stands in a path.
bool is_known_to_rules(const std::string& name, const std::string& provider, const std::string& model) {
  const std::string wanted = model_form(model);
  for (const ModelReading& reading : model_readings(provider, name)) {
    const std::vector<std::string> forms = forms_of(reading);
    if (reading.variant.empty() && same_provider(reading.provider, provider) &&
        std::find(forms.begin(), forms.end(), wanted) != forms.end()) {
      return true;
    }
  }
  return false;
}

}  // namespace

MatchedNames read_match_clauses(const Json& match, const std::string& provider, const std::string& model) {
  ClauseReader reader;
  const Globs globs = reader.read(match);
  MatchedNames names;
  for (Unreadable& clause : reader.unreadable) {
    names.refused.push_back({std::move(clause.clause), std::move(clause.reason)});
  }
  std::set<std::string> forms;
  for (const Glob& glob : globs) {
    std::string text = glob.text();
    if (glob.is_name && is_known_to_rules(glob.dated.empty() ? text : glob.dated, provider, model)) {
      continue;
    }
    if (!glob.dated.empty()) {
      names.refused.push_back(
          {"regex with a date behind " + quoted(text), "the name before the date is not the model's"});
    } else if (!glob.is_name && !ModelPattern::is_valid(text)) {
      names.refused.push_back({quoted(text), "a pattern has 3 to 256 characters and at most 7 stars beside them"});
    } else if (forms.insert(alias_form(text)).second) {
      names.aliases.push_back(std::move(text));
    }
  }
  return names;
}

}  // namespace spend

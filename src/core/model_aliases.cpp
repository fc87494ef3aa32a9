#include "core/model_aliases.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

#include "core/model_form.hpp"
#include "core/provider_names.hpp"

namespace spend {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Whether `rest`, which follows a literal piece in a name, goes on with the number at the end of that piece. A number
/// of three digits or more is a date or a size; what follows it is no version.
bool continues_number(std::string_view piece, std::string_view rest) {
  const auto digits =
      static_cast<std::size_t>(std::find_if_not(piece.rbegin(), piece.rend(), is_digit) - piece.rbegin());
  if (digits == 0 || digits > 2 || rest.empty()) {
    return false;
  }
  if (is_digit(rest.front())) {
    return true;
  }
  if (rest.front() != '-' && rest.front() != '.') {
    return false;
  }
  rest.remove_prefix(1);
  const auto next = static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_digit) - rest.begin());
  return next == 1 || next == 2;
}

/// The first place of `piece` in `text`, npos if there is none. memmem() takes linear time whatever the two are.
std::size_t find_piece(std::string_view text, std::string_view piece) {
  const void* const place = memmem(text.data(), text.size(), piece.data(), piece.size());
  return place == nullptr ? std::string_view::npos
                          : static_cast<std::size_t>(static_cast<const char*>(place) - text.data());
}

bool applies(const ModelAlias& alias, std::string_view provider, std::string_view surface) {
  return (alias.for_provider.empty() || (!provider.empty() && same_provider(alias.for_provider, provider))) &&
         (alias.for_surface.empty() || alias.for_surface == surface);
}

bool is_valid(const ModelAlias& alias, Timestamp at) {
  return alias.valid_from <= at && (at < alias.valid_until || alias.valid_until == timestamp_max);
}

bool is_bounded(const ModelAlias& alias) {
  return alias.valid_from != timestamp_min || alias.valid_until != timestamp_max;
}

/// Ascending from the first to the last one asked.
auto rank(const ModelAlias& alias) {
  return std::tuple(alias.is_catalogs, alias.for_provider.empty(), alias.for_surface.empty());
}

}  // namespace

ModelPattern::ModelPattern(std::string_view pattern) {
  const std::string text = model_separators(pattern);
  std::size_t start = 0;
  for (;;) {
    const std::size_t star = text.find('*', start);
    const std::size_t end = star == std::string::npos ? text.size() : star;
    // Two stars side by side are one.
    if (end > start || star == std::string::npos || pieces_.empty()) {
      pieces_.push_back(text.substr(start, end - start));
      literals_ += end - start;
    }
    if (star == std::string::npos) {
      break;
    }
    start = star + 1;
  }
}

bool ModelPattern::is_valid(std::string_view pattern) {
  const auto stars = static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '*'));
  return pattern.size() <= max_bytes && stars < max_pieces && pattern.size() - stars >= min_literals;
}

bool ModelPattern::matches(std::string_view name) const {
  if (name.size() < literals_ || !name.starts_with(pieces_.front()) || !name.ends_with(pieces_.back())) {
    return false;
  }
  std::string_view rest = name;
  rest.remove_prefix(pieces_.front().size());
  if (continues_number(pieces_.front(), rest)) {
    return false;
  }
  for (std::size_t i = 1; i + 1 < pieces_.size(); ++i) {
    for (;;) {
      const std::size_t place = find_piece(rest, pieces_[i]);
      if (place == std::string_view::npos) {
        return false;
      }
      rest.remove_prefix(place + pieces_[i].size());
      if (!continues_number(pieces_[i], rest)) {
        break;
      }
    }
  }
  return rest.size() >= pieces_.back().size();
}

std::string alias_form(std::string_view alias) {
  return ModelPattern::is_pattern(alias) ? model_separators(alias) : model_form(alias);
}

ModelAliases::ModelAliases(std::vector<ModelAlias> aliases) : aliases_(std::move(aliases)) {
  std::sort(aliases_.begin(), aliases_.end(), [](const ModelAlias& a, const ModelAlias& b) {
    return std::tuple(rank(a), std::string_view(a.alias), a.valid_from) <
           std::tuple(rank(b), std::string_view(b.alias), b.valid_from);
  });
  for (std::uint32_t i = 0; i < aliases_.size(); ++i) {
    const ModelAlias& alias = aliases_[i];
    if (ModelPattern::is_pattern(alias.alias)) {
      if (ModelPattern::is_valid(alias.alias)) {
        patterns_.push_back({i, ModelPattern(alias.alias)});
      }
      continue;
    }
    has_overrides_ = has_overrides_ || alias.is_override;
    by_form_[model_form(alias.alias)].push_back(i);
  }
  std::stable_sort(patterns_.begin(), patterns_.end(), [this](const Pattern& a, const Pattern& b) {
    // More literals first, so the second operand's come first.
    return std::tuple(rank(aliases_[a.alias]), b.pattern.literals(), a.pattern.pieces()) <
           std::tuple(rank(aliases_[b.alias]), a.pattern.literals(), b.pattern.pieces());
  });
}

ModelAliases::Found ModelAliases::find(std::string_view provider, std::string_view surface, std::string_view name,
                                       Timestamp at, bool overrides) const {
  Found found;
  if (by_form_.empty()) {
    return found;
  }
  const auto place = by_form_.find(model_form(name));
  if (place == by_form_.end()) {
    return found;
  }
  for (const std::uint32_t i : place->second) {
    const ModelAlias& alias = aliases_[i];
    if (alias.is_override == overrides && applies(alias, provider, surface)) {
      found.depends_on_time = found.depends_on_time || is_bounded(alias);
      if (is_valid(alias, at)) {
        found.alias = &alias;
        break;
      }
    }
  }
  return found;
}

ModelAliases::Found ModelAliases::find_pattern(std::string_view provider, std::string_view surface,
                                               std::string_view name, Timestamp at) const {
  Found found;
  if (patterns_.empty()) {
    return found;
  }
  const std::string text = model_separators(name);
  for (const Pattern& pattern : patterns_) {
    const ModelAlias& alias = aliases_[pattern.alias];
    if (applies(alias, provider, surface) && pattern.pattern.matches(text)) {
      found.depends_on_time = found.depends_on_time || is_bounded(alias);
      if (is_valid(alias, at)) {
        found.alias = &alias;
        break;
      }
    }
  }
  return found;
}

}  // namespace spend

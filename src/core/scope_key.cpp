#include "core/scope_key.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include "core/image.hpp"

namespace spend {

namespace {

constexpr std::size_t most_hashes = 1000;

std::int64_t hash_of(const std::vector<const std::string*>& values) {
  std::string bytes;
  for (const std::string* const value : values) {
    append_integer(bytes, static_cast<std::uint32_t>(value->size()));
    bytes += *value;
  }
  const Hash128 digest = content_hash(bytes);
  std::int64_t hash;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

void append_names(std::string& text, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    text += name;
    if (&name != &names.back()) {
      text += ',';
    }
  }
}

std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    names.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

}  // namespace

std::string ScopeKind::to_text() const {
  std::string text;
  append_names(text, keys);
  text += '|';
  append_names(text, others);
  return text;
}

ScopeKind ScopeKind::from_text(std::string_view text) {
  const std::size_t bar = text.find('|');
  return {split_names(text.substr(0, bar)), split_names(text.substr(bar + 1))};
}

ScopeKeys scope_keys(const Scope& scope, const std::vector<std::string>& group_by) {
  std::vector<const Scope::Condition*> listed;
  for (const Scope::Condition& condition : scope.conditions()) {
    if (condition.test == Scope::Test::any_of) {
      listed.push_back(&condition);
    }
  }
  // The shortest lists first: as many dimensions as possible make up the key.
  std::stable_sort(listed.begin(), listed.end(), [](const Scope::Condition* a, const Scope::Condition* b) {
    return a->values.size() < b->values.size();
  });
  std::size_t combinations = 1;
  std::vector<const Scope::Condition*> used;
  for (const Scope::Condition* const condition : listed) {
    if (combinations * condition->values.size() > most_hashes) {
      break;
    }
    combinations *= condition->values.size();
    used.push_back(condition);
  }
  std::sort(used.begin(), used.end(),
            [](const Scope::Condition* a, const Scope::Condition* b) { return a->dimension < b->dimension; });

  ScopeKeys result;
  for (const Scope::Condition* const condition : used) {
    result.kind.keys.push_back(condition->dimension);
  }
  std::set<std::string> others(group_by.begin(), group_by.end());
  for (const Scope::Condition& condition : scope.conditions()) {
    others.insert(condition.dimension);
  }
  for (const std::string& key : result.kind.keys) {
    others.erase(key);
  }
  result.kind.others.assign(others.begin(), others.end());

  std::vector<const std::string*> values(used.size());
  for (std::size_t combination = 0; combination < combinations; ++combination) {
    std::size_t rest = combination;
    for (std::size_t i = 0; i < used.size(); ++i) {
      values[i] = &used[i]->values[rest % used[i]->values.size()];
      rest /= used[i]->values.size();
    }
    result.hashes.push_back(hash_of(values));
  }
  std::sort(result.hashes.begin(), result.hashes.end());
  result.hashes.erase(std::unique(result.hashes.begin(), result.hashes.end()), result.hashes.end());
  return result;
}

std::optional<std::int64_t> key_hash(const ScopeKind& kind, const Dimensions& dimensions) {
  std::vector<const std::string*> values;
  values.reserve(kind.keys.size());
  for (const std::string& name : kind.keys) {
    const std::string* const value = dimensions.find(name);
    if (value == nullptr) {
      return std::nullopt;
    }
    values.push_back(value);
  }
  return hash_of(values);
}

}  // namespace spend

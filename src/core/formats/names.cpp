#include "core/formats/names.hpp"

#include <cstddef>

namespace spend::formats {

namespace {

constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_kept(char c) {
  return (c >= 'a' && c <= 'z') || is_upper(c) || (c >= '0' && c <= '9');
}
constexpr char lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  std::size_t i = 0;
  std::size_t k = 0;
  while (true) {
    while (i < a.size() && !is_kept(a[i])) {
      ++i;
    }
    while (k < b.size() && !is_kept(b[k])) {
      ++k;
    }
    if (i == a.size() || k == b.size()) {
      return i == a.size() && k == b.size();
    }
    if (lower(a[i++]) != lower(b[k++])) {
      return false;
    }
  }
}

std::string folded(std::string_view name) {
  std::string result;
  for (const char c : name) {
    if (is_kept(c)) {
      result += lower(c);
    }
  }
  return result;
}

const Json* member(const Json& object, std::string_view name) {
  for (const auto& [key, value] : object.members) {
    if (value.type != Json::Type::null && same_name(key, name)) {
      return &value;
    }
  }
  return nullptr;
}

const Json* member(const Json& object, Names names) {
  for (const std::string_view name : names) {
    if (const Json* const found = member(object, name)) {
      return found;
    }
  }
  return nullptr;
}

std::string_view text_member(const Json& object, Names names) {
  const Json* const found = member(object, names);
  return found != nullptr && found->type == Json::Type::string ? std::string_view(found->text) : std::string_view();
}

}  // namespace spend::formats

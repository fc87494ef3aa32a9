#include "core/model_form.hpp"

#include <algorithm>

namespace spend {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}

/// The number of digits that text starts with.
std::size_t leading_digits(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}
std::size_t trailing_digits(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.rbegin(), text.rend(), is_digit) - text.rbegin());
}

/// Whether text has this shape: 0 stands for a digit, anything else for itself.
bool has_shape(std::string_view text, std::string_view shape) {
  return text.size() == shape.size() && std::equal(text.begin(), text.end(), shape.begin(),
                                                   [](char c, char s) { return s == '0' ? is_digit(c) : c == s; });
}
bool ends_in_shape(std::string_view text, std::string_view shape) {
  return text.size() > shape.size() && has_shape(text.substr(text.size() - shape.size()), shape);
}

/// Length of a date at the end with its separator: -20250514, -2025-05-14. Only this century: "-12345678" is no date.
std::size_t date_suffix(std::string_view form) {
  for (const std::string_view shape : {std::string_view("-00000000"), std::string_view("-0000-00-00")}) {
    if (ends_in_shape(form, shape) && form.substr(form.size() - shape.size() + 1, 2) == "20") {
      return shape.size();
    }
  }
  return 0;
}

/// Whether what follows would become part of a version put before it: a number, or one behind a separator that is short
/// enough for a version.
bool continues_version(std::string_view rest) {
  if (rest.empty()) {
    return false;
  }
  if (rest.front() != '-') {
    return is_digit(rest.front()) || rest.front() == '.' || rest.front() == '_';
  }
  const std::size_t digits = leading_digits(rest.substr(1));
  return digits == 1 || digits == 2;
}

/// claude-[version]-[family]… → claude-[family]-[version]…, the version without ".0". Anthropic has named models both
/// ways (claude-3-5-sonnet, claude-sonnet-4-5), and callers write either.
std::string with_claude_in_order(std::string form) {
  constexpr std::string_view brand = "claude-";
  std::size_t start = form.find(brand);
  if (start == std::string::npos || (start > 0 && (is_letter(form[start - 1]) || is_digit(form[start - 1])))) {
    return form;
  }
  start += brand.size();
  // Up to two numbers of one or two digits; a longer one is a date.
  const auto version_at = [&](std::size_t place) {
    std::size_t end = place;
    for (int part = 0; part < 2; ++part) {
      const std::size_t from = part == 0 ? place : end + 1;
      if (part == 1 && (end >= form.size() || form[end] != '-')) {
        break;
      }
      const std::size_t digits = from < form.size() ? leading_digits(std::string_view(form).substr(from)) : 0;
      const std::size_t after = from + digits;
      if (digits == 0 || digits > 2 || (after < form.size() && form[after] != '-' && form[after] != ':')) {
        break;
      }
      end = after;
    }
    return form.substr(place, end - place);
  };
  const auto family_at = [&](std::size_t place) {
    std::size_t end = place;
    while (end < form.size() && is_letter(form[end])) {
      ++end;
    }
    return form.substr(place, end - place);
  };
  std::string version = version_at(start);
  std::string family;
  std::size_t end = start;
  if (!version.empty() && start + version.size() < form.size()) {
    family = family_at(start + version.size() + 1);
    end = start + version.size() + 1 + family.size();
  } else if (version.empty()) {
    family = family_at(start);
    if (!family.empty() && start + family.size() < form.size() && form[start + family.size()] == '-') {
      version = version_at(start + family.size() + 1);
    }
    end = start + family.size() + 1 + version.size();
  }
  // "claude-v2", "claude-2-latest": no family that a version could stand behind.
  if (version.empty() || family.size() < 3 || family == "latest" ||
      continues_version(std::string_view(form).substr(end))) {
    return form;
  }
  if (version.ends_with("-0")) {
    version.resize(version.size() - 2);
  }
  form.replace(start, end - start, family + "-" + version);
  // Vertex: claude-3-5-sonnet-v2@20241022 is the snapshot of that day; the version only repeats it.
  if (const std::size_t date = date_suffix(form); date != 0) {
    const std::string_view undated = std::string_view(form).substr(0, form.size() - date);
    if (const std::size_t suffix = version_suffix(undated); suffix != 0) {
      form.erase(undated.size() - suffix, suffix);
    }
  }
  return form;
}

}  // namespace

std::size_t version_suffix(std::string_view form) {
  std::string_view rest = form;
  if (const std::size_t digits = trailing_digits(rest); digits > 0 && rest.size() > digits) {
    rest.remove_suffix(digits);
    if (rest.ends_with(':')) {
      rest.remove_suffix(1);
      rest.remove_suffix(trailing_digits(rest));
    }
  }
  if (rest.size() == form.size() || !rest.ends_with("-v")) {
    return 0;
  }
  return form.size() - rest.size() + 2;
}

std::size_t snapshot_suffix(std::string_view form) {
  if (const std::size_t date = date_suffix(form); date != 0) {
    return date;
  }
  if (form.starts_with("gemini-") && ends_in_shape(form, "-000") && form[form.size() - 3] == '0') {
    return 4;
  }
  return form.starts_with("gemini-") && ends_in_shape(form, "-preview-00-00") ? 6 : 0;
}

std::size_t unspecific_suffix(std::string_view form, bool drops_version) {
  for (const std::string_view alias :
       {std::string_view("-latest"), std::string_view("@latest"), std::string_view("@default")}) {
    if (form.size() > alias.size() && form.ends_with(alias)) {
      return alias.size();
    }
  }
  if (drops_version) {
    if (const std::size_t version = version_suffix(form); version != 0) {
      return version;
    }
  }
  return form == "text-embedding-ada-002-v2" ? 3 : 0;  // what OpenAI's API answers for text-embedding-ada-002
}

std::string model_separators(std::string_view name) {
  std::string form(name);
  for (std::size_t i = 1; i + 1 < form.size(); ++i) {
    const bool before_digit = is_digit(form[i + 1]);
    const bool between = before_digit && is_digit(form[i - 1]);
    if ((between && (form[i] == '.' || form[i] == '_')) || (before_digit && form[i] == '@')) {
      form[i] = '-';
    }
  }
  return form;
}

std::string model_form(std::string_view name) {
  std::string form = model_separators(name);
  if (form.ends_with(":0") && version_suffix(form) != 0) {
    form.resize(form.size() - 2);
  }
  constexpr std::string_view azure_name = "gpt-35";
  if (form.starts_with(azure_name) && (form.size() == azure_name.size() || form[azure_name.size()] == '-')) {
    form.insert(5, 1, '-');
  }
  return with_claude_in_order(std::move(form));
}

}  // namespace spend

#include "core/formats/documents.hpp"

#include <algorithm>

namespace spend::formats {

namespace {

/// The text without white space on both sides.
std::string_view trimmed(std::string_view text) {
  constexpr const char* space = " \t\r\n";
  const std::size_t first = std::min(text.find_first_not_of(space), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(space) + 1);
}

/// Calls use(line) for each line that is not empty, until it returns false; whether it never did.
template <typename Use>
bool all_lines(std::string_view text, Use&& use) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    if (!line.empty() && !use(line)) {
      return false;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

}  // namespace

void for_each_document(std::string_view text, const std::function<void(std::string_view)>& use) {
  text = trimmed(text);
  const auto is_object = [](std::string_view line) { return line.starts_with('{') && line.ends_with('}'); };
  const bool is_one_a_line = all_lines(text, is_object);
  if (text.starts_with('{') && !is_one_a_line) {
    use(text);
    return;
  }
  constexpr std::string_view data = "data:";
  all_lines(text, [&](std::string_view line) {
    if (line.starts_with(data)) {
      line = trimmed(line.substr(data.size()));
    }
    if (line.starts_with('{')) {
      use(line);
    }
    return true;
  });
}

}  // namespace spend::formats

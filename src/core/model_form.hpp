#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace spend {

/// The form in which two spellings of one model's name are equal: a dot or underscore between digits is a dash
/// (gpt-5.4 = gpt-5-4), "@" before a date too; "-v1:0" is "-v1"; Azure's gpt-35 is gpt-3.5; Claude's version stands
/// behind its family whichever way it was written (claude-3-5-sonnet = claude-sonnet-3.5), without a minor version 0.
/// `name` is normalised (text_key.hpp). At most one character longer; linear time.
std::string model_form(std::string_view name);

/// The first part of that: dots, underscores and "@" between digits as dashes. As long as `name`.
std::string model_separators(std::string_view name);

/// Length of "-v1" or "-v1:0" at the end of a form; 0 where there is none.
std::size_t version_suffix(std::string_view form);

/// Length of what tells the snapshot of a model at the end of its form, 0 for nothing: a date; of Google's models -001
/// for a stable version, month and day for a preview.
std::size_t snapshot_suffix(std::string_view form);

/// What the end of `form` may lose and still names no snapshot: how many bytes, 0 for nothing.
std::size_t unspecific_suffix(std::string_view form, bool drops_version);

}  // namespace spend

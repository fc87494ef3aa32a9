#include "core/import/entry_stream.hpp"

#include <utility>

#include "core/error_text.hpp"

namespace spend {

namespace {

/// Parts of one entry at most: more than any price has, and few enough that a hostile one stays small.
constexpr std::size_t max_nodes_per_entry = 64 * 1024;

/// The error with the entry that it happened in.
Error in_entry(Error error, const std::string& key) {
  if (!key.empty()) {
    error.message += " in " + quoted(key);
  }
  return error;
}

}  // namespace

template <typename Forward>
EntryStream::Outcome EntryStream::scalar(Forward forward) {
  if (!value_.has_value()) {
    value_.emplace(max_nodes_per_entry);
  }
  if (Outcome error = forward()) {
    return in_entry(*std::move(error), key_);
  }
  return finish_if_complete();
}

EntryStream::Outcome EntryStream::finish_if_complete() {
  if (depth_ > 0) {
    return std::nullopt;
  }
  const Json value = value_->take();
  value_.reset();
  path_.push_back(key_);
  Outcome outcome = on_entry(path_, value);
  path_.pop_back();
  return outcome;
}

EntryStream::Outcome EntryStream::start(bool is_object) {
  if (!value_.has_value()) {
    path_.push_back(key_);
    const Result<bool> descend = descends(path_, is_object);
    if (!descend.ok()) {
      return descend.error();
    }
    if (*descend) {
      is_object_.push_back(is_object);
      key_.clear();
      return std::nullopt;
    }
    path_.pop_back();
    value_.emplace(max_nodes_per_entry);
  }
  ++depth_;
  Outcome error = is_object ? value_->on_object_start() : value_->on_array_start();
  return error.has_value() ? Outcome(in_entry(*std::move(error), key_)) : std::nullopt;
}

EntryStream::Outcome EntryStream::end() {
  if (value_.has_value()) {
    --depth_;
    // Objects and arrays close alike in the builder, but an object's end also looks for duplicate keys; in an array it
    // finds none.
    if (Outcome error = value_->on_object_end()) {
      return in_entry(*std::move(error), key_);
    }
    return finish_if_complete();
  }
  Outcome outcome = on_left(path_);
  path_.pop_back();
  is_object_.pop_back();
  key_.clear();
  return outcome;
}

EntryStream::Outcome EntryStream::on_null() {
  return scalar([&] { return value_->on_null(); });
}
EntryStream::Outcome EntryStream::on_boolean(bool value) {
  return scalar([&] { return value_->on_boolean(value); });
}
EntryStream::Outcome EntryStream::on_number(std::string_view text) {
  return scalar([&] { return value_->on_number(text); });
}
EntryStream::Outcome EntryStream::on_string(std::string_view text) {
  return scalar([&] { return value_->on_string(text); });
}
EntryStream::Outcome EntryStream::on_key(std::string_view text) {
  if (value_.has_value()) {
    return value_->on_key(text);
  }
  key_ = text;
  return std::nullopt;
}

}  // namespace spend

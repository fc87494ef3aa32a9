#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.hpp"
#include "core/status.hpp"

namespace spend {

/// Receives a JSON text piece by piece, so that a large document is never held as a tree. A function returns an Error
/// to stop reading; that error is what read_json returns.
class JsonEvents {
 public:
  using Outcome = std::optional<Error>;

  JsonEvents() = default;
  JsonEvents(const JsonEvents&) = delete;
  JsonEvents& operator=(const JsonEvents&) = delete;
  virtual ~JsonEvents() = default;

  virtual Outcome on_null() = 0;
  virtual Outcome on_boolean(bool value) = 0;
  virtual Outcome on_number(std::string_view text) = 0;  ///< as written
  virtual Outcome on_string(std::string_view text) = 0;  ///< decoded; never contains NUL
  virtual Outcome on_key(std::string_view text) = 0;
  virtual Outcome on_object_start() = 0;
  virtual Outcome on_object_end() = 0;
  virtual Outcome on_array_start() = 0;
  virtual Outcome on_array_end() = 0;
};

/// Reads one JSON text. Errors: limit_exceeded, invalid_text with the byte offset in detail, out_of_range for a number
/// whose exponent no decimal can have, or what `events` returned. Uses no recursion.
std::optional<Error> read_json(std::string_view text, Json::Limits limits, JsonEvents& events);

/// Builds Json values from events. A budget of nodes bounds memory: a node takes some hundred bytes where its text may
/// take two.
class JsonBuilder final : public JsonEvents {
 public:
  explicit JsonBuilder(std::size_t max_nodes) : nodes_left_(max_nodes) {}

  /// True once one whole value has been read.
  bool complete() const { return complete_; }
  Json take() { return std::move(root_); }

  Outcome on_null() override;
  Outcome on_boolean(bool value) override;
  Outcome on_number(std::string_view text) override;
  Outcome on_string(std::string_view text) override;
  Outcome on_key(std::string_view text) override;
  Outcome on_object_start() override;
  Outcome on_object_end() override;
  Outcome on_array_start() override;
  Outcome on_array_end() override;

 private:
  Outcome add(Json value, bool container);
  Outcome close();

  std::size_t nodes_left_;
  bool complete_ = false;
  Json root_;
  std::string key_;
  /// The open containers, kept by value and attached to their parent when closed: a pointer into a parent's vector
  /// would dangle when that vector grows.
  std::vector<Json::Member> open_;
};

/// The error for a key that occurs twice.
Error duplicate_key_error(std::string_view key);

}  // namespace spend

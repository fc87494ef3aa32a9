#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace spend {

/// What kind of failure a core function reports. src/pg maps each kind to one SQLSTATE, so that the core
/// needs no knowledge of PostgreSQL. The comment names that SQLSTATE.
enum class ErrorKind {
  invalid_text,        ///< 22P02: text that does not parse as the type
  invalid_binary,      ///< 22P03: bytes that are not a valid wire or storage image
  out_of_range,        ///< 22003: a number too large or too fine to be represented exactly
  invalid_value,       ///< 22023: parses, but the value is not acceptable (negative, NaN, unknown dimension)
  limit_exceeded,      ///< 54000: input above a documented size limit
  inconsistent_usage,  ///< SP004: a sub-meter above its parent
};

/// One error in the shape PostgreSQL reports it. Texts are UTF-8, message without trailing full stop,
/// detail and hint whole sentences; detail and hint may be empty.
struct Error {
  ErrorKind kind;
  std::string message;
  std::string detail;
  std::string hint;
};

/// A value or the Error that stands in its place. The core reports every foreseeable failure this way; only
/// std::bad_alloc is ever thrown, and the guard in src/pg turns it into 53200.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// Precondition: ok().
  T& value() & { return *std::get_if<0>(&state_); }
  const T& value() const& { return *std::get_if<0>(&state_); }
  T&& value() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

  /// Precondition: !ok().
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

}  // namespace spend

#pragma once

#include "core/status.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// A PostgreSQL error on its way through C++ frames: thrown by pg_call(), raised again by the guard, so that SQLSTATE,
/// detail, hint, context and query cancel arrive unchanged. Owns nothing: the data is palloc'd.
struct ServerError {
  ErrorData* data;
};

/// A core error on its way to the guard.
struct CoreError {
  Error error;
};

/// An error with a SQLSTATE of our own choice, for code that owns C++ objects and so may not call ereport().
struct SqlError {
  int sqlstate;
  Error error;
};

[[noreturn]] inline void raise(Error error) {
  throw CoreError{std::move(error)};
}
[[noreturn]] inline void raise(int sqlstate, std::string message, std::string detail = {}, std::string hint = {}) {
  throw SqlError{sqlstate, Error{ErrorKind::invalid_value, std::move(message), std::move(detail), std::move(hint)}};
}

/// The value of a core result, or its error raised.
template <typename T>
T take(Result<T> result) {
  if (!result.ok()) {
    raise(std::move(result).error());
  }
  return std::move(result).value();
}

/// The SQLSTATE a core error is reported under.
int sqlstate_of(ErrorKind kind);

/// Calls into the server from a place where C++ objects with destructors are alive: a longjmp would skip them, so it is
/// caught here and becomes a ServerError. `call` itself must not own such objects and must not throw. Its result must
/// be trivially destructible. Cost: one sigsetjmp without signal mask (a mask would cost 150 ns).
template <typename Call>
auto pg_call(Call&& call) -> decltype(call()) {
  using Value = decltype(call());
  sigjmp_buf* const outer_stack = PG_exception_stack;
  ErrorContextCallback* const outer_context = error_context_stack;
  const MemoryContext outer_memory = CurrentMemoryContext;
  sigjmp_buf here;
  if (sigsetjmp(here, 0) == 0) {
    PG_exception_stack = &here;
    if constexpr (std::is_void_v<Value>) {
      call();
      PG_exception_stack = outer_stack;
      return;
    } else {
      static_assert(std::is_trivially_destructible_v<Value>);
      Value value = call();
      PG_exception_stack = outer_stack;
      return value;
    }
  }
  PG_exception_stack = outer_stack;
  error_context_stack = outer_context;
  MemoryContextSwitchTo(outer_memory);
  ErrorData* data = CopyErrorData();
  FlushErrorState();
  throw ServerError{data};
}

using SqlBody = Datum (*)(FunctionCallInfo fcinfo);
/// Runs the body of a SQL function: no C++ exception leaves, no PostgreSQL error is raised from inside a catch block.
/// Core errors of a function that was called with an ErrorSaveContext (PostgreSQL 16+) are saved there.
Datum guarded(FunctionCallInfo fcinfo, SqlBody body);

/// The same for callbacks. Errors are raised after the C++ frames are gone.
using CallbackBody = void (*)(void* argument);
void guarded_callback(CallbackBody body, void* argument);

}  // namespace spend

/// Declares a SQL function `name` (a C symbol, prefix spend_) whose body runs under the guard.
#define SPEND_FUNCTION(name)                         \
  extern "C" {                                       \
  PG_FUNCTION_INFO_V1(name);                         \
  }                                                  \
  static Datum name##_body(FunctionCallInfo fcinfo); \
  extern "C" Datum name(FunctionCallInfo fcinfo) {   \
    return spend::guarded(fcinfo, name##_body);      \
  }                                                  \
  static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)

/// The same for a function that nearly always has a short way: `shortcut` is asked first, without the guard. It owns no
/// C++ object and lets no exception out; an error of the server may pass through it.
#define SPEND_FUNCTION_WITH_SHORTCUT(name, shortcut)                           \
  extern "C" {                                                                 \
  PG_FUNCTION_INFO_V1(name);                                                   \
  }                                                                            \
  static Datum name##_body(FunctionCallInfo fcinfo);                           \
  extern "C" Datum name(FunctionCallInfo fcinfo) {                             \
    const std::optional<Datum> result = shortcut(fcinfo);                      \
    return result.has_value() ? *result : spend::guarded(fcinfo, name##_body); \
  }                                                                            \
  static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)

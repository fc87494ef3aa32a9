#include "pg/guard.hpp"

#include "pg/prelude.hpp"

#if PG_VERSION_NUM >= 160000
extern "C" {
#include "nodes/miscnodes.h"
}
#endif

namespace spend {

namespace {

/// What is left of an exception once its catch block has ended: plain memory, so that ereport may jump over it.
struct Failure {
  ErrorData* server_error = nullptr;
  bool from_core = false;
  int sqlstate = 0;
  char* message = nullptr;
  char* detail = nullptr;
  char* hint = nullptr;
};

/// Copies into palloc'd memory without raising: inside a catch block an ereport would leak the exception object.
char* plain_copy(std::string_view text) {
  if (text.empty()) {
    return nullptr;
  }
  void* copy = MemoryContextAllocExtended(CurrentMemoryContext, text.size() + 1, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
  if (copy == nullptr) {
    return nullptr;
  }
  std::memcpy(copy, text.data(), text.size());
  static_cast<char*>(copy)[text.size()] = '\0';
  return static_cast<char*>(copy);
}

void describe(Failure& failure, int sqlstate, const Error& error) {
  failure.sqlstate = sqlstate;
  failure.message = plain_copy(error.message);
  failure.detail = plain_copy(error.detail);
  failure.hint = plain_copy(error.hint);
}

/// Runs `body` and turns whatever leaves it into a Failure. True when it returned normally.
template <typename Body>
bool run(Failure& failure, const Body& body) {
  sigjmp_buf* const outer_stack = PG_exception_stack;
  ErrorContextCallback* const outer_context = error_context_stack;
  const MemoryContext outer_memory = CurrentMemoryContext;
  const auto restore = [&] {
    PG_exception_stack = outer_stack;
    error_context_stack = outer_context;
    MemoryContextSwitchTo(outer_memory);
  };
  try {
    body();
    return true;
  } catch (const ServerError& caught) {
    restore();
    failure.server_error = caught.data;
  } catch (const CoreError& caught) {
    restore();
    failure.from_core = true;
    describe(failure, sqlstate_of(caught.error.kind), caught.error);
  } catch (const SqlError& caught) {
    restore();
    describe(failure, caught.sqlstate, caught.error);
  } catch (const std::bad_alloc&) {
    restore();
    failure.sqlstate = ERRCODE_OUT_OF_MEMORY;
  } catch (const std::exception& caught) {
    restore();
    failure.sqlstate = ERRCODE_INTERNAL_ERROR;
    failure.message = plain_copy(caught.what());
  } catch (...) {
    restore();
    failure.sqlstate = ERRCODE_INTERNAL_ERROR;
  }
  return false;
}

const char* message_of(const Failure& failure) {
  if (failure.message != nullptr) {
    return failure.message;
  }
  return failure.sqlstate == ERRCODE_OUT_OF_MEMORY ? "out of memory" : "unexpected error in pg_spend";
}

[[noreturn]] void raise_failure(const Failure& failure) {
  if (failure.server_error != nullptr) {
    ReThrowError(failure.server_error);
  }
  ereport(ERROR, (errcode(failure.sqlstate), errmsg_internal("%s", message_of(failure)),
                  failure.detail != nullptr ? errdetail_internal("%s", failure.detail) : 0,
                  failure.hint != nullptr ? errhint("%s", failure.hint) : 0));
  pg_unreachable();
}

}  // namespace

int sqlstate_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_text:
      return ERRCODE_INVALID_TEXT_REPRESENTATION;
    case ErrorKind::invalid_binary:
      return ERRCODE_INVALID_BINARY_REPRESENTATION;
    case ErrorKind::out_of_range:
      return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
    case ErrorKind::invalid_value:
      return ERRCODE_INVALID_PARAMETER_VALUE;
    case ErrorKind::limit_exceeded:
      return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
    case ErrorKind::inconsistent_usage:
      return MAKE_SQLSTATE('S', 'P', '0', '0', '4');
  }
  return ERRCODE_INTERNAL_ERROR;
}

Datum guarded(FunctionCallInfo fcinfo, SqlBody body) {
  Failure failure;
  Datum result = 0;
  if (run(failure, [&] { result = body(fcinfo); })) {
    return result;
  }
#if PG_VERSION_NUM >= 160000
  if (failure.from_core && fcinfo->context != nullptr && IsA(fcinfo->context, ErrorSaveContext)) {
    errsave(fcinfo->context, (errcode(failure.sqlstate), errmsg_internal("%s", message_of(failure)),
                              failure.detail != nullptr ? errdetail_internal("%s", failure.detail) : 0,
                              failure.hint != nullptr ? errhint("%s", failure.hint) : 0));
    PG_RETURN_NULL();
  }
#endif
  raise_failure(failure);
}

void guarded_callback(CallbackBody body, void* argument) {
  Failure failure;
  if (!run(failure, [&] { body(argument); })) {
    raise_failure(failure);
  }
}

}  // namespace spend

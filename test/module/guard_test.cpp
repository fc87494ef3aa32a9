// Errors of every kind, sent through the guard in both directions. Each function keeps a counted C++ object alive while
// the error passes, so that a destructor that did not run shows in live_objects().

#include <new>
#include <stdexcept>

#include "pg/guard.hpp"
#include "pg/prelude.hpp"

extern "C" {
#include "executor/spi.h"
PG_MODULE_MAGIC;
}

namespace {

int live_objects = 0;

/// Owns memory, so that a skipped destructor also shows in the size of the process.
class Counted {
 public:
  explicit Counted(std::size_t size) : memory_(size, 'x') { ++live_objects; }
  ~Counted() { --live_objects; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::string memory_;
};

constexpr std::size_t owned_bytes = 100'000;

/// Runs SQL from a place where C++ objects are alive.
void run_sql(const char* sql) {
  spend::pg_call([&] {
    SPI_connect();
    if (SPI_execute(sql, false, 0) < 0) {
      elog(ERROR, "SPI failed");
    }
    SPI_finish();
  });
}

}  // namespace

SPEND_FUNCTION(spend_test_live_objects) {
  return Int32GetDatum(live_objects);
}

SPEND_FUNCTION(spend_test_core_error) {
  const Counted owner(owned_bytes);
  spend::raise(spend::Error{static_cast<spend::ErrorKind>(PG_GETARG_INT32(0)),
                            std::string("core message ") + std::string(50'000, 'm'), "Core detail.", "Core hint."});
}

SPEND_FUNCTION(spend_test_sql_error) {
  const Counted owner(owned_bytes);
  spend::raise(MAKE_SQLSTATE('S', 'P', '0', '0', '1'), "own message", "Own detail.", "Own hint.");
}

SPEND_FUNCTION(spend_test_std_exception) {
  const Counted owner(owned_bytes);
  throw std::runtime_error("standard message");
}

SPEND_FUNCTION(spend_test_unknown_exception) {
  const Counted owner(owned_bytes);
  throw 42;
}

SPEND_FUNCTION(spend_test_bad_alloc) {
  const Counted owner(owned_bytes);
  throw std::bad_alloc();
}

SPEND_FUNCTION(spend_test_run_sql) {
  const char* sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
  const Counted owner(owned_bytes);
  run_sql(sql);
  PG_RETURN_VOID();
}

/// C++ over the server over C++: the inner call is made by SPI and its error passes two guards.
SPEND_FUNCTION(spend_test_nested) {
  const char* sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
  const Counted outer(owned_bytes);
  std::vector<std::unique_ptr<Counted>> more;
  for (int i = 0; i < 10; ++i) {
    more.push_back(std::make_unique<Counted>(1000));
  }
  run_sql(sql);
  PG_RETURN_VOID();
}

/// What follows an error inside a caught block must work as if nothing had happened: stacks and memory context are
/// restored.
SPEND_FUNCTION(spend_test_context_is_kept) {
  const MemoryContext before = CurrentMemoryContext;
  sigjmp_buf* const stack = PG_exception_stack;
  ErrorContextCallback* const context = error_context_stack;
  bool caught = false;
  try {
    const Counted owner(owned_bytes);
    spend::pg_call([] {
      MemoryContextSwitchTo(TopMemoryContext);
      elog(ERROR, "inside");
    });
  } catch (const spend::ServerError&) {
    caught = true;
  }
  return BoolGetDatum(caught && CurrentMemoryContext == before && PG_exception_stack == stack &&
                      error_context_stack == context);
}

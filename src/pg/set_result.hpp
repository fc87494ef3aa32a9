#pragma once

#include "pg/guard.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// Starts a materialised set result of the function's declared row type.
inline void begin_set(FunctionCallInfo fcinfo) {
  pg_call([&] { InitMaterializedSRF(fcinfo, 0); });
}

/// The same of a function that returns a set of one scalar type.
inline void begin_set_of_scalars(FunctionCallInfo fcinfo) {
  pg_call([&] { InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC); });
}

/// Adds one row without NULLs.
template <std::size_t Columns>
void emit_row(FunctionCallInfo fcinfo, std::array<Datum, Columns> values) {
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  std::array<bool, Columns> nulls = {};
  pg_call([&] { tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.data()); });
}

}  // namespace spend

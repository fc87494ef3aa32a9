#pragma once

#include "pg/guard.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// What one call site of a SQL function keeps from call to call: made at the first, freed with the expression. All
/// calls of one function ask for the same type.
template <typename Site>
Site& call_site(FunctionCallInfo fcinfo) {
  struct Kept {
    Site site;
    MemoryContextCallback release{};
  };
  auto* kept = static_cast<Kept*>(fcinfo->flinfo->fn_extra);
  if (kept == nullptr) {
    kept = new Kept();
    kept->release.func = [](void* pointer) { delete static_cast<Kept*>(pointer); };
    kept->release.arg = kept;
    MemoryContextRegisterResetCallback(fcinfo->flinfo->fn_mcxt, &kept->release);
    fcinfo->flinfo->fn_extra = kept;
  }
  return kept->site;
}

}  // namespace spend

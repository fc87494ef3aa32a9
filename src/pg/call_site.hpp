#pragma once

#include "pg/guard.hpp"
#include "pg/prelude.hpp"

namespace spend {

template <typename Site>
struct KeptCallSite {
  Site site;
  MemoryContextCallback release{};
};

/// What call_site() has made at an earlier call, or nullptr at the first.
template <typename Site>
Site* known_call_site(FunctionCallInfo fcinfo) {
  auto* const kept = static_cast<KeptCallSite<Site>*>(fcinfo->flinfo->fn_extra);
  return kept == nullptr ? nullptr : &kept->site;
}

/// What one call site of a SQL function keeps from call to call: made at the first, freed with the expression. All
/// calls of one function ask for the same type.
template <typename Site>
Site& call_site(FunctionCallInfo fcinfo) {
  using Kept = KeptCallSite<Site>;
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

#pragma once

#include <string_view>
#include <vector>

#include "pg/approvals.hpp"
#include "pg/gate_check.hpp"

namespace spend {

/// What the gate says of a call.
struct Answer {
  const char* verdict = "";
  const char* reason = "";
  const Candidate* candidate = nullptr;  ///< what may run, or was asked for
  const GateLine* decided_by = nullptr;  ///< the budget that spoke against the call as asked; may be null
  bool uses_approval = false;

  bool is(std::string_view other) const { return verdict == other; }
  bool may_run() const { return is("allow") || is("downgrade"); }
};

/// The verdict on the call as asked, the first of the candidates, with its fallbacks behind it. `approval` is what the
/// call names; may be null.
Answer answer(const std::vector<Candidate>& candidates, const Approval* approval);

}  // namespace spend

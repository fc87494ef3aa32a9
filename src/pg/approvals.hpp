#pragma once

#include <string>
#include <vector>

#include "pg/gate_check.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// A person's word on one call. The gate asks for it, spend.approve() and spend.decline() give it, the call uses it up:
/// each under the lock of its row of spend.approvals, with the clock read behind that, so that one of two who come at
/// the same time finds what the other has done.

struct Approval {
  enum class State { requested, approved, declined, expired };
  std::int64_t approval_id = 0;
  State state = State::requested;
  std::vector<std::int64_t> budget_ids;  ///< that asked for it
  std::optional<Atto> cost;              ///< the most that is approved; none: it was unknown
  std::string currency;

  /// Whether every budget that asks now is among those, and the call costs no more than what was approved.
  bool covers(const Candidate& call) const;
};

/// The approval that a call names. Errors: 42704 when there is none of this role, 22023 when it is for another call or
/// a smaller one, 55000 when it was used.
Approval find_approval(std::int64_t approval_id, const ExpectedCall& call);

/// A request for the approval of a call: the one that is open for this very call, or a new one.
struct ApprovalRequest {
  std::int64_t approval_id;
  bool is_new;
};
ApprovalRequest request_approval(const Candidate& call, Timestamp now);

/// The approved call gets its hold, and no other call one by this approval. Errors: 55000 when that has been used,
/// taken back or has expired meanwhile.
void use_approval(std::int64_t approval_id, std::int64_t hold_id);

}  // namespace spend

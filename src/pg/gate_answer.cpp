#include "pg/gate_answer.hpp"

#include "pg/pauses.hpp"
#include "pg/settings.hpp"

namespace spend {

namespace {

/// Of the lines that want another model, the first one.
const GateLine* wants_fallback(const Candidate& asked) {
  const auto found =
      std::find_if(asked.lines.begin(), asked.lines.end(), [](const GateLine& line) { return line.is_near_limit(); });
  return found == asked.lines.end() ? nullptr : &*found;
}

/// What is to be said of a call that fits but needs an approval that it does not have.
Answer answer_without_approval(const Candidate& asked, const GateLine* asked_by, const Approval* approval) {
  if (approval == nullptr) {
    return {"needs_approval", "approval_above", &asked, asked_by};
  }
  switch (approval->state) {
    case Approval::State::requested:
      return {"needs_approval", approval->covers(asked) ? "approval_pending" : "approval_outgrown", &asked, asked_by};
    case Approval::State::declined:
      return {"deny", "approval_declined", &asked, asked_by};
    case Approval::State::expired:
      return {"needs_approval", "approval_expired", &asked, asked_by};
    case Approval::State::approved:
      break;
  }
  return {"needs_approval", "approval_outgrown", &asked, asked_by};
}

/// A fallback is proposed if it may run at once.
const Candidate* fallback_among(const std::vector<Candidate>& candidates) {
  const auto found = std::find_if(candidates.begin() + 1, candidates.end(), [](const Candidate& candidate) {
    return candidate.fits() && !candidate.is_unpriced() && candidate.asks_approval() == nullptr &&
           find_pause(candidate.row, attribution_of(candidate.row)) == nullptr;
  });
  return found == candidates.end() ? nullptr : &*found;
}

}  // namespace

Answer answer(const std::vector<Candidate>& candidates, const Approval* approval) {
  const Candidate& asked = candidates.front();
  if (find_pause(asked.row, attribution_of(asked.row)) != nullptr) {
    return {"deny", "paused", &asked, nullptr};
  }
  const GateLine* const stopped_by = asked.stopped_by();
  const bool denies_unpriced = settings()->strict_pricing && asked.is_unpriced();
  if (denies_unpriced || (stopped_by != nullptr && stopped_by->is_denied_unpriced())) {
    return {"deny", "unpriced_model", &asked, stopped_by};
  }
  const GateLine* const asked_by = asked.asks_approval();
  const bool is_approved = asked_by != nullptr && approval != nullptr && approval->state == Approval::State::approved &&
                           approval->covers(asked);
  // What a person has approved runs as asked, if it fits.
  const GateLine* const near = is_approved ? nullptr : wants_fallback(asked);
  if (near != nullptr || stopped_by != nullptr) {
    if (const Candidate* const fallback = fallback_among(candidates)) {
      return {"downgrade", stopped_by != nullptr ? "budget_exceeded" : "fallback_threshold", fallback,
              stopped_by != nullptr ? stopped_by : near};
    }
  }
  if (stopped_by != nullptr) {
    return {"deny", "budget_exceeded", &asked, stopped_by};
  }
  if (asked_by != nullptr) {
    return is_approved ? Answer{"allow", "approved", &asked, asked_by, true}
                       : answer_without_approval(asked, asked_by, approval);
  }
  const auto over =
      std::find_if(asked.lines.begin(), asked.lines.end(), [](const GateLine& line) { return line.is_exceeded(); });
  if (over != asked.lines.end()) {
    return {"allow", "alert_budget_exceeded", &asked, &*over};
  }
  return {"allow", asked.lines.empty() ? "no_budget" : "within_budget", &asked, nullptr};
}

}  // namespace spend

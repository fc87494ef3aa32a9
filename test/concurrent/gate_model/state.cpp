// What the model says must be true.

#include <algorithm>

#include "model.hpp"

/// Whoever asks in a transaction has the counter until its end, denied or not.
bool Model::others_are_at_it(const Session& session) const {
  return !prepared_.empty() || std::any_of(sessions_.begin(), sessions_.end(), [&](const Session& other) {
    return &other != &session && other.in_transaction;
  });
}

long Model::others_pending(const Session& session) const {
  long sum = 0;
  for (const Session& other : sessions_) {
    sum += &other == &session ? 0 : other.pending.spent + other.pending.held();
  }
  for (const Prepared& other : prepared_) {
    sum += other.pending.spent + other.pending.held();
  }
  return sum;
}

/// Whether a transaction that has not ended has settled or released the hold, other than this session's.
bool Model::is_resolved_by_others(const Session* session, long hold) const {
  return std::any_of(
             sessions_.begin(), sessions_.end(),
             [&](const Session& other) { return &other != session && other.pending.resolved.contains(hold); }) ||
         std::any_of(prepared_.begin(), prepared_.end(),
                     [&](const Prepared& other) { return other.pending.resolved.contains(hold); });
}

/// What stands in the way of this session, itself included.
long Model::standing(const Session& session) const {
  long sum = books_.spent + books_.held() + session.pending.spent + session.pending.held();
  for (const auto& [id, state] : session.pending.resolved) {
    const auto found = books_.holds.find(id);
    sum -= found != books_.holds.end() && !found->second.is_over && !books_.unknown.contains(id) ? found->second.amount
                                                                                                 : 0;
  }
  return sum;
}

void Model::check() {
  const pqxx::result rows =
      observe("SELECT coalesce(sum(cost), 0)::bigint FROM spend.usage WHERE occurred_at > now() - interval '30 days'");
  if (rows[0][0].as<long>() != books_.spent) {
    fail("the rows say " + rows[0][0].as<std::string>() + ", the model " + std::to_string(books_.spent));
  }
  std::map<long, std::string> states;
  for (const auto& row : observe("SELECT hold_id, state FROM spend.holds")) {
    states[row[0].as<long>()] = row[1].as<std::string>();
  }
  for (const auto& [id, hold] : books_.holds) {
    if (states[id] != hold.state) {
      fail("hold " + std::to_string(id) + " is " + states[id] + ", the model says " + hold.state);
    }
  }
  if (states.size() != books_.holds.size()) {
    fail("there are holds that nobody has");
  }
  if (books_.limit.has_value()) {
    const pqxx::result held = observe(
        "SELECT coalesce(sum(a.amount), 0)::bigint FROM spend.hold_amounts AS a JOIN spend._budget_periods() AS p "
        "USING (budget_id, generation, period_start) "
        "WHERE a.expires_at > clock_timestamp()");
    if (held[0][0].as<long>() != books_.held()) {
      fail("held is " + held[0][0].as<std::string>() + ", the model says " + std::to_string(books_.held()));
    }
  }
  if (observe("SELECT count(*) FROM spend.verify()")[0][0].as<long>() != 0) {
    fail("verify() finds differences");
  }
}

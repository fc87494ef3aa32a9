// What sessions do: ask the gate, insert, settle and release; and whether the answer was right.

#include "model.hpp"

void Model::authorize(Session& session) {
  const long amount = number(1, 40);
  const long before = standing(session);
  const bool contended = others_are_at_it(session);
  const long others = others_pending(session);
  pqxx::result result;
  const std::string state =
      attempt(session,
              "SELECT verdict, hold_id FROM spend.authorize('m', '{\"team\": \"a\"}', '{\"input_tokens\": " +
                  std::to_string(amount) + "}')",
              &result);
  if (state == "55P03" && contended) {
    ++done_["authorize given up"];
    return;
  }
  if (!state.empty()) {
    fail("authorize: " + state);
  }
  const bool allowed = result[0][0].as<std::string>() == "allow";
  const bool fits = !books_.limit.has_value() || before + amount <= *books_.limit;
  const bool surely_fits = !books_.limit.has_value() || before + others + amount <= *books_.limit;
  if (allowed && !fits) {
    fail("overspend: " + std::to_string(amount) + " allowed beside " + std::to_string(before));
  }
  if (!allowed && surely_fits) {
    fail("false denial: " + std::to_string(amount) + " beside " + std::to_string(before));
  }
  if (allowed) {
    session.pending.taken[result[0][1].as<long>()] = {amount, "open", false};
  }
  settle_down(session);
  ++done_[allowed ? "authorize: allow" : "authorize: deny"];
}

void Model::insert(Session& session, bool is_late) {
  const long amount = number(1, 30);
  const long before = standing(session);
  const bool contended = others_are_at_it(session);
  const long others = others_pending(session);
  pqxx::result result;
  const std::string state =
      attempt(session,
              "INSERT INTO spend.usage (team, request_model, input_tokens, occurred_at) VALUES ('a', 'm', " +
                  std::to_string(amount) + (is_late ? ", now() - interval '400 days')" : ", now())"),
              &result);
  if (state == "55P03" && contended) {
    ++done_["insert given up"];
    return;
  }
  if (is_late) {  // of a period that is over
    if (!state.empty()) {
      fail("late row: " + state);
    }
    settle_down(session);
    ++done_["late row"];
    return;
  }
  const bool fits = !books_.limit.has_value() || before + amount <= *books_.limit;
  const bool surely_fits = !books_.limit.has_value() || before + others + amount <= *books_.limit;
  if (state.empty() && !fits) {
    fail("overspend by INSERT");
  }
  if (state == "SP001" && surely_fits) {
    fail("false refusal");
  }
  if (!state.empty() && state != "SP001") {
    fail("INSERT: " + state);
  }
  if (state.empty()) {
    session.pending.spent += amount;
    settle_down(session);
  }
  ++done_[state.empty() ? "insert" : "insert refused"];
}

/// A hold of the books, or of the session's own.
std::optional<long> Model::any_hold(const Session& session) {
  std::vector<long> ids;
  for (const auto& [id, hold] : books_.holds) {
    if (hold.state == "open" || number(0, 9) == 0) {
      ids.push_back(id);
    }
  }
  for (const auto& [id, hold] : session.pending.taken) {
    ids.push_back(id);
  }
  return ids.empty() ? std::nullopt
                     : std::optional(ids[static_cast<std::size_t>(number(0, static_cast<long>(ids.size()) - 1))]);
}

void Model::resolve(Session& session, bool settle) {
  const std::optional<long> id = any_hold(session);
  if (!id.has_value()) {
    return;
  }
  const bool is_own = session.pending.taken.contains(*id);
  const Hold hold = is_own ? session.pending.taken[*id] : books_.holds[*id];
  const bool is_resolved_here = session.pending.resolved.contains(*id);
  const bool is_resolved_elsewhere = is_resolved_by_others(&session, *id);
  const bool contended = is_resolved_elsewhere || (settle && others_are_at_it(session));
  const long used = number(0, 9) == 0 ? hold.amount + number(1, 20) : number(0, hold.amount);
  const bool even_if_expired = settle && number(0, 3) == 0;
  pqxx::result result;
  const std::string state = attempt(session,
                                    settle ? "SELECT cost FROM spend.settle(" + std::to_string(*id) +
                                                 ", '{\"input_tokens\": " + std::to_string(used) +
                                                 "}', even_if_expired => " + (even_if_expired ? "true" : "false") + ")"
                                           : "SELECT spend.release(" + std::to_string(*id) + ")",
                                    &result);
  if (state == "55P03" && contended) {
    ++done_["resolve given up"];
    return;
  }
  const bool is_expired = hold.state == "expired" || (hold.state == "open" && hold.is_over);
  const bool can = !is_resolved_here && !is_resolved_elsewhere && (is_expired ? even_if_expired : hold.state == "open");
  if (!state.empty() && state != "SP007") {
    fail("resolve: " + state);
  }
  if (state.empty() != can) {
    fail("hold " + std::to_string(*id) + " (" + hold.state + (hold.is_over ? ", over" : "") +
         "): " + (state.empty() ? "resolved twice" : "not resolved"));
  }
  if (state.empty()) {
    session.pending.resolved[*id] = settle ? "settled" : "released";
    session.pending.spent += settle ? used : 0;
    settle_down(session);
  }
  ++done_[!state.empty() ? "SP007" : settle ? (is_expired ? "settle late" : "settle") : "release"];
}

// What happens around the sessions: time passes, upkeep comes by, the budget changes.

#include <algorithm>

#include "model.hpp"

/// The time of a hold passes: the clock cannot be moved, so its end is.
void Model::expire() {
  for (auto& [id, hold] : books_.holds) {
    if (hold.state == "open" && !hold.is_over && number(0, 1) == 0) {
      if (is_resolved_by_others(nullptr, id)) {
        return;
      }
      observe(
          "WITH over AS (UPDATE spend.holds SET expires_at = clock_timestamp() WHERE hold_id = " + std::to_string(id) +
          " RETURNING hold_id, expires_at) UPDATE spend.hold_amounts AS a SET expires_at = over.expires_at FROM over "
          "WHERE a.hold_id = over.hold_id");
      hold.is_over = true;
      ++done_["expire"];
      return;
    }
  }
}

void Model::tidy() {
  observe("SELECT count(*) FROM spend.maintain(0)");
  for (auto& [id, hold] : books_.holds) {
    if (hold.state == "open" && hold.is_over && !is_resolved_by_others(nullptr, id)) {
      hold.state = "expired";
    }
  }
  ++done_["tidy"];
}

void Model::change_budget() {
  // While a transaction is under way its own limit may be the old one or the new one; keep the model simple.
  const bool is_at_rest =
      std::none_of(sessions_.begin(), sessions_.end(), [](const Session& session) { return session.in_transaction; });
  if (!is_at_rest || !prepared_.empty()) {
    return;
  }
  const long limit = number(20, 200);
  switch (number(0, 9)) {
    case 0:
      observe("DELETE FROM spend.budgets WHERE name = 'cap'");
      books_.limit.reset();
      ++done_["budget deleted"];
      break;
    case 1:
    case 2:
    case 3:
      if (!books_.limit.has_value()) {
        observe(
            "INSERT INTO spend.budgets (name, scope, amount, period, on_exceeded) VALUES ('cap', '{\"team\": "
            "\"a\"}', " +
            std::to_string(limit) + ", 'year', 'reject')");
        for (const auto& [id, hold] : books_.holds) {
          books_.unknown.insert(id);
        }
        books_.limit = limit;
        ++done_["budget created"];
      }
      break;
    default:
      if (books_.limit.has_value()) {
        observe("UPDATE spend.budgets SET amount = " + std::to_string(limit) + " WHERE name = 'cap'");
        ++done_[limit > *books_.limit ? "budget raised" : "budget lowered"];
        books_.limit = limit;
      }
  }
}

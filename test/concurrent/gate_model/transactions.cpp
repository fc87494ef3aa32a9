// Transactions of the sessions: begun, committed, rolled back, prepared, and lost with the server.

#include <cstdlib>
#include <utility>

#include "model.hpp"

void Model::begin(Session& session) {
  static const char* const levels[] = {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"};
  exec(session, std::string("BEGIN ISOLATION LEVEL ") + levels[number(0, 2)]);
  session.in_transaction = true;
}

void Model::end(Session& session, bool commit) {
  if (!session.in_transaction) {
    return;
  }
  session.in_transaction = false;
  session.savepoint.reset();
  Pending pending = std::exchange(session.pending, {});
  if (!commit) {
    exec(session, "ROLLBACK");
    return;
  }
  try {
    exec(session, "COMMIT");
  } catch (const pqxx::sql_error& error) {
    // Whoever commits may have to wait for one who holds the counter, and not for long here.
    if (error.sqlstate() != "55P03") {
      throw;
    }
    ++done_["commit given up"];
    return;
  }
  apply(pending);
}

/// From here on the transaction is nobody's: another session ends it, perhaps after a restart.
void Model::prepare(Session& session) {
  if (!session.in_transaction || prepared_.size() >= most_prepared) {
    return;
  }
  session.in_transaction = false;
  session.savepoint.reset();
  Pending pending = std::exchange(session.pending, {});
  const std::string name = "gate_model_" + std::to_string(++prepared_count_);
  try {
    exec(session, "PREPARE TRANSACTION '" + name + "'");
  } catch (const pqxx::sql_error& error) {
    if (error.sqlstate() != "55P03") {
      throw;
    }
    ++done_["prepare given up"];
    return;
  }
  prepared_.push_back({name, std::move(pending)});
  ++done_["prepare"];
}

void Model::finish_prepared(bool commit) {
  if (prepared_.empty()) {
    return;
  }
  const auto chosen = prepared_.begin() + number(0, static_cast<long>(prepared_.size()) - 1);
  observe((commit ? "COMMIT PREPARED '" : "ROLLBACK PREPARED '") + chosen->name + "'");
  if (commit) {
    apply(chosen->pending);
  }
  prepared_.erase(chosen);
  ++done_[commit ? "commit prepared" : "rollback prepared"];
}

void Model::apply(const Pending& pending) {
  books_.spent += pending.spent;
  for (const auto& [id, hold] : pending.taken) {
    books_.holds[id] = hold;
  }
  for (const auto& [id, state] : pending.resolved) {
    books_.holds[id].state = state;
  }
}

/// After a statement of a session without transaction.
void Model::settle_down(Session& session) {
  if (!session.in_transaction) {
    apply(std::exchange(session.pending, {}));
  }
}

/// Runs one statement; an error rolls the session's transaction back. The SQLSTATE, "" if it worked.
std::string Model::attempt(Session& session, const std::string& sql, pqxx::result* result) {
  try {
    *result = exec(session, sql);
    return {};
  } catch (const pqxx::sql_error& error) {
    if (session.in_transaction) {
      end(session, false);
    }
    return std::string(error.sqlstate());
  }
}

void Model::restart() {
  for (Session& session : sessions_) {
    session.in_transaction = false;
    session.pending = {};
    session.savepoint.reset();
    session.connection.reset();
  }
  observer_.reset();
  if (std::system(restart_.c_str()) != 0) {
    fail("the server does not restart");
  }
  connect();
  ++done_[prepared_.empty() ? "restart" : "restart with prepared transactions"];
}

// Random steps, one after the other, each followed by a look at the database.

#include <iostream>

#include "model.hpp"

void Model::run(int steps) {
  observe("UPDATE spend.budgets SET amount = 100 WHERE name = 'cap'");
  books_.limit = 100;
  for (int i = 0; i < steps; ++i) {
    step();
    check();
    if (i == steps / 2) {
      restart_with_prepared();
      check();
    }
  }
  while (!prepared_.empty()) {
    finish_prepared(number(0, 1) == 0);
    check();
  }
  for (Session& session : sessions_) {
    end(session, true);
  }
  check();
  for (const auto& [name, count] : done_) {
    std::cout << name << ' ' << count << '\n';
  }
}

/// What random steps would bring about too rarely.
void Model::restart_with_prepared() {
  for (Session& session : sessions_) {
    if (!session.in_transaction) {
      begin(session);
    }
    resolve(session, true);
    if (session.in_transaction) {
      authorize(session);
    }
    prepare(session);
  }
  restart();
}

void Model::connect() {
  observer_ = std::make_unique<pqxx::connection>(connection_);
  for (Session& session : sessions_) {
    session.connection = std::make_unique<pqxx::connection>(connection_);
    exec(session, "SET lock_timeout = '30ms'");
    exec(session, "SET client_min_messages = error");
  }
}

pqxx::result Model::exec(Session& session, const std::string& sql) {
  pqxx::nontransaction direct(*session.connection);
  return direct.exec(sql);
}
pqxx::result Model::observe(const std::string& sql) {
  pqxx::nontransaction direct(*observer_);
  return direct.exec(sql);
}

void Model::step() {
  Session& session = any();
  const long kind = number(0, 99);
  if (kind < 30) {
    authorize(session);
  } else if (kind < 50) {
    resolve(session, true);
  } else if (kind < 58) {
    resolve(session, false);
  } else if (kind < 66) {
    insert(session, false);
  } else if (kind < 68) {
    insert(session, true);
  } else if (kind < 76) {
    if (!session.in_transaction) {
      begin(session);
    }
  } else if (kind < 80) {
    end(session, kind < 79);
  } else if (kind < 82) {
    prepare(session);
  } else if (kind < 85) {
    finish_prepared(kind < 84);
  } else if (kind < 92) {
    if (session.in_transaction && !session.savepoint.has_value()) {
      exec(session, "SAVEPOINT s");
      session.savepoint = session.pending;
    } else if (session.in_transaction) {
      exec(session, "ROLLBACK TO SAVEPOINT s");
      session.pending = *session.savepoint;
      ++done_["savepoint rolled back"];
    }
  } else if (kind < 94) {
    expire();
  } else if (kind < 96) {
    tidy();
  } else if (kind < 99 || number(0, 9) != 0) {
    change_budget();
  } else {
    restart();
  }
}

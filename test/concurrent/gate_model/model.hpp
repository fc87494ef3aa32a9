#pragma once

#include <map>
#include <memory>
#include <optional>
#include <pqxx/pqxx>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "books.hpp"

struct Session {
  std::unique_ptr<pqxx::connection> connection;
  bool in_transaction = false;
  Pending pending;
  std::optional<Pending> savepoint;
};

/// A transaction that was prepared and has not ended; it has no session, and survives the server.
struct Prepared {
  std::string name;
  Pending pending;
};

[[noreturn]] inline void fail(const std::string& what) {
  throw std::runtime_error(what);
}

/// A model of the gate beside the gate. One driver plays random steps on several sessions, each with a transaction of
/// its own under way or none, and says after each step what must be true.
class Model {
 public:
  Model(std::string connection, unsigned seed, std::string restart)
      : connection_(std::move(connection)), restart_(std::move(restart)), random_(seed), sessions_(4) {
    connect();
  }

  /// Plays so many steps, ends all transactions and prints how often what was done. Errors: std::runtime_error where
  /// the database is not as the model says.
  void run(int steps);

 private:
  void connect();
  void step();
  void restart_with_prepared();
  pqxx::result exec(Session& session, const std::string& sql);
  pqxx::result observe(const std::string& sql);
  long number(long from, long to) { return std::uniform_int_distribution<long>(from, to)(random_); }
  Session& any() { return sessions_[static_cast<std::size_t>(number(0, static_cast<long>(sessions_.size()) - 1))]; }

  bool others_are_at_it(const Session& session) const;
  long others_pending(const Session& session) const;
  bool is_resolved_by_others(const Session* session, long hold) const;
  long standing(const Session& session) const;
  void check();

  void begin(Session& session);
  void end(Session& session, bool commit);
  void prepare(Session& session);
  void finish_prepared(bool commit);
  void apply(const Pending& pending);
  void settle_down(Session& session);
  std::string attempt(Session& session, const std::string& sql, pqxx::result* result);
  void restart();

  void authorize(Session& session);
  void insert(Session& session, bool is_late);
  std::optional<long> any_hold(const Session& session);
  void resolve(Session& session, bool settle);

  void expire();
  void tidy();
  void change_budget();

  static constexpr std::size_t most_prepared = 3;

  std::string connection_;
  std::string restart_;
  std::mt19937 random_;
  std::unique_ptr<pqxx::connection> observer_;
  std::vector<Session> sessions_;
  std::vector<Prepared> prepared_;
  int prepared_count_ = 0;
  Books books_;
  std::map<std::string, int> done_;
};

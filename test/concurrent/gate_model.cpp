// A model of the gate beside the gate, for test/tap/111_gate.pl. One driver plays random steps on several sessions,
// each with a transaction of its own under way or none: authorize, settle, release, expire, INSERT, savepoints, aborts,
// the budget raised, lowered, redefined and deleted, late rows, upkeep, restarts. The model says after each step what
// must be true, and the database is asked.
//
//   gate_model CONNECTION SEED STEPS RESTART_COMMAND

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <pqxx/pqxx>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Hold {
  long amount = 0;
  std::string state = "open";
  bool is_over = false;  ///< its time has passed
};

/// What is committed. Amounts are whole dollars.
struct Books {
  std::optional<long> limit;
  long spent = 0;
  std::map<long, Hold> holds;
  /// Holds that the present budget, made or redefined after them, does not know.
  std::set<long> unknown;

  long held() const {
    long sum = 0;
    for (const auto& [id, hold] : holds) {
      sum += hold.state == "open" && !hold.is_over && !unknown.contains(id) ? hold.amount : 0;
    }
    return sum;
  }
};

/// What one session has done and not committed.
struct Pending {
  long spent = 0;
  std::map<long, Hold> taken;
  std::map<long, std::string> resolved;

  long held() const {
    long sum = 0;
    for (const auto& [id, hold] : taken) {
      sum += resolved.contains(id) ? 0 : hold.amount;
    }
    return sum;
  }
};

struct Session {
  std::unique_ptr<pqxx::connection> connection;
  bool in_transaction = false;
  Pending pending;
  std::optional<Pending> savepoint;
};

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

class Model {
 public:
  Model(std::string connection, unsigned seed, std::string restart)
      : connection_(std::move(connection)), restart_(std::move(restart)), random_(seed), sessions_(4) {
    connect();
  }

  void run(int steps) {
    observe("UPDATE spend.budgets SET amount = 100 WHERE name = 'cap'");
    books_.limit = 100;
    for (int i = 0; i < steps; ++i) {
      step();
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

 private:
  void connect() {
    observer_ = std::make_unique<pqxx::connection>(connection_);
    for (Session& session : sessions_) {
      session.connection = std::make_unique<pqxx::connection>(connection_);
      exec(session, "SET lock_timeout = '30ms'");
      exec(session, "SET client_min_messages = error");
    }
  }

  pqxx::result exec(Session& session, const std::string& sql) {
    pqxx::nontransaction direct(*session.connection);
    return direct.exec(sql);
  }
  pqxx::result observe(const std::string& sql) {
    pqxx::nontransaction direct(*observer_);
    return direct.exec(sql);
  }

  long number(long from, long to) { return std::uniform_int_distribution<long>(from, to)(random_); }
  Session& any() { return sessions_[static_cast<std::size_t>(number(0, static_cast<long>(sessions_.size()) - 1))]; }

  /// Whoever asks in a transaction has the counter until its end, denied or not.
  bool others_are_at_it(const Session& session) const {
    return std::any_of(sessions_.begin(), sessions_.end(),
                       [&](const Session& other) { return &other != &session && other.in_transaction; });
  }
  long others_pending(const Session& session) const {
    long sum = 0;
    for (const Session& other : sessions_) {
      sum += &other == &session ? 0 : other.pending.spent + other.pending.held();
    }
    return sum;
  }
  /// What stands in the way of this session, itself included.
  long standing(const Session& session) const {
    long sum = books_.spent + books_.held() + session.pending.spent + session.pending.held();
    for (const auto& [id, state] : session.pending.resolved) {
      const auto found = books_.holds.find(id);
      sum -= found != books_.holds.end() && !found->second.is_over && !books_.unknown.contains(id)
                 ? found->second.amount
                 : 0;
    }
    return sum;
  }

  void begin(Session& session) {
    static const char* const levels[] = {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"};
    exec(session, std::string("BEGIN ISOLATION LEVEL ") + levels[number(0, 2)]);
    session.in_transaction = true;
  }

  void end(Session& session, bool commit) {
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

  void apply(const Pending& pending) {
    books_.spent += pending.spent;
    for (const auto& [id, hold] : pending.taken) {
      books_.holds[id] = hold;
    }
    for (const auto& [id, state] : pending.resolved) {
      books_.holds[id].state = state;
    }
  }

  /// After a statement of a session without transaction.
  void settle_down(Session& session) {
    if (!session.in_transaction) {
      apply(std::exchange(session.pending, {}));
    }
  }

  /// Runs one statement; an error rolls the session's transaction back. The SQLSTATE, "" if it worked.
  std::string attempt(Session& session, const std::string& sql, pqxx::result* result) {
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

  void authorize(Session& session) {
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

  void insert(Session& session, bool is_late) {
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
  std::optional<long> any_hold(const Session& session) {
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

  void resolve(Session& session, bool settle) {
    const std::optional<long> id = any_hold(session);
    if (!id.has_value()) {
      return;
    }
    const bool is_own = session.pending.taken.contains(*id);
    const Hold hold = is_own ? session.pending.taken[*id] : books_.holds[*id];
    const bool is_resolved_here = session.pending.resolved.contains(*id);
    bool is_resolved_elsewhere = false;
    for (const Session& other : sessions_) {
      is_resolved_elsewhere = is_resolved_elsewhere || (&other != &session && other.pending.resolved.contains(*id));
    }
    const bool contended = is_resolved_elsewhere || (settle && others_are_at_it(session));
    const long used = number(0, 9) == 0 ? hold.amount + number(1, 20) : number(0, hold.amount);
    const bool even_if_expired = settle && number(0, 3) == 0;
    pqxx::result result;
    const std::string state =
        attempt(session,
                settle ? "SELECT cost FROM spend.settle(" + std::to_string(*id) +
                             ", '{\"input_tokens\": " + std::to_string(used) + "}', even_if_expired => " +
                             (even_if_expired ? "true" : "false") + ")"
                       : "SELECT spend.release(" + std::to_string(*id) + ")",
                &result);
    if (state == "55P03" && contended) {
      ++done_["resolve given up"];
      return;
    }
    const bool is_expired = hold.state == "expired" || (hold.state == "open" && hold.is_over);
    const bool can =
        !is_resolved_here && !is_resolved_elsewhere && (is_expired ? even_if_expired : hold.state == "open");
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

  /// The time of a hold passes: the clock cannot be moved, so its end is.
  void expire() {
    for (auto& [id, hold] : books_.holds) {
      if (hold.state == "open" && !hold.is_over && number(0, 1) == 0) {
        for (const Session& session : sessions_) {
          if (session.pending.resolved.contains(id)) {
            return;
          }
        }
        observe(
            "WITH over AS (UPDATE spend.holds SET expires_at = clock_timestamp() WHERE hold_id = " +
            std::to_string(id) +
            " RETURNING hold_id, expires_at) UPDATE spend.hold_amounts AS a SET expires_at = over.expires_at FROM over "
            "WHERE a.hold_id = over.hold_id");
        hold.is_over = true;
        ++done_["expire"];
        return;
      }
    }
  }

  void tidy() {
    observe("SELECT count(*) FROM spend.maintain(0)");
    for (auto& [id, hold] : books_.holds) {
      bool is_locked = false;
      for (const Session& session : sessions_) {
        is_locked = is_locked || session.pending.resolved.contains(id);
      }
      if (hold.state == "open" && hold.is_over && !is_locked) {
        hold.state = "expired";
      }
    }
    ++done_["tidy"];
  }

  void change_budget() {
    // While a transaction is under way its own limit may be the old one or the new one; keep the model simple.
    for (const Session& session : sessions_) {
      if (session.in_transaction) {
        return;
      }
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

  void restart() {
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
    ++done_["restart"];
  }

  void step() {
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
    } else if (kind < 90) {
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

  void check() {
    const pqxx::result rows = observe(
        "SELECT coalesce(sum(cost), 0)::bigint FROM spend.usage WHERE occurred_at > now() - interval '30 days'");
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

  std::string connection_;
  std::string restart_;
  std::mt19937 random_;
  std::unique_ptr<pqxx::connection> observer_;
  std::vector<Session> sessions_;
  Books books_;
  std::map<std::string, int> done_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: gate_model CONNECTION SEED STEPS RESTART_COMMAND\n";
    return 2;
  }
  try {
    Model(argv[1], static_cast<unsigned>(std::stoul(argv[2])), argv[4]).run(std::stoi(argv[3]));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}

// Concurrent writers for test/tap/006_concurrent.pl: THREADS connections write TRANSACTIONS transactions each to
// overlapping budgets, in every isolation level, with multi-row statements in random order, savepoints and rollbacks.
// Prints what happened; the test judges it.
//
//   writers CONNECTION THREADS TRANSACTIONS

#include <atomic>
#include <exception>
#include <iostream>
#include <pqxx/pqxx>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<int> committed{0};
std::atomic<int> refused{0};
std::atomic<int> rolled_back{0};
std::atomic<int> failed{0};

const char* const teams[] = {"red", "green", "blue", "grey"};

/// A multi-row INSERT over the teams in random order: each row touches the budget of its team and those of all.
std::string statement(std::mt19937& random) {
  std::string rows;
  const int count = 1 + static_cast<int>(random() % 4);
  for (int i = 0; i < count; ++i) {
    rows += (i == 0 ? "" : ", ");
    rows += "('" + std::string(teams[random() % 4]) + "', 'user" + std::to_string(random() % 5) +
            "', 'test', 'unit', " + std::to_string(1 + random() % 9) + ")";
  }
  return "INSERT INTO spend.usage (team, user_id, provider, request_model, input_tokens) VALUES " + rows;
}

void one_transaction(pqxx::connection& session, std::mt19937& random) {
  static const char* const levels[] = {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"};
  pqxx::nontransaction direct(session);
  const unsigned kind = random() % 10;
  try {
    if (kind < 4) {
      direct.exec(statement(random));
      ++committed;
      return;
    }
    direct.exec(std::string("BEGIN ISOLATION LEVEL ") + levels[random() % 3]);
    if (kind < 6) {
      direct.exec("SAVEPOINT s");
      direct.exec(statement(random));
      direct.exec(random() % 2 == 0 ? "ROLLBACK TO SAVEPOINT s" : "RELEASE SAVEPOINT s");
    }
    // One statement that takes reject budgets per transaction: more would be the documented multi-statement case.
    if (kind >= 6 || random() % 2 == 0) {
      direct.exec(kind < 6 ? "SELECT 1" : statement(random));
    }
    if (kind == 9) {
      direct.exec("ROLLBACK");
      ++rolled_back;
    } else {
      direct.exec("COMMIT");
      ++committed;
    }
  } catch (const pqxx::sql_error& error) {
    if (error.sqlstate() == "SP001") {
      ++refused;
    } else {
      ++failed;
      std::cerr << error.sqlstate() << ": " << error.what() << '\n';
    }
    direct.exec("ROLLBACK");
  }
}

void writer(const std::string& connection, unsigned seed, int transactions) {
  try {
    pqxx::connection session(connection);
    {
      pqxx::nontransaction direct(session);
      direct.exec("SET client_min_messages = error");
    }
    std::mt19937 random(seed);
    for (int i = 0; i < transactions; ++i) {
      one_transaction(session, random);
    }
  } catch (const std::exception& error) {
    ++failed;
    std::cerr << error.what() << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: writers CONNECTION THREADS TRANSACTIONS\n";
    return 2;
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < std::stoi(argv[2]); ++i) {
    threads.emplace_back(writer, argv[1], static_cast<unsigned>(i), std::stoi(argv[3]));
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  std::cout << "committed " << committed << " refused " << refused << " rolled_back " << rolled_back << " failed "
            << failed << '\n';
  return 0;
}

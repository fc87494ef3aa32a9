// Writers at the cap for test/tap/112_stress.pl: THREADS connections write for MILLISECONDS to overlapping reject
// budgets, in every isolation level, with savepoints, exception blocks, rollbacks, two-phase commits and statements
// that are cancelled from outside; a connection that breaks is made again. Prints what happened, and each refusal of a
// transaction of one row: that row would not have fitted beside what is committed in the end, either, or the refusal
// was false.
//
//   stress CONNECTION THREADS MILLISECONDS SEED

#include <atomic>
#include <chrono>
#include <exception>
#include <iostream>
#include <mutex>
#include <pqxx/pqxx>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

std::atomic<int> committed{0};
std::atomic<int> refused{0};
std::atomic<int> rolled_back{0};
std::atomic<int> cancelled{0};
std::atomic<int> deadlocked{0};
std::atomic<int> broken{0};
std::atomic<int> failed{0};
std::atomic<int> number{0};
std::mutex output;
Clock::time_point end_of_test;

const char* const teams[] = {"red", "green", "blue", "grey"};

std::string row(std::mt19937& random, int tokens) {
  return "('" + std::string(teams[random() % 4]) + "', 'user" + std::to_string(random() % 5) + "', 'test', 'unit', " +
         std::to_string(tokens) + ")";
}

std::string insert(const std::string& rows) {
  return "INSERT INTO spend.usage (team, user_id, provider, request_model, input_tokens) VALUES " + rows;
}

std::string rows(std::mt19937& random) {
  std::string list = row(random, 1 + static_cast<int>(random() % 9));
  for (unsigned i = random() % 4; i > 0; --i) {
    list += ", " + row(random, 1 + static_cast<int>(random() % 9));
  }
  return list;
}

/// A refusal at once, of a transaction that did nothing else.
void report_refusal(const pqxx::sql_error& error, const std::string& one_row) {
  const std::string text = error.what();
  const std::lock_guard<std::mutex> locked(output);
  std::cout << "refused " << one_row << " " << text.substr(0, text.find('\n'))
            << (text.find("Pending in other transactions") == std::string::npos ? "" : " (pending)") << '\n';
}

void transaction(pqxx::nontransaction& direct, std::mt19937& random) {
  static const char* const levels[] = {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"};
  const unsigned kind = random() % 12;
  if (kind < 4) {
    const std::string one = row(random, 1 + static_cast<int>(random() % 9));
    try {
      direct.exec(insert(one));
      ++committed;
    } catch (const pqxx::sql_error& error) {
      if (error.sqlstate() == "SP001") {
        report_refusal(error, one);
      }
      throw;
    }
    return;
  }
  if (kind < 6) {
    direct.exec(insert(rows(random)));
    ++committed;
    return;
  }
  if (kind == 6) {
    direct.exec("DO $$ BEGIN BEGIN " + insert(rows(random)) + "; IF random() < 0.3 THEN RAISE 'undo'; END IF; " +
                "EXCEPTION WHEN SQLSTATE 'SP001' OR raise_exception THEN " + insert(row(random, 1)) + "; END; END $$");
    ++committed;
    return;
  }
  direct.exec(std::string("BEGIN ISOLATION LEVEL ") + levels[random() % 3]);
  if (kind < 9) {
    direct.exec("SAVEPOINT s");
    direct.exec(insert(rows(random)));
    direct.exec(random() % 2 == 0 ? "ROLLBACK TO SAVEPOINT s" : "RELEASE SAVEPOINT s");
  }
  direct.exec(insert(rows(random)));
  if (kind == 9) {
    direct.exec("SELECT pg_sleep(0.003)");
  }
  if (kind == 10) {
    const std::string name = "'stress" + std::to_string(++number) + "'";
    direct.exec("PREPARE TRANSACTION " + name);
    const bool commits = random() % 2 == 0;
    // Not cancelled: nobody else would end it.
    direct.exec("SET statement_timeout = 0");
    for (;;) {
      try {
        direct.exec((commits ? "COMMIT PREPARED " : "ROLLBACK PREPARED ") + name);
        break;
      } catch (const pqxx::sql_error& error) {
        if (error.sqlstate() != "57014") {
          throw;
        }
      }
    }
    ++(commits ? committed : rolled_back);
  } else if (kind == 9 || random() % 4 == 0) {
    direct.exec("ROLLBACK");
    ++rolled_back;
  } else {
    direct.exec("COMMIT");
    ++committed;
  }
}

void count_error(const pqxx::sql_error& error) {
  if (error.sqlstate() == "SP001") {
    ++refused;
  } else if (error.sqlstate() == "57014") {
    ++cancelled;
  } else if (error.sqlstate() == "40P01") {
    ++deadlocked;
  } else {
    ++failed;
    std::cerr << error.sqlstate() << ": " << error.what() << '\n';
  }
}

void write(const std::string& connection, std::mt19937& random) {
  pqxx::connection session(connection);
  pqxx::nontransaction direct(session);
  direct.exec("SET client_min_messages = error");
  direct.exec("SET application_name = 'stress'");
  while (Clock::now() < end_of_test) {
    try {
      transaction(direct, random);
    } catch (const pqxx::sql_error& error) {
      if (error.sqlstate() == "57P01" || error.sqlstate() == "57P02") {
        throw pqxx::broken_connection();
      }
      count_error(error);
      for (;;) {
        try {
          direct.exec("ROLLBACK");
          break;
        } catch (const pqxx::sql_error& again) {
          if (again.sqlstate() != "57014") {
            throw;
          }
        }
      }
    }
  }
}

void writer(const std::string& connection, unsigned seed) {
  std::mt19937 random(seed);
  while (Clock::now() < end_of_test) {
    try {
      write(connection, random);
    } catch (const std::exception&) {
      // The server has ended the session; it may need a moment before it takes another one.
      ++broken;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
}

void canceller(const std::string& connection) {
  while (Clock::now() < end_of_test) {
    try {
      pqxx::connection session(connection);
      pqxx::nontransaction direct(session);
      while (Clock::now() < end_of_test) {
        direct.exec(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'stress' ORDER BY random() "
            "LIMIT 1");
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    } catch (const std::exception&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: stress CONNECTION THREADS MILLISECONDS SEED\n";
    return 2;
  }
  end_of_test = Clock::now() + std::chrono::milliseconds(std::stoi(argv[3]));
  number = std::stoi(argv[4]) * 1000000;
  std::vector<std::thread> threads;
  for (int i = 0; i < std::stoi(argv[2]); ++i) {
    threads.emplace_back(writer, argv[1], static_cast<unsigned>(std::stoi(argv[4]) * 1000 + i));
  }
  threads.emplace_back(canceller, argv[1]);
  for (std::thread& thread : threads) {
    thread.join();
  }
  std::cout << "committed " << committed << " refused " << refused << " rolled_back " << rolled_back << " cancelled "
            << cancelled << " deadlocked " << deadlocked << " broken " << broken << " failed " << failed << '\n';
  return 0;
}

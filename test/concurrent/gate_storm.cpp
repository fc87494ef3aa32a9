// Many connections at the gate at once, for test/tap/111_gate.pl: each asks, then settles within its hold, releases,
// lets go by an abort, or inserts without asking. A watcher looks all the while whether spent and held exceed the
// limit.
//
//   gate_storm CONNECTION THREADS CALLS LIMIT

#include <atomic>
#include <exception>
#include <iostream>
#include <pqxx/pqxx>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<int> allowed{0};
std::atomic<int> denied{0};
std::atomic<int> refused{0};
std::atomic<int> failed{0};
std::atomic<int> looks{0};
std::atomic<int> exceeded{0};
std::atomic<bool> over{false};

void one_call(pqxx::connection& session, std::mt19937& random) {
  pqxx::nontransaction direct(session);
  const unsigned kind = random() % 10;
  const int amount = 1 + static_cast<int>(random() % 20);
  try {
    if (kind == 0) {
      direct.exec("INSERT INTO spend.usage (team, request_model, input_tokens) VALUES ('a', 'm', " +
                  std::to_string(amount) + ")");
      return;
    }
    if (kind == 1) {
      direct.exec("BEGIN");
    }
    const pqxx::result answer =
        direct.exec("SELECT verdict, hold_id FROM spend.authorize('m', '{\"team\": \"a\"}', '{\"input_tokens\": " +
                    std::to_string(amount) + "}')");
    if (kind == 1) {
      direct.exec("ROLLBACK");
      return;
    }
    if (answer[0][0].as<std::string>() != "allow") {
      ++denied;
      return;
    }
    ++allowed;
    const std::string hold = answer[0][1].as<std::string>();
    if (kind < 5) {
      direct.exec("SELECT spend.release(" + hold + ")");
    } else if (kind < 7) {
      direct.exec("BEGIN");
      direct.exec("SELECT cost FROM spend.settle(" + hold + ", '{\"input_tokens\": 1}')");
      direct.exec("ROLLBACK");
      direct.exec("SELECT spend.release(" + hold + ")");
    } else {
      direct.exec("INSERT INTO spend.usage (hold_id, input_tokens) VALUES (" + hold + ", " +
                  std::to_string(random() % 2) + ")");
    }
  } catch (const pqxx::sql_error& error) {
    if (error.sqlstate() == "SP001") {
      ++refused;
    } else {
      ++failed;
      std::cerr << error.sqlstate() << ": " << error.what() << '\n';
    }
  }
}

void watch(const std::string& connection, long limit) {
  pqxx::connection session(connection);
  while (!over) {
    pqxx::nontransaction direct(session);
    const pqxx::result sum = direct.exec(
        "SELECT (coalesce((SELECT sum(cost) FROM spend.usage), 0) + coalesce((SELECT sum(amount) FROM "
        "spend.hold_amounts WHERE expires_at > clock_timestamp()), 0))::bigint");
    ++looks;
    exceeded += sum[0][0].as<long>() > limit ? 1 : 0;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: gate_storm CONNECTION THREADS CALLS LIMIT\n";
    return 2;
  }
  const std::string connection = argv[1];
  const int calls = std::stoi(argv[3]);
  std::thread watcher([&] { watch(connection, std::stol(argv[4])); });
  std::vector<std::thread> threads;
  for (int i = 0; i < std::stoi(argv[2]); ++i) {
    threads.emplace_back([&, i] {
      try {
        pqxx::connection session(connection);
        std::mt19937 random(static_cast<unsigned>(i));
        for (int call = 0; call < calls; ++call) {
          one_call(session, random);
        }
      } catch (const std::exception& error) {
        ++failed;
        std::cerr << error.what() << '\n';
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  over = true;
  watcher.join();
  std::cout << "allowed " << allowed << " denied " << denied << " refused " << refused << " failed " << failed
            << " looks " << looks << " exceeded " << exceeded << '\n';
  return 0;
}

// For test/tap/111_gate.pl: authorize, settle, release, expire, INSERT, savepoints, aborts, prepared transactions, the
// budget raised, lowered, redefined and deleted, late rows, upkeep, restarts.
//
//   gate_model CONNECTION SEED STEPS RESTART_COMMAND

#include <iostream>

#include "model.hpp"

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

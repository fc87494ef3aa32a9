#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

/// What the model of the gate knows. Amounts are whole dollars.

struct Hold {
  long amount = 0;
  std::string state = "open";
  bool is_over = false;  ///< its time has passed
};

/// What is committed.
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

#pragma once

#include <string_view>

namespace spend {

/// How a call or run ended, of the many words that apps and providers have for it.
enum class Outcome { ok, failed, abandoned, blocked };

/// From the status in its normalised form (text_key); a word that is not known counts as ok. A call that something
/// blocked has a reason for that, whatever its status says.
Outcome outcome_of(std::string_view status, bool has_blocked_reason);
std::string_view to_string(Outcome outcome);

}  // namespace spend

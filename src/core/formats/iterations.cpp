#include "core/formats/iterations.hpp"

#include <algorithm>
#include <utility>

#include "core/formats/families.hpp"

namespace spend::formats {

namespace {

Share& share_of(std::vector<Share>& shares, std::string_view model) {
  const auto found =
      std::find_if(shares.begin(), shares.end(), [&](const Share& share) { return share.model == model; });
  if (found != shares.end()) {
    return *found;
  }
  shares.push_back({std::string(model), {}});
  return shares.back();
}

void add_to(Share& share, const Counts& part) {
  if (!part.problem().empty()) {
    share.counts.fail(part.problem());
  }
  if (part.found()) {
    share.counts.mark_found();
  }
  for (const Usage::Entry& entry : part.usage.entries()) {
    share.counts.add(entry.meter(), entry.quantity);
  }
}

bool is_advisor(const Json& iteration) {
  return text_member(iteration, {"type"}).starts_with("advisor");
}

/// Whether a later attempt took the place of this one, which had written nothing.
bool is_declined(const std::vector<Json>& iterations, std::size_t which, const Counts& counts) {
  const Decimal* const output = counts.usage.find("output_tokens");
  return output == nullptr && text_member(iterations[which], {"type"}) != "compaction" &&
         std::any_of(iterations.begin() + static_cast<std::ptrdiff_t>(which) + 1, iterations.end(),
                     [](const Json& later) { return text_member(later, {"type"}).starts_with("fallback"); });
}

std::vector<Share> from_iterations(const std::vector<Json>& iterations, const Counts& whole, std::string_view model) {
  Hints hints;
  hints.excludes_cache = true;
  std::vector<Counts> counted(iterations.size());
  std::vector<bool> bills(iterations.size());
  std::string_view answering = model;
  bool is_named = false;
  for (std::size_t i = 0; i < iterations.size(); ++i) {
    read_usage(iterations[i], hints, counted[i]);
    if (!counted[i].found()) {
      counted[i].fail("an entry of \"iterations\" has no count");
    }
    bills[i] = !counted[i].problem().empty() || !is_declined(iterations, i, counted[i]);
    const std::string_view name = text_member(iterations[i], {"model"});
    is_named = is_named || (bills[i] && !is_advisor(iterations[i]) && (name.empty() || name == model));
  }
  if (!is_named) {
    // The response names no model, by another name, or the one that declined, with which its stream began: the last
    // that was no advisor wrote the answer.
    for (const Json& iteration : iterations) {
      if (!is_advisor(iteration)) {
        answering = text_member(iteration, {"model"});
      }
    }
  }
  std::vector<Share> shares;
  shares.push_back({std::string(answering), {}});
  for (std::size_t i = 0; i < iterations.size(); ++i) {
    if (bills[i]) {
      const std::string_view name = text_member(iterations[i], {"model"});
      // An advisor without a name is not the answering model: better unpriced than at the wrong price.
      add_to(share_of(shares, name.empty() && !is_advisor(iterations[i]) ? answering : name), counted[i]);
    }
  }
  // What only the totals tell (thinking, web searches) belongs to the answer.
  Counts& answer = shares.front().counts;
  for (const Usage::Entry& entry : whole.usage.entries()) {
    const bool told = std::any_of(shares.begin(), shares.end(), [&](const Share& share) {
      return share.counts.usage.find(entry.meter()) != nullptr;
    });
    if (!told) {
      answer.set(entry.meter(), entry.quantity);
    }
  }
  answer.mark_found();
  if (!whole.problem().empty()) {
    answer.fail(whole.problem());
  }
  return shares;
}

/// Empty unless the models' counts add up to the whole: what is left over would be lost, what is too much billed twice.
std::vector<Share> from_breakdown(const Json& breakdown, const Counts& whole) {
  const Json* const models = member(breakdown, "models");
  if (models == nullptr) {
    return {};
  }
  constexpr std::size_t most_models = 100;
  std::vector<Share> shares;
  Share sum;
  for (const Json& item : models->items) {
    const Json* const usage = member(item, "usage");
    const std::string_view name = text_member(item, {"model"});
    if (!is_object(usage) || name.empty() || shares.size() > most_models) {
      return {};
    }
    Counts counts;
    read_usage(*usage, Hints{}, counts);
    add_to(share_of(shares, name), counts);
    add_to(sum, counts);
  }
  const bool is_whole = sum.counts.problem().empty() && sum.counts.usage == whole.usage;
  return is_whole ? shares : std::vector<Share>();
}

}  // namespace

std::vector<Share> split_by_model(const Json& usage, const Json& breakdown, std::string_view model,
                                  const Hints& hints) {
  Counts whole;
  read_usage(usage, hints, whole);
  constexpr std::size_t most_iterations = 1000;
  const Json* const iterations = member(usage, "iterations");
  if (iterations != nullptr && iterations->type == Json::Type::array && !iterations->items.empty()) {
    if (iterations->items.size() > most_iterations) {
      whole.fail("\"iterations\" has more than " + std::to_string(most_iterations) + " entries");
    } else {
      return from_iterations(iterations->items, whole, model);
    }
  }
  std::vector<Share> shares = from_breakdown(breakdown, whole);
  if (shares.empty()) {
    shares.push_back({std::string(model), std::move(whole)});
  }
  return shares;
}

}  // namespace spend::formats

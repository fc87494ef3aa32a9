#include "pg/value_places.hpp"

#include "pg/access.hpp"
#include "pg/attribution_dictionary.hpp"
#include "pg/attributions.hpp"
#include "pg/guard.hpp"

namespace spend {

ValuePlaces::ValuePlaces(Kind kind, Grouping grouping)
    : kind_(kind), sees_everything_(may_see_all_of(Scope{})), groupings_{std::move(grouping)} {
  // A look into the dictionary costs about as much as reading a page of it.
  ask_at_most_ = dictionary_pages();
  if (kind_ == Kind::each_present) {
    place(0, nullptr, nullptr);
  }
}

ValuePlaces::ValuePlaces(Finder finder) : ValuePlaces(Kind::as_found, {}) {
  finder_ = std::move(finder);
}

std::uint32_t ValuePlaces::grouping_named(std::string_view dimension) {
  for (std::size_t i = 0; i < groupings_.size(); ++i) {
    if (groupings_[i].first == dimension) {
      return static_cast<std::uint32_t>(i);
    }
  }
  groupings_.push_back({std::string(dimension), {}});
  return static_cast<std::uint32_t>(groupings_.size() - 1);
}

std::uint32_t ValuePlaces::place(std::uint32_t grouping, const NamedValue* first, const NamedValue* second) {
  image_.assign(reinterpret_cast<const char*>(&grouping), sizeof grouping);
  for (const NamedValue* const value : {first, second}) {
    // A value is never empty.
    const auto size = static_cast<std::uint32_t>(value == nullptr ? 0 : value->value.size());
    image_.append(reinterpret_cast<const char*>(&size), sizeof size);
    image_.append(value == nullptr ? std::string_view() : value->value);
  }
  if (const auto known = place_by_image_.find(std::string_view(image_)); known != place_by_image_.end()) {
    return known->second;
  }
  const auto text = [](const NamedValue* value) {
    return value == nullptr || value->value.empty() ? std::nullopt : std::optional<std::string>(value->value);
  };
  const auto made = static_cast<std::uint32_t>(combinations_.size());
  combinations_.push_back({grouping, text(first), text(second)});
  place_by_image_.emplace(image_, made);
  memory_ += sizeof(ValuesOfGrouping) + 2 * image_.size() + 64;
  return made;
}

void ValuePlaces::learn(const Hash128& attribution, std::span<const NamedValue> values) {
  const auto [known, is_new] = by_attribution_.try_emplace(attribution, Range{0, 0});
  if (!is_new) {
    return;
  }
  if (!sees_everything_) {
    Dimensions dimensions;
    for (const NamedValue& value : values) {
      dimensions.set_normalised(value.name, std::string(value.value));
    }
    if (!may_see(dimensions)) {
      return;
    }
  }
  const auto find = [&](const std::string& name) -> const NamedValue* {
    const auto found =
        std::find_if(values.begin(), values.end(), [&](const NamedValue& it) { return it.name == name; });
    return found == values.end() ? nullptr : &*found;
  };
  const auto first = static_cast<std::uint32_t>(places_.size());
  if (kind_ == Kind::one) {
    places_.push_back(place(0, find(groupings_[0].first), find(groupings_[0].second)));
  } else if (kind_ == Kind::as_found) {
    finder_(attribution, values, [&](std::string_view first_value, std::string_view second_value) {
      const NamedValue values_found[] = {{{}, first_value}, {{}, second_value}};
      places_.push_back(place(0, &values_found[0], &values_found[1]));
    });
  } else {
    places_.push_back(0);
    for (const NamedValue& value : values) {
      places_.push_back(place(grouping_named(value.name), &value, nullptr));
    }
  }
  known->second = {first, static_cast<std::uint32_t>(places_.size()) - first};
}

void ValuePlaces::learn_from_dictionary() {
  std::vector<NamedValue> values;
  const MemoryContext scratch = pg_call(
      [] { return AllocSetContextCreate(CurrentMemoryContext, "pg_spend dimensions", ALLOCSET_DEFAULT_SIZES); });
  for_each_in_dictionary([&](const Hash128& id, Datum jsonb) {
    if (by_attribution_.contains(id)) {
      return;
    }
    Jsonb* const object = pg_call([&] {
      MemoryContextReset(scratch);
      const MemoryContext outer = MemoryContextSwitchTo(scratch);
      Jsonb* const whole = DatumGetJsonbP(jsonb);
      MemoryContextSwitchTo(outer);
      return whole;
    });
    values.assign(JB_ROOT_COUNT(object), {});
    pg_call([&] {
      const MemoryContext outer = MemoryContextSwitchTo(scratch);
      JsonbIterator* iterator = JsonbIteratorInit(&object->root);
      JsonbValue item;
      std::size_t seen = 0;
      for (JsonbIteratorToken token; (token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE;) {
        if (item.type != jbvString || (token != WJB_KEY && token != WJB_VALUE)) {
          continue;
        }
        const std::string_view text(item.val.string.val, static_cast<std::size_t>(item.val.string.len));
        if (token == WJB_KEY) {
          values[seen].name = text;
        } else {
          values[seen++].value = text;
        }
      }
      MemoryContextSwitchTo(outer);
    });
    learn(id, values);
  });
  pg_call([&] { MemoryContextDelete(scratch); });
}

std::span<const std::uint32_t> ValuePlaces::places_of(const Hash128& attribution) {
  // Sums lie in the order of their attributions.
  if (!has_last_ || attribution != last_) {
    auto known = by_attribution_.find(attribution);
    if (known == by_attribution_.end() && asked_one_by_one_++ == ask_at_most_) {
      learn_from_dictionary();
      known = by_attribution_.find(attribution);
    }
    if (known == by_attribution_.end()) {
      const Attribution* const found = find_attribution(attribution);
      std::vector<NamedValue> values;
      if (found != nullptr) {
        for (const DimensionValue& value : found->dimensions.values()) {
          values.push_back({value.name, value.value});
        }
      }
      if (found != nullptr || sees_everything_) {
        learn(attribution, values);
      } else {
        by_attribution_.emplace(attribution, Range{0, 0});
      }
      known = by_attribution_.find(attribution);
    }
    last_ = attribution;
    last_range_ = known->second;
    has_last_ = true;
  }
  return {places_.data() + last_range_.first, last_range_.count};
}

}  // namespace spend

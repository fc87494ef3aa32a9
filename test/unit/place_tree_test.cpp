#include "core/place_tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <vector>

namespace spend {
namespace {

struct Entry {
  TreeLinks links = {};
  std::pair<int, int> key;
  std::pair<int, int> order() const { return key; }
};

int depth_of(const std::vector<Entry>& entries, Place root) {
  return root == no_place
             ? 0
             : 1 + std::max(depth_of(entries, entries[root].links.left), depth_of(entries, entries[root].links.right));
}

std::vector<Place> in_order(const std::vector<Entry>& entries, Place root) {
  std::vector<Place> all;
  std::vector<Place> above;
  for (Place at = root; at != no_place || !above.empty();) {
    for (; at != no_place; at = entries[at].links.left) {
      above.push_back(at);
    }
    at = above.back();
    above.pop_back();
    all.push_back(at);
    at = entries[at].links.right;
  }
  return all;
}

TEST(PlaceTree, IsEmptyAtFirst) {
  std::vector<Entry> entries(1);
  Place root = no_place;
  const PlaceTree<Entry> tree(entries.data(), root);
  EXPECT_EQ(tree.first(), no_place);
  EXPECT_EQ(tree.find(std::pair(0, 0)), no_place);
}

/// Against a multimap over many random steps: the same entries in the same order, each found, those of one order, too.
TEST(PlaceTree, DoesWhatAMapDoes) {
  std::mt19937 random(17);
  std::vector<Entry> entries(400);
  std::vector<Place> free(entries.size());
  for (Place i = 0; i < free.size(); ++i) {
    free[i] = i;
  }
  Place root = no_place;
  PlaceTree<Entry> tree(entries.data(), root);
  std::map<std::pair<std::pair<int, int>, Place>, bool> model;
  for (int step = 0; step < 20'000; ++step) {
    const bool grows = random() % 100 < (step / 2'000 % 2 == 0 ? 70U : 30U);
    if (grows && !free.empty()) {
      const Place place = free.back();
      free.pop_back();
      entries[place].key = {static_cast<int>(random() % 40), static_cast<int>(random() % 3)};
      tree.insert(place, static_cast<std::uint32_t>(random() % 50));  // so few ranks that they collide
      model[{entries[place].key, place}] = true;
    } else if (!model.empty()) {
      auto victim = model.begin();
      std::advance(victim, random() % 4 == 0 ? 0 : random() % model.size());
      const Place place = victim->first.second;
      model.erase(victim);
      tree.erase(place);
      free.push_back(place);
    }
    const std::pair<int, int> wanted = {static_cast<int>(random() % 40), static_cast<int>(random() % 3)};
    const Place found = tree.find(wanted);
    const auto expected = model.lower_bound({wanted, 0});
    ASSERT_EQ(found != no_place, expected != model.end() && expected->first.first == wanted);
    ASSERT_TRUE(found == no_place || entries[found].key == wanted);
    ASSERT_EQ(tree.first(), model.empty() ? no_place : model.begin()->first.second);
    if (step % 100 == 0) {
      std::vector<Place> all;
      std::transform(model.begin(), model.end(), std::back_inserter(all),
                     [](const auto& entry) { return entry.first.second; });
      ASSERT_EQ(in_order(entries, root), all);
    }
  }
}

/// However they come, the way to an entry stays short.
TEST(PlaceTree, StaysShallow) {
  std::mt19937 random(4);
  for (const int kind : {0, 1, 2}) {
    std::vector<Entry> entries(4096);
    Place root = no_place;
    PlaceTree<Entry> tree(entries.data(), root);
    for (Place i = 0; i < entries.size(); ++i) {
      const int at = static_cast<int>(i);
      entries[i].key = {kind == 0 ? at : kind == 1 ? -at : 7, kind == 2 ? at / 2 : 0};
      tree.insert(i, static_cast<std::uint32_t>(random()));
    }
    EXPECT_LT(depth_of(entries, root), 48) << "kind " << kind;
    for (Place i = 0; i < entries.size(); i += 2) {
      tree.erase(i);
    }
    EXPECT_EQ(in_order(entries, root).size(), entries.size() / 2);
    EXPECT_LT(depth_of(entries, root), 48) << "kind " << kind;
  }
}

}  // namespace
}  // namespace spend

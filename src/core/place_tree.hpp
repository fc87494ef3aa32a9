#pragma once

#include <cstdint>
#include <tuple>
#include <utility>

namespace spend {

/// The number of an entry in an array in shared memory, which lies at another address in each process.
using Place = std::uint32_t;
constexpr Place no_place = 0xFFFFFFFF;

/// What an entry of a PlaceTree carries.
struct TreeLinks {
  Place left, right;
  std::uint32_t rank;  ///< see PlaceTree::insert
};

/// Some of the entries of an array in an order, as a tree (a treap): each operation takes about as many steps as the
/// number of entries has binary digits, whatever they are and whoever chooses them, because ranks are drawn at random.
/// Nothing is allocated, nothing recurses, nothing fails: it is used while others spin.
///
/// Entry has a member `links`, TreeLinks, and `auto order() const`, by which entries are compared; those of the same
/// order may be several.
template <typename Entry>
class PlaceTree {
 public:
  /// The tree of this root, which is no_place when it is empty.
  PlaceTree(Entry* entries, Place& root) : entries_(entries), root_(root) {}

  /// `rank` is a random number that nobody can foresee.
  void insert(Place place, std::uint32_t rank) {
    TreeLinks& added = links(place);
    added.rank = rank;
    Place* link = &root_;
    while (*link != no_place && links(*link).rank >= rank) {
      link = is_before(*link, place) ? &links(*link).right : &links(*link).left;
    }
    Place rest = std::exchange(*link, place);
    Place* before = &added.left;
    Place* after = &added.right;
    while (rest != no_place) {
      if (is_before(rest, place)) {
        *before = rest;
        before = &links(rest).right;
        rest = *before;
      } else {
        *after = rest;
        after = &links(rest).left;
        rest = *after;
      }
    }
    *before = no_place;
    *after = no_place;
  }

  /// Precondition: the entry is in the tree, with the order that it was inserted with.
  void erase(Place place) {
    Place* link = &root_;
    while (*link != place) {
      link = is_before(*link, place) ? &links(*link).right : &links(*link).left;
    }
    Place left = links(place).left;
    Place right = links(place).right;
    while (left != no_place && right != no_place) {
      Place& upper = links(left).rank >= links(right).rank ? left : right;
      *link = upper;
      link = upper == left ? &links(upper).right : &links(upper).left;
      upper = *link;
    }
    *link = left != no_place ? left : right;
  }

  /// The first entry; no_place when there is none.
  Place first() const {
    Place found = root_;
    while (found != no_place && links(found).left != no_place) {
      found = links(found).left;
    }
    return found;
  }

  /// An entry of this order; no_place when there is none.
  template <typename Order>
  Place find(const Order& order) const {
    for (Place at = root_; at != no_place;) {
      if (entries_[at].order() == order) {
        return at;
      }
      at = entries_[at].order() < order ? links(at).right : links(at).left;
    }
    return no_place;
  }

 private:
  TreeLinks& links(Place place) const { return entries_[place].links; }
  bool is_before(Place a, Place b) const {
    return std::make_pair(entries_[a].order(), a) < std::make_pair(entries_[b].order(), b);
  }

  Entry* entries_;
  Place& root_;
};

}  // namespace spend

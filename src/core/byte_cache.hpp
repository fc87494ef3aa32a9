#pragma once

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "core/short_text.hpp"

namespace spend {

/// Remembers a small value for byte strings that come again and again, within a bound of memory. It may forget anything
/// at any time, so what it holds must be found out again without it.
///
/// Strings are equal when all their bytes are; the hash only says where to look. It is keyed with a secret, and no look
/// takes more than a few probes whatever the strings are: who chooses them can make it forget, not make it slow.
template <typename Value>
class ByteCache {
 public:
  /// Both bounds hold; the strings themselves make up `most_bytes`. Half of the places are a good number of strings.
  /// Precondition: `most_places` is a power of two and at least first_places.
  constexpr ByteCache(std::size_t most_places, std::size_t most_bytes) noexcept
      : most_places_(most_places), most_bytes_(most_bytes) {}

  /// The value, valid until the next call that is not const; or nullptr.
  const Value* find(std::string_view key) const {
    if (slots_.empty()) {
      return nullptr;
    }
    const std::uint64_t hash = hash_of(key);
    for (std::size_t i = 0; i < probes; ++i) {
      const Slot& slot = slots_[(hash + i) & (slots_.size() - 1)];
      if (slot.node == nullptr) {
        return nullptr;
      }
      if (slot.hash == hash && slot.node->key() == key) {
        return &slot.node->value;
      }
    }
    return nullptr;
  }

  /// Remembers a key that find() did not find. One long key is not worth many short ones, so it is not kept.
  void insert(std::string_view key, Value value) {
    if (key.size() > most_bytes_ / 256) {
      return;
    }
    if (slots_.empty()) {
      start();
    } else if (bytes_ + key.size() > most_bytes_) {
      clear();
    }
    bytes_ += key.size();
    place(Slot{hash_of(key), Node::make(key, std::move(value))});
  }

  void clear() {
    slots_ = std::vector<Slot>(slots_.empty() ? 0 : first_places);
    bytes_ = 0;
  }

  std::size_t places() const { return slots_.size(); }
  std::size_t bytes() const { return bytes_; }
  static constexpr std::size_t first_places = 64;

 private:
  /// A value, and right behind it the bytes of its string: what is compared and what is asked for lie in one place, and
  /// the slots, which are read at random, are few lines of the processor's cache.
  struct Node {
    struct Free {
      void operator()(Node* node) const {
        node->~Node();
        ::operator delete(node);
      }
    };
    using Held = std::unique_ptr<Node, Free>;

    static Held make(std::string_view key, Value value) {
      void* const memory = ::operator new(sizeof(Node) + key.size());
      Node* const node = new (memory) Node{std::move(value), key.size()};
      std::copy(key.begin(), key.end(), reinterpret_cast<char*>(node + 1));
      return Held(node);
    }
    std::string_view key() const { return {reinterpret_cast<const char*>(this + 1), size}; }

    Value value;
    std::size_t size;
  };
  struct Slot {
    std::uint64_t hash = 0;
    typename Node::Held node = nullptr;
  };
  static constexpr std::size_t probes = 8;

  void start() {
    if (sodium_init() < 0) {
      throw std::bad_alloc();  // it fails only when the system gives it no resources
    }
    randombytes_buf(&secret_, sizeof(secret_));
    slots_.resize(first_places);
  }

  std::uint64_t hash_of(std::string_view key) const { return hash_of_short(key, secret_); }

  void place(Slot&& filled) {
    for (;;) {
      for (std::size_t i = 0; i < probes; ++i) {
        Slot& slot = slots_[(filled.hash + i) & (slots_.size() - 1)];
        if (slot.node == nullptr) {
          slot = std::move(filled);
          return;
        }
      }
      if (slots_.size() >= most_places_) {
        Slot& victim = slots_[(filled.hash + (filled.hash >> 61)) & (slots_.size() - 1)];
        bytes_ -= victim.node->size;
        victim = std::move(filled);
        return;
      }
      grow();
    }
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (Slot& slot : old) {
      if (slot.node != nullptr) {
        place(std::move(slot));
      }
    }
  }

  std::size_t most_places_;
  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  HashSecret secret_;
  std::vector<Slot> slots_;
};

}  // namespace spend

#include "core/key_table.hpp"

#include <sodium.h>

#include <cstring>
#include <new>
#include <utility>

namespace spend {

KeyTable::KeyTable() = default;

KeyTable::Range& KeyTable::insert(std::string_view key, Range range) {
  if (count_ * 2 >= slots_.size()) {
    grow();
  }
  const std::uint64_t hash = hash_of(key);
  std::size_t place = hash & (slots_.size() - 1);
  while (slots_[place].is_taken != 0) {
    if (holds(slots_[place], hash, key)) {
      return slots_[place].range;
    }
    place = (place + 1) & (slots_.size() - 1);
  }
  slots_[place] = {hash, keys_.size(), static_cast<std::uint32_t>(key.size()), 1, range};
  keys_ += key;
  ++count_;
  return slots_[place].range;
}

void KeyTable::grow() {
  if (secret_.empty()) {
    if (sodium_init() < 0) {
      throw std::bad_alloc();  // it fails only when the system gives it no resources
    }
    // The names are somebody's input: under a guessable hash they could be chosen so that every lookup walks one long
    // run.
    secret_.assign(crypto_shorthash_KEYBYTES, '\0');
    crypto_shorthash_keygen(reinterpret_cast<unsigned char*>(secret_.data()));
  }
  std::vector<Slot> larger(slots_.empty() ? 8 : slots_.size() * 2);
  for (const Slot& slot : slots_) {
    if (slot.is_taken != 0) {
      std::size_t place = slot.hash & (larger.size() - 1);
      while (larger[place].is_taken != 0) {
        place = (place + 1) & (larger.size() - 1);
      }
      larger[place] = slot;
    }
  }
  slots_ = std::move(larger);
}

std::uint64_t KeyTable::hash_of(std::string_view key) const {
  std::uint64_t hash = 0;
  static_assert(sizeof(hash) == crypto_shorthash_BYTES);
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), reinterpret_cast<const unsigned char*>(key.data()),
                   key.size(), reinterpret_cast<const unsigned char*>(secret_.data()));
  return hash;
}

bool KeyTable::holds(const Slot& slot, std::uint64_t hash, std::string_view key) const {
  return slot.hash == hash && slot.key_size == key.size() &&
         std::memcmp(keys_.data() + slot.key_start, key.data(), key.size()) == 0;
}

const KeyTable::Range* KeyTable::find(std::string_view key) const {
  if (slots_.empty()) {
    return nullptr;
  }
  const std::uint64_t hash = hash_of(key);
  for (std::size_t place = hash & (slots_.size() - 1); slots_[place].is_taken != 0;
       place = (place + 1) & (slots_.size() - 1)) {
    if (holds(slots_[place], hash, key)) {
      return &slots_[place].range;
    }
  }
  return nullptr;
}

}  // namespace spend

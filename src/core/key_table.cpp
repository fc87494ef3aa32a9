#include "core/key_table.hpp"

#include <sodium.h>

#include <bit>
#include <cstring>
#include <new>

namespace spend {

KeyTable::KeyTable() = default;

KeyTable::KeyTable(const std::vector<std::pair<std::string, Range>>& entries)
    : slots_(std::bit_ceil(entries.size() * 2 + 1)), secret_(crypto_shorthash_KEYBYTES, '\0') {
  if (sodium_init() < 0) {
    throw std::bad_alloc();  // it fails only when the system gives it no resources
  }
  // The names are somebody's input: under a guessable hash they could be chosen so that every lookup walks one long
  // run.
  crypto_shorthash_keygen(reinterpret_cast<unsigned char*>(secret_.data()));
  for (const auto& [key, range] : entries) {
    Slot filled{hash_of(key), keys_.size(), static_cast<std::uint32_t>(key.size()), range};
    keys_ += key;
    std::size_t place = filled.hash & (slots_.size() - 1);
    while (slots_[place].range.last != 0) {
      place = (place + 1) & (slots_.size() - 1);
    }
    slots_[place] = filled;
  }
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
  for (std::size_t place = hash & (slots_.size() - 1); slots_[place].range.last != 0;
       place = (place + 1) & (slots_.size() - 1)) {
    if (holds(slots_[place], hash, key)) {
      return &slots_[place].range;
    }
  }
  return nullptr;
}

}  // namespace spend

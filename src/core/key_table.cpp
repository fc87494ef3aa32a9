#include "core/key_table.hpp"

#include <sodium.h>

#include <cstring>
#include <new>
#include <utility>

namespace spend {

KeyTable::KeyTable() = default;

KeyTable::Range& KeyTable::insert(std::string_view key, Range range) {
  if (entries_.size() * 2 >= places_.size()) {
    grow();
  }
  const std::uint64_t hash = hash_of(key);
  const std::size_t place = place_of(hash, key);
  if (places_[place] == 0) {
    entries_.push_back({hash, keys_.size(), static_cast<std::uint32_t>(key.size()), range});
    keys_ += key;
    places_[place] = static_cast<std::uint32_t>(entries_.size());
  }
  return entries_[places_[place] - 1].range;
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
  std::vector<std::uint32_t> larger(places_.empty() ? 8 : places_.size() * 2);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t place = entries_[i].hash & (larger.size() - 1);
    while (larger[place] != 0) {
      place = (place + 1) & (larger.size() - 1);
    }
    larger[place] = static_cast<std::uint32_t>(i + 1);
  }
  places_ = std::move(larger);
}

std::uint64_t KeyTable::hash_of(std::string_view key) const {
  std::uint64_t hash = 0;
  static_assert(sizeof(hash) == crypto_shorthash_BYTES);
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), reinterpret_cast<const unsigned char*>(key.data()),
                   key.size(), reinterpret_cast<const unsigned char*>(secret_.data()));
  return hash;
}

std::size_t KeyTable::place_of(std::uint64_t hash, std::string_view key) const {
  std::size_t place = hash & (places_.size() - 1);
  for (; places_[place] != 0; place = (place + 1) & (places_.size() - 1)) {
    const Entry& entry = entries_[places_[place] - 1];
    if (entry.hash == hash && entry.key_size == key.size() &&
        std::memcmp(keys_.data() + entry.key_start, key.data(), key.size()) == 0) {
      break;
    }
  }
  return place;
}

const KeyTable::Range* KeyTable::find(std::string_view key) const {
  if (places_.empty()) {
    return nullptr;
  }
  const std::uint32_t found = places_[place_of(hash_of(key), key)];
  return found == 0 ? nullptr : &entries_[found - 1].range;
}

}  // namespace spend

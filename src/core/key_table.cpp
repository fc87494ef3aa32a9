#include "core/key_table.hpp"

#include <sodium.h>

#include <new>
#include <utility>

#include "core/short_text.hpp"

namespace spend {

namespace {

/// The names are somebody's input: under a guessable hash they could be chosen so that every lookup walks one long run.
/// One secret for all tables of a process: each model's prices are a table, and random numbers come from the system.
HashSecret make_secret() {
  if (sodium_init() < 0) {
    throw std::bad_alloc();  // it fails only when the system gives it no resources
  }
  HashSecret secret;
  randombytes_buf(&secret, sizeof secret);
  return secret;
}

std::uint64_t hash_of(std::string_view key) {
  static const HashSecret secret = make_secret();
  const std::uint64_t hash = hash_of_short(key, secret);
  return hash ^ (hash >> 32U);
}

}  // namespace

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

std::size_t KeyTable::place_of(std::uint64_t hash, std::string_view key) const {
  std::size_t place = hash & (places_.size() - 1);
  for (; places_[place] != 0; place = (place + 1) & (places_.size() - 1)) {
    const Entry& entry = entries_[places_[place] - 1];
    if (entry.hash == hash && entry.key_size == key.size() && same_bytes(key, keys_.data() + entry.key_start)) {
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

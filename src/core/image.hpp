#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace spend {

/// Every image starts with this byte and a zero byte kept for later use: a reader that meets other values refuses
/// instead of guessing.
constexpr std::uint8_t image_version = 1;

/// Reads an image whose bytes may be hostile: every step checks what is left. Integers are little-endian, whatever the
/// machine, because images travel between servers.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::size_t left() const { return bytes_.size(); }

  /// The next `count` bytes as text, or nothing when fewer are left.
  std::optional<std::string_view> text(std::size_t count) {
    if (bytes_.size() < count) {
      return std::nullopt;
    }
    const std::string_view result(reinterpret_cast<const char*>(bytes_.data()), count);
    bytes_ = bytes_.subspan(count);
    return result;
  }

  /// An unsigned integer of `count` bytes (at most the size of T).
  template <typename T>
  std::optional<T> integer(std::size_t count = sizeof(T)) {
    const std::optional<std::string_view> raw = text(count);
    if (!raw.has_value()) {
      return std::nullopt;
    }
    T value = 0;
    for (std::size_t i = count; i-- > 0;) {
      value = static_cast<T>(value << 7U << 1U);  // in two steps: a shift by the full width of a byte type is undefined
      value = static_cast<T>(value | static_cast<unsigned char>((*raw)[i]));
    }
    return value;
  }

  /// Reads version and zero byte.
  bool header() {
    const std::optional<std::uint8_t> version = integer<std::uint8_t>();
    const std::optional<std::uint8_t> zero = integer<std::uint8_t>();
    return version == image_version && zero == std::uint8_t{0};
  }

 private:
  std::span<const std::byte> bytes_;
};

/// Appends an unsigned integer as `count` little-endian bytes.
template <typename T>
void append_integer(std::string& out, T value, std::size_t count = sizeof(T)) {
  for (std::size_t i = 0; i < count; ++i) {
    out += static_cast<char>(static_cast<unsigned char>(value & 0xFFU));
    value = static_cast<T>(value >> 7U >> 1U);
  }
}

/// A new image with version and zero byte.
inline std::string image_header() {
  return {static_cast<char>(image_version), '\0'};
}

}  // namespace spend

#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace spend {

/// Memory that is about to be filled from end to end: the system is asked for all of its pages at once, instead of one
/// by one when they are first written, and for large ones, at whose border it begins where it has room for one.
class PresentMemory {
 public:
  /// Throws bad_alloc. The memory is zero.
  explicit PresentMemory(std::size_t size) : mapped_size_(size >= large_page ? size + large_page : size) {
    void* const place = mmap(nullptr, mapped_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) {
      throw std::bad_alloc();
    }
    mapped_ = place;
    data_ = static_cast<char*>(place);
    if (size >= large_page) {
      const auto over = static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(place) % large_page);
      data_ += over == 0 ? 0 : large_page - over;  // what is not used takes no memory, only addresses
    }
    // Advice: what the system does not take changes nothing but the time.
    madvise(data_, size, MADV_HUGEPAGE);
    madvise(data_, size, MADV_POPULATE_WRITE);
  }
  ~PresentMemory() {
    if (mapped_ != nullptr) {
      munmap(mapped_, mapped_size_);
    }
  }
  PresentMemory(PresentMemory&& other) noexcept
      : mapped_(std::exchange(other.mapped_, nullptr)), mapped_size_(other.mapped_size_), data_(other.data_) {}
  PresentMemory& operator=(PresentMemory&&) = delete;
  PresentMemory(const PresentMemory&) = delete;
  PresentMemory& operator=(const PresentMemory&) = delete;

  char* data() const { return data_; }

 private:
  static constexpr std::size_t large_page = std::size_t{2} * 1024 * 1024;

  void* mapped_ = nullptr;
  std::size_t mapped_size_;
  char* data_ = nullptr;
};

}  // namespace spend

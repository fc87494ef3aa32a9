#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <utility>

namespace spend {

/// Memory that is about to be filled from end to end: the system is asked for all of its pages at once, instead of one
/// by one when they are first written, and large ones where they fit.
class PresentMemory {
 public:
  /// Throws bad_alloc. The memory is zero.
  explicit PresentMemory(std::size_t size) : size_(size) {
    void* const place = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) {
      throw std::bad_alloc();
    }
    // Advice: what the system does not take changes nothing but the time.
    madvise(place, size, MADV_HUGEPAGE);
    madvise(place, size, MADV_POPULATE_WRITE);
    data_ = static_cast<char*>(place);
  }
  ~PresentMemory() {
    if (data_ != nullptr) {
      munmap(data_, size_);
    }
  }
  PresentMemory(PresentMemory&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}
  PresentMemory& operator=(PresentMemory&&) = delete;
  PresentMemory(const PresentMemory&) = delete;
  PresentMemory& operator=(const PresentMemory&) = delete;

  char* data() const { return data_; }

 private:
  char* data_ = nullptr;
  std::size_t size_;
};

}  // namespace spend

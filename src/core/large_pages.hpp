#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>

namespace spend {

/// For arrays that are read at random places: where one is large, the system is asked to put it on large pages. On
/// small ones nearly every read of an array of many megabytes first has to look up where its page is, which in a
/// virtual machine takes longer than the read. A system that has no large pages to give changes nothing.
template <typename T>
class LargePages {
 public:
  using value_type = T;
  LargePages() = default;
  template <typename Other>
  explicit LargePages(const LargePages<Other>&) noexcept {}

  T* allocate(std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    void* const place = ::operator new(bytes, alignment(bytes));
    if (bytes >= page) {
      madvise(place, bytes, MADV_HUGEPAGE);  // advice: whether it is taken is no matter of correctness
    }
    return static_cast<T*>(place);
  }
  void deallocate(T* place, std::size_t count) noexcept { ::operator delete(place, alignment(count * sizeof(T))); }
  friend bool operator==(const LargePages&, const LargePages&) { return true; }

 private:
  static constexpr std::size_t page = std::size_t{2} * 1024 * 1024;
  static std::align_val_t alignment(std::size_t bytes) { return std::align_val_t{bytes >= page ? page : alignof(T)}; }
};

}  // namespace spend

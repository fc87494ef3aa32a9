#include "core/packed_sums.hpp"
#include "fuzz.hpp"

using spend::fuzz::require;

// What can be read can be written, and read again as the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spend::SumsUnpacker unpacker(spend::fuzz::text(data, size));
  for (;;) {
    spend::SumsKey key;
    spend::SummedCounts counts;
    spend::SummedAmounts amounts;
    const spend::Result<bool> found = unpacker.next(key, counts, amounts);
    if (!found.ok()) {
      require(found.error().kind == spend::ErrorKind::invalid_binary);
      return 0;
    }
    if (!*found) {
      return 0;
    }
    spend::SumsPacker packer;
    packer.append(key, counts, amounts);
    spend::SumsUnpacker again(packer.bytes_with_head().substr(spend::SumsPacker::head_room));
    spend::SumsKey same_key;
    spend::SummedCounts same_counts;
    spend::SummedAmounts same_amounts;
    const spend::Result<bool> same = again.next(same_key, same_counts, same_amounts);
    require(same.ok() && *same && same_key == key && same_counts == counts && same_amounts == amounts);
  }
}

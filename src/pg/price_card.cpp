#include "pg/price_card.hpp"

#include <unordered_set>

#include "core/image.hpp"
#include "pg/values.hpp"

extern "C" {
#include "access/detoast.h"
}

namespace spend {

namespace {

/// The compiled cards of this backend, the one used last in front. A query may use many small ones or a few large ones.
struct Compiled {
  Hash128 digest;
  std::shared_ptr<const PriceBook> book;
};
constexpr std::size_t most_compiled = 32;
constexpr std::size_t most_prices = PriceTable::max_entries;  // of all of them together, or of one
std::vector<Compiled> compiled;

void forget_surplus() {
  std::size_t prices = 0;
  std::size_t kept = 0;
  while (kept < std::min(compiled.size(), most_compiled)) {
    prices += compiled[kept].book->size();
    if (kept > 0 && prices > most_prices) {
      break;
    }
    ++kept;
  }
  compiled.resize(kept);
}

std::shared_ptr<const PriceBook> compile(Datum price_table) {
  PriceTable table = take(PriceTable::from_storage(varlena_bytes(price_table)));
  return std::make_shared<const PriceBook>(PriceBook::build(table.entries()));
}

/// Version and digest, without fetching the rest.
std::string_view header_of(Datum price_table) {
  auto* const image = reinterpret_cast<struct varlena*>(DatumGetPointer(price_table));
  if (!VARATT_IS_EXTERNAL(image) && !VARATT_IS_COMPRESSED(image)) {
    return {VARDATA_ANY(image), std::min<std::size_t>(VARSIZE_ANY_EXHDR(image), PriceTable::storage_header_bytes)};
  }
  const struct varlena* slice = pg_call(
      [&] { return detoast_attr_slice(image, 0, static_cast<std::int32_t>(PriceTable::storage_header_bytes)); });
  return {VARDATA_ANY(slice), VARSIZE_ANY_EXHDR(slice)};
}

Hash128 digest_of(Datum price_table) {
  ByteReader reader(std::as_bytes(std::span(header_of(price_table))));
  Hash128 digest;
  std::optional<std::string_view> bytes;
  if (!reader.header() || !(bytes = reader.text(digest.size())).has_value()) {
    raise(Error{ErrorKind::invalid_binary, "invalid binary price_table", "The version is not known.", {}});
  }
  std::memcpy(digest.data(), bytes->data(), digest.size());
  return digest;
}

}  // namespace

void PriceCard::use(const Hash128& digest, Datum price_table) {
  const auto found = std::find_if(compiled.begin(), compiled.end(),
                                  [&](const Compiled& candidate) { return candidate.digest == digest; });
  if (found != compiled.end()) {
    std::rotate(compiled.begin(), found, std::next(found));
  } else {
    Compiled fresh{digest, compile(price_table)};
    compiled.insert(compiled.begin(), std::move(fresh));
    forget_surplus();
  }
  book_ = compiled.front().book;
  digest_ = digest;
}

const PriceBook& PriceCard::book_of(Datum price_table) {
  auto* const image = reinterpret_cast<struct varlena*>(DatumGetPointer(price_table));
  const bool is_stored = VARATT_IS_EXTERNAL_ONDISK(image);
  varatt_external place{};
  if (is_stored) {
    std::memcpy(&place, VARDATA_EXTERNAL(image), sizeof place);
    const bool is_known = book_ != nullptr && place.va_valueid == place_.va_valueid &&
                          place.va_toastrelid == place_.va_toastrelid && command_ == CommandIdentity::current();
    if (is_known) {
      return *book_;
    }
  }
  const Hash128 digest = digest_of(price_table);
  if (book_ == nullptr || digest != digest_) {
    use(digest, price_table);
  }
  place_ = place;
  command_ = CommandIdentity::current();
  return *book_;
}

void warn_not_on_card(std::string_view model, std::string_view reason) {
  constexpr std::size_t most_remembered = 10'000;
  static std::unordered_set<std::string> warned;
  model = shown_name(model);
  if (warned.size() >= most_remembered || !warned.emplace(model).second) {
    return;
  }
  const char* shown_model = palloc_cstring(model);
  const char* shown_reason = palloc_cstring(reason);
  pg_call([&] {
    ereport(WARNING,
            (errcode(ERRCODE_WARNING), errmsg("the price table has no price for model \"%s\"", shown_model),
             errdetail("Reason: %s. Its cost is NULL, not 0, and a sum leaves it out. This is said once per connection "
                       "and model.",
                       shown_reason),
             errhint("Add the price with spend.merge().")));
  });
}

}  // namespace spend

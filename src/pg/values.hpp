#pragma once

#include "core/price.hpp"
#include "core/price_table.hpp"
#include "core/usage.hpp"
#include "pg/guard.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// Conversions between datums and the core's values. All are safe with C++ owners alive. A server in another encoding
/// than UTF8 is refused when the extension is created, so text needs no conversion here.

std::string text_of(Datum text);                ///< a text datum's characters
std::string cstring_of(Datum cstring);          ///< a cstring datum's characters
Datum text_datum(std::string_view characters);  ///< palloc'd text
/// The same for one of few strings that come with every row (a status, a currency), which stays for good.
Datum kept_text_datum(std::string_view characters);
char* palloc_cstring(std::string_view characters);
/// The beginning of a name that came from outside, for a message or to remember that it was said: whole characters of
/// at most 300 bytes.
std::string_view shown_name(std::string_view name);

std::string jsonb_text(Datum jsonb);       ///< canonical JSON text of a jsonb datum
Datum jsonb_datum(std::string_view json);  ///< jsonb parsed from JSON text
Datum empty_object_datum();                ///< the jsonb {}, which stays for good
bool jsonb_is_empty_object(Datum jsonb);   ///< {} (without converting it to text)

/// The bytes of a varlena that is compressed or stored elsewhere, in the current memory context.
std::span<const std::byte> detoasted_bytes(Datum datum);
/// The bytes of a varlena; valid as long as the datum's memory, or the current memory context.
inline std::span<const std::byte> varlena_bytes(Datum datum) {
  const auto* const image = reinterpret_cast<const struct varlena*>(DatumGetPointer(datum));
  if (VARATT_IS_EXTERNAL(image) || VARATT_IS_COMPRESSED(image)) {
    return detoasted_bytes(datum);
  }
  return {reinterpret_cast<const std::byte*>(VARDATA_ANY(image)), VARSIZE_ANY_EXHDR(image)};
}
/// The bytes of a varlena where they lie; false for one that is compressed or stored elsewhere.
inline bool bytes_in_place(Datum datum, std::string_view& bytes) {
  const auto* const image = reinterpret_cast<const struct varlena*>(DatumGetPointer(datum));
  if (VARATT_IS_SHORT(image) && !VARATT_IS_EXTERNAL(image)) {
    bytes = {VARDATA_SHORT(image), VARSIZE_SHORT(image) - std::size_t{VARHDRSZ_SHORT}};
    return true;
  }
  if (VARATT_IS_4B_U(image)) {
    bytes = {VARDATA_4B(image), VARSIZE_4B(image) - std::size_t{VARHDRSZ}};
    return true;
  }
  return false;
}
/// The characters of a text in place; valid as long as its bytes.
inline std::string_view text_view(Datum text) {
  const std::span<const std::byte> bytes = varlena_bytes(text);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
Datum varlena_datum(std::string_view bytes);

Usage usage_of(Datum token_usage);
Datum usage_datum(const Usage& usage);
Price price_of(Datum price);
Datum price_datum(const Price& price);

/// The unread rest of a receive function's buffer, and its end.
std::span<const std::byte> receive_rest(Datum string_info);
Datum send_bytes(std::string_view bytes);

Datum uuid_datum(const std::array<std::uint8_t, 16>& bytes);
std::array<std::uint8_t, 16> uuid_bytes(Datum uuid);

/// A palloc'd bigint[], and back. Precondition: no element is null.
Datum bigint_array_datum(const std::vector<std::int64_t>& values);
std::vector<std::int64_t> bigints_of(Datum array);
/// The same for tid[].
Datum tid_array_datum(std::span<const ItemPointerData> places);
std::vector<ItemPointerData> tids_of(Datum array);

}  // namespace spend

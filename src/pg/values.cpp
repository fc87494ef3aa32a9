#include "pg/values.hpp"

#include <algorithm>

extern "C" {
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
}

namespace spend {

std::string text_of(Datum text) {
  return std::string(text_view(text));
}

std::string cstring_of(Datum cstring) {
  return DatumGetCString(cstring);
}

Datum text_datum(std::string_view characters) {
  return varlena_datum(characters);
}

Datum kept_text_datum(std::string_view characters) {
  struct Kept {
    std::string characters;
    Datum datum;
  };
  constexpr std::size_t most_kept = 32;
  static std::vector<Kept> kept;
  for (const Kept& known : kept) {
    if (known.characters == characters) {
      return known.datum;
    }
  }
  if (kept.size() == most_kept) {
    return text_datum(characters);
  }
  const MemoryContext outer = MemoryContextSwitchTo(TopMemoryContext);
  const Datum datum = text_datum(characters);
  MemoryContextSwitchTo(outer);
  kept.push_back({std::string(characters), datum});
  return datum;
}

std::string_view shown_name(std::string_view name) {
  constexpr int most_bytes = 300;
  if (name.size() <= most_bytes) {
    return name;
  }
  const int length = pg_call([&] {
    return pg_mbcliplen(name.data(), static_cast<int>(std::min<std::size_t>(name.size(), most_bytes + 8)), most_bytes);
  });
  return name.substr(0, static_cast<std::size_t>(length));
}

char* palloc_cstring(std::string_view characters) {
  char* copy = static_cast<char*>(pg_call([&] { return palloc(characters.size() + 1); }));
  std::memcpy(copy, characters.data(), characters.size());
  copy[characters.size()] = '\0';
  return copy;
}

std::string jsonb_text(Datum jsonb) {
  const char* text = pg_call([&] {
    Jsonb* value = DatumGetJsonbP(jsonb);
    return JsonbToCString(nullptr, &value->root, static_cast<int>(VARSIZE(value)));
  });
  return text;
}

Datum jsonb_datum(std::string_view json) {
  const char* text = palloc_cstring(json);
  return pg_call([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(text)); });
}

Datum empty_object_datum() {
  static const Datum kept = [] {
    const MemoryContext outer = MemoryContextSwitchTo(TopMemoryContext);
    const Datum made = jsonb_datum("{}");
    MemoryContextSwitchTo(outer);
    return made;
  }();
  return kept;
}

bool jsonb_is_empty_object(Datum jsonb) {
  return pg_call([&] {
    Jsonb* value = DatumGetJsonbP(jsonb);
    return JB_ROOT_IS_OBJECT(value) && JB_ROOT_COUNT(value) == 0;
  });
}

std::span<const std::byte> detoasted_bytes(Datum datum) {
  struct varlena* image = reinterpret_cast<struct varlena*>(DatumGetPointer(datum));
  image = pg_call([&] { return pg_detoast_datum_packed(image); });
  return {reinterpret_cast<const std::byte*>(VARDATA_ANY(image)), VARSIZE_ANY_EXHDR(image)};
}

Datum varlena_datum(std::string_view bytes) {
  const Size size = bytes.size() + VARHDRSZ;
  char* image = static_cast<char*>(pg_call([&] { return palloc(size); }));
  SET_VARSIZE(image, size);
  std::memcpy(image + VARHDRSZ, bytes.data(), bytes.size());
  return PointerGetDatum(image);
}

Usage usage_of(Datum token_usage) {
  return take(Usage::from_image(varlena_bytes(token_usage)));
}
Datum usage_datum(const Usage& usage) {
  return varlena_datum(usage.to_image());
}
Price price_of(Datum price) {
  return take(Price::from_image(varlena_bytes(price)));
}
Datum price_datum(const Price& price) {
  return varlena_datum(price.to_image());
}

std::span<const std::byte> receive_rest(Datum string_info) {
  StringInfo buffer = reinterpret_cast<StringInfo>(DatumGetPointer(string_info));
  const int length = buffer->len - buffer->cursor;
  const char* bytes = buffer->data + buffer->cursor;
  buffer->cursor = buffer->len;
  return {reinterpret_cast<const std::byte*>(bytes), static_cast<std::size_t>(length)};
}

Datum send_bytes(std::string_view bytes) {
  return varlena_datum(bytes);
}

Datum uuid_datum(const std::array<std::uint8_t, 16>& bytes) {
  pg_uuid_t* uuid = static_cast<pg_uuid_t*>(pg_call([] { return palloc(sizeof(pg_uuid_t)); }));
  std::memcpy(uuid->data, bytes.data(), bytes.size());
  return UUIDPGetDatum(uuid);
}

std::array<std::uint8_t, 16> uuid_bytes(Datum uuid) {
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), DatumGetUUIDP(uuid)->data, bytes.size());
  return bytes;
}

Datum bigint_array_datum(const std::vector<std::int64_t>& values) {
  return pg_call([&] {
    Datum* elements = static_cast<Datum*>(palloc(values.size() * sizeof(Datum)));
    for (std::size_t i = 0; i < values.size(); ++i) {
      elements[i] = Int64GetDatum(values[i]);
    }
    return PointerGetDatum(construct_array(elements, static_cast<int>(values.size()), INT8OID, sizeof(std::int64_t),
                                           FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
  });
}

std::vector<std::int64_t> bigints_of(Datum array) {
  struct Elements {
    Datum* values;
    int count;
  };
  const Elements elements = pg_call([&] {
    Elements found;
    bool* nulls;
    deconstruct_array(DatumGetArrayTypeP(array), INT8OID, sizeof(std::int64_t), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
                      &found.values, &nulls, &found.count);
    return found;
  });
  std::vector<std::int64_t> values;
  values.reserve(static_cast<std::size_t>(elements.count));
  for (int i = 0; i < elements.count; ++i) {
    values.push_back(DatumGetInt64(elements.values[i]));
  }
  return values;
}

Datum tid_array_datum(std::span<const ItemPointerData> places) {
  return pg_call([&] {
    Datum* elements = static_cast<Datum*>(palloc(places.size() * sizeof(Datum)));
    for (std::size_t i = 0; i < places.size(); ++i) {
      elements[i] = PointerGetDatum(&places[i]);
    }
    return PointerGetDatum(construct_array(elements, static_cast<int>(places.size()), TIDOID, sizeof(ItemPointerData),
                                           false, TYPALIGN_SHORT));
  });
}

std::vector<ItemPointerData> tids_of(Datum array) {
  struct Elements {
    Datum* values;
    bool* nulls;
    int count;
  };
  const Elements elements = pg_call([&] {
    Elements found;
    deconstruct_array(DatumGetArrayTypeP(array), TIDOID, sizeof(ItemPointerData), false, TYPALIGN_SHORT, &found.values,
                      &found.nulls, &found.count);
    return found;
  });
  std::vector<ItemPointerData> places;
  places.reserve(static_cast<std::size_t>(elements.count));
  for (int i = 0; i < elements.count; ++i) {
    if (!elements.nulls[i]) {
      places.push_back(*reinterpret_cast<ItemPointer>(DatumGetPointer(elements.values[i])));
    }
  }
  return places;
}

}  // namespace spend

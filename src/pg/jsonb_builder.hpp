#pragma once

#include <string_view>
#include <vector>

#include "pg/guard.hpp"
#include "pg/prelude.hpp"

namespace spend {

/// A jsonb object of texts and numbers from its parts, without a text that the server would have to read again. Keys
/// and texts have to live until the datum is made. Precondition: the keys come as jsonb keeps them, shorter ones first
/// and those of one length in the order of their bytes, and none comes twice.
class JsonbObject {
 public:
  void text(std::string_view key, std::string_view value) { add(key, string_of(value)); }
  void numeric(std::string_view key, Datum value) {
    JsonbValue number = {};
    number.type = jbvNumeric;
    number.val.numeric = DatumGetNumeric(value);
    add(key, number);
  }

  /// Valid as long as this object.
  JsonbValue value() {
    JsonbValue object = {};
    object.type = jbvObject;
    object.val.object.nPairs = static_cast<int>(pairs_.size());
    object.val.object.pairs = pairs_.data();
    return object;
  }

 private:
  static JsonbValue string_of(std::string_view characters) {
    JsonbValue string = {};
    string.type = jbvString;
    string.val.string.val = const_cast<char*>(characters.data());
    string.val.string.len = static_cast<int>(characters.size());
    return string;
  }
  void add(std::string_view key, const JsonbValue& value) {
    pairs_.push_back({string_of(key), value, static_cast<uint32>(pairs_.size())});
  }

  std::vector<JsonbPair> pairs_;
};

/// A jsonb array of objects.
inline Datum jsonb_array_datum(std::vector<JsonbObject>& objects) {
  std::vector<JsonbValue> elements;
  elements.reserve(objects.size());
  for (JsonbObject& object : objects) {
    elements.push_back(object.value());
  }
  JsonbValue array = {};
  array.type = jbvArray;
  array.val.array.nElems = static_cast<int>(elements.size());
  array.val.array.elems = elements.data();
  array.val.array.rawScalar = false;
  return pg_call([&] { return JsonbPGetDatum(JsonbValueToJsonb(&array)); });
}

}  // namespace spend

#include "core/json.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

// RapidJSON would otherwise abort the process when a precondition of its own fails.
#define RAPIDJSON_ASSERT(x) static_cast<void>(0)
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "core/error_text.hpp"
#include "core/json_reader.hpp"

namespace spend {

namespace {

/// RapidJSON's own allocator hands a failed malloc's null pointer on and then writes to it.
class ThrowingAllocator {
 public:
  void* Malloc(std::size_t size) { return Realloc(nullptr, 0, size); }
  void* Realloc(void* old, std::size_t /*old_size*/, std::size_t size) {
    if (size == 0) {
      std::free(old);
      return nullptr;
    }
    void* const block = std::realloc(old, size);
    if (block == nullptr) {
      throw std::bad_alloc();
    }
    return block;
  }
  static void Free(void* block) { std::free(block); }
};

/// Passes RapidJSON's events on and keeps the checks that hold for every document: depth and no NUL in strings.
class Adapter {
 public:
  Adapter(JsonEvents& events, int max_depth) : events_(events), max_depth_(max_depth) {}

  const std::optional<Error>& error() const { return error_; }
  const std::string& last_key() const { return last_key_; }
  /// True when the text itself is at fault and not what its receiver thinks of it.
  bool is_syntax_error() const { return is_syntax_error_; }

  bool Null() { return pass(events_.on_null()); }
  bool Bool(bool value) { return pass(events_.on_boolean(value)); }
  bool RawNumber(const char* text, rapidjson::SizeType length, bool /*copy*/) {
    return pass(events_.on_number({text, length}));
  }
  bool String(const char* text, rapidjson::SizeType length, bool /*copy*/) {
    return is_text({text, length}) && pass(events_.on_string({text, length}));
  }
  bool Key(const char* text, rapidjson::SizeType length, bool /*copy*/) {
    last_key_.assign(text, length);
    return is_text({text, length}) && pass(events_.on_key({text, length}));
  }
  bool StartObject() { return enter() && pass(events_.on_object_start()); }
  bool EndObject(rapidjson::SizeType /*count*/) { return leave() && pass(events_.on_object_end()); }
  bool StartArray() { return enter() && pass(events_.on_array_start()); }
  bool EndArray(rapidjson::SizeType /*count*/) { return leave() && pass(events_.on_array_end()); }

  // Numbers arrive as text (kParseNumbersAsStringsFlag); the reader still wants these names to exist.
  static bool Int(int /*value*/) { return false; }
  static bool Uint(unsigned /*value*/) { return false; }
  static bool Int64(std::int64_t /*value*/) { return false; }
  static bool Uint64(std::uint64_t /*value*/) { return false; }
  static bool Double(double /*value*/) { return false; }

 private:
  bool pass(std::optional<Error> outcome) {
    error_ = std::move(outcome);
    return !error_.has_value();
  }
  /// What the reader lets through although it is no text: an escaped NUL, and the second half of a surrogate pair on
  /// its own, which it writes as ill-formed UTF-8 (raw input of that kind it refuses itself).
  bool is_text(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) {
      return refuse("invalid JSON: the character \\u0000 is not accepted");
    }
    for (std::size_t i = text.find('\xED'); i != std::string_view::npos; i = text.find('\xED', i + 1)) {
      if (i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) >= 0xA0) {
        return refuse("invalid JSON: half a surrogate pair");
      }
    }
    return true;
  }
  bool refuse(const char* message) {
    is_syntax_error_ = true;
    return pass(Error{ErrorKind::invalid_text, message, "", ""});
  }
  bool enter() {
    if (++depth_ <= max_depth_) {
      return true;
    }
    return pass(Error{ErrorKind::limit_exceeded, "JSON is nested too deeply",
                      "At most " + std::to_string(max_depth_) + " levels are accepted.", ""});
  }
  bool leave() {
    --depth_;
    return true;
  }

  JsonEvents& events_;
  int max_depth_;
  int depth_ = 0;
  bool is_syntax_error_ = false;
  std::string last_key_;
  std::optional<Error> error_;
};

std::string offset_detail(std::size_t offset) {
  return "At byte offset " + std::to_string(offset) + ".";
}

Error syntax_error(const std::string& what, std::size_t offset) {
  return {ErrorKind::invalid_text, "invalid JSON: " + what, offset_detail(offset), ""};
}

/// RapidJSON's sentence in PostgreSQL's style for a primary message.
std::string reader_message(rapidjson::ParseErrorCode code) {
  std::string text = rapidjson::GetParseError_En(code);
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) {
    text.pop_back();
  }
  if (!text.empty() && text.front() >= 'A' && text.front() <= 'Z') {
    text.front() = static_cast<char>(text.front() - 'A' + 'a');
  }
  return text;
}

}  // namespace

Error duplicate_key_error(std::string_view key) {
  return {ErrorKind::invalid_text, "duplicate JSON key " + quoted(key), "", ""};
}

std::optional<Error> read_json(std::string_view text, Json::Limits limits, JsonEvents& events) {
  if (text.size() > limits.max_bytes) {
    return Error{ErrorKind::limit_exceeded, "JSON text is too large",
                 "It has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(limits.max_bytes) +
                     " are accepted.",
                 ""};
  }
  // The reader takes a NUL byte for the end of its input and would overlook what follows.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return syntax_error("NUL byte", nul);
  }
  constexpr unsigned flags =
      rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag;
  using Utf8 = rapidjson::UTF8<>;
  rapidjson::GenericReader<Utf8, Utf8, ThrowingAllocator> reader;
  rapidjson::MemoryStream raw(text.data(), text.size());
  Adapter adapter(events, limits.max_depth);
  const rapidjson::ParseResult result = reader.Parse<flags>(raw, adapter);
  if (adapter.error().has_value()) {
    Error error = *adapter.error();
    if (adapter.is_syntax_error()) {
      error.detail = offset_detail(result.Offset());
    }
    return error;
  }
  if (result.IsError()) {
    if (result.Code() == rapidjson::kParseErrorNumberTooBig) {
      Error error = syntax_error("", result.Offset());
      error.kind = ErrorKind::out_of_range;
      error.message = "number is out of range";
      if (!adapter.last_key().empty()) {
        error.message += " at " + quoted(adapter.last_key());
      }
      return error;
    }
    return syntax_error(reader_message(result.Code()), result.Offset());
  }
  return std::nullopt;
}

JsonEvents::Outcome JsonBuilder::add(Json value, bool container) {
  if (nodes_left_ == 0) {
    return Error{ErrorKind::limit_exceeded, "JSON value has too many parts", "", ""};
  }
  --nodes_left_;
  if (container) {
    open_.push_back({std::move(key_), std::move(value)});
    key_.clear();
    return std::nullopt;
  }
  if (open_.empty()) {
    root_ = std::move(value);
    complete_ = true;
  } else if (Json& parent = open_.back().value; parent.type == Json::Type::array) {
    parent.items.push_back(std::move(value));
  } else {
    parent.members.push_back({std::move(key_), std::move(value)});
    key_.clear();
  }
  return std::nullopt;
}

JsonEvents::Outcome JsonBuilder::close() {
  Json value = std::move(open_.back().value);
  key_ = std::move(open_.back().key);
  open_.pop_back();
  ++nodes_left_;
  return add(std::move(value), false);
}

JsonEvents::Outcome JsonBuilder::on_null() {
  return add(Json{}, false);
}

JsonEvents::Outcome JsonBuilder::on_boolean(bool value) {
  Json json;
  json.type = Json::Type::boolean;
  json.boolean = value;
  return add(std::move(json), false);
}

JsonEvents::Outcome JsonBuilder::on_number(std::string_view text) {
  Json json;
  json.type = Json::Type::number;
  json.text = text;
  return add(std::move(json), false);
}

JsonEvents::Outcome JsonBuilder::on_string(std::string_view text) {
  Json json;
  json.type = Json::Type::string;
  json.text = text;
  return add(std::move(json), false);
}

JsonEvents::Outcome JsonBuilder::on_key(std::string_view text) {
  key_ = text;
  return std::nullopt;
}

JsonEvents::Outcome JsonBuilder::on_object_start() {
  Json json;
  json.type = Json::Type::object;
  return add(std::move(json), true);
}

JsonEvents::Outcome JsonBuilder::on_object_end() {
  // Sorting keeps this O(n log n) whatever the keys are; comparing each with each, or a hash table that crafted keys
  // degrade, would not.
  const auto& members = open_.back().value.members;
  std::vector<std::string_view> keys;
  keys.reserve(members.size());
  for (const auto& [key, value] : members) {
    keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  if (const auto twice = std::adjacent_find(keys.begin(), keys.end()); twice != keys.end()) {
    return duplicate_key_error(*twice);
  }
  return close();
}

JsonEvents::Outcome JsonBuilder::on_array_start() {
  Json json;
  json.type = Json::Type::array;
  return add(std::move(json), true);
}

JsonEvents::Outcome JsonBuilder::on_array_end() {
  return close();
}

const Json* Json::find(std::string_view key) const {
  for (const auto& [name, value] : members) {
    if (name == key) {
      return &value;
    }
  }
  return nullptr;
}

Result<Json> Json::parse(std::string_view text, Limits limits) {
  JsonBuilder builder(limits.max_bytes);  // a node takes at least one byte of text
  if (std::optional<Error> error = read_json(text, limits, builder)) {
    return *std::move(error);
  }
  return builder.take();
}

std::string json_quote(std::string_view text) {
  constexpr const char* hex = "0123456789abcdef";
  std::string result;
  result.reserve(text.size() + 2);
  result += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte >= 0x20) {
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '\r') {
      result += "\\r";
    } else if (c == '\t') {
      result += "\\t";
    } else {
      result += "\\u00";
      result += hex[byte >> 4U];
      result += hex[byte & 0xFU];
    }
  }
  result += '"';
  return result;
}

}  // namespace spend

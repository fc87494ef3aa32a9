#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_reader.hpp"

namespace spend {

/// Walks down a document to the entries of a list and hands each over as a value of its own: as one tree, a document
/// would take a hundred times its size.
class EntryStream : public JsonEvents {
 public:
  /// Where a value stands: the key in each open object, "" in an array.
  using Path = std::vector<std::string>;

  Outcome on_null() final;
  Outcome on_boolean(bool value) final;
  Outcome on_number(std::string_view text) final;
  Outcome on_string(std::string_view text) final;
  Outcome on_key(std::string_view text) final;
  Outcome on_object_start() final { return start(true); }
  Outcome on_object_end() final { return end(); }
  Outcome on_array_start() final { return start(false); }
  Outcome on_array_end() final { return end(); }

 protected:
  /// Whether the container at `path` is walked into; otherwise it is built and handed to on_entry. An Error when no
  /// container of that kind may stand there.
  virtual Result<bool> descends(const Path& path, bool is_object) = 0;
  /// A value that was not walked into.
  virtual Outcome on_entry(const Path& path, const Json& value) = 0;
  /// The end of a container that was walked into.
  virtual Outcome on_left(const Path& path) = 0;

 private:
  Outcome start(bool is_object);
  Outcome end();
  template <typename Forward>
  Outcome scalar(Forward forward);
  Outcome finish_if_complete();

  Path path_;
  std::vector<bool> is_object_;  ///< of the open containers that were walked into
  std::string key_;              ///< of the value that comes next
  int depth_ = 0;                ///< open containers inside the value being built
  std::optional<JsonBuilder> value_;
};

}  // namespace spend

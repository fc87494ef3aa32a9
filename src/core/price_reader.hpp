#pragma once

#include <string>

#include "core/json.hpp"
#include "core/price.hpp"

namespace spend {

/// Turns a parsed JSON value into a Price; shared by the price type and by the entries of a price table.
class PriceReader {
 public:
  /// `path` names the value inside a larger document and leads every error message: "" or "prices[3].price".
  static Result<Price> read(const Json& value, const std::string& path);
};

}  // namespace spend

#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "core/cost.hpp"
#include "core/decimal.hpp"
#include "core/price.hpp"
#include "core/price_table.hpp"
#include "core/usage.hpp"

namespace spend {

/// How GoogleTest prints values of the core.
inline void PrintTo(const Decimal& value, std::ostream* out) {
  *out << value.to_string();
}
inline void PrintTo(const Usage& value, std::ostream* out) {
  *out << value.to_json();
}
inline void PrintTo(const Price& value, std::ostream* out) {
  *out << value.to_json();
}
inline void PrintTo(PricingStatus value, std::ostream* out) {
  *out << to_string(value);
}
inline void PrintTo(const PriceEntry& value, std::ostream* out) {
  *out << value.sku.provider << '/' << value.sku.model << ' ' << value.price.to_json();
}

namespace test {

/// The value, or a failed test and a default value that lets the test go on.
template <typename T>
T must(Result<T> result, std::string_view what) {
  if (!result.ok()) {
    ADD_FAILURE() << what << ": " << result.error().message << " " << result.error().detail;
    return T{};
  }
  return std::move(result).value();
}

inline Decimal decimal(std::string_view text) {
  return must(Decimal::parse(text), text);
}
inline Usage usage(std::string_view json) {
  return must(Usage::from_json(json), json);
}
inline Price price(std::string_view json) {
  return must(Price::from_json(json), json);
}
/// A price in USD from the members of "rates".
inline Price rates(const std::string& members) {
  return price("{\"rates\": {" + members + "}}");
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// The error of a result that must have failed.
template <typename T>
Error error_of(const Result<T>& result) {
  if (result.ok()) {
    ADD_FAILURE() << "expected an error";
    return {ErrorKind::invalid_text, "", "", ""};
  }
  return result.error();
}

template <typename T>
std::optional<ErrorKind> kind_of(const Result<T>& result) {
  return result.ok() ? std::nullopt : std::optional<ErrorKind>(result.error().kind);
}

inline Costing costing(const Price& of, const Usage& by, OnInconsistent mode = OnInconsistent::clamp) {
  return must(evaluate(of, by, mode, true), of.to_json() + " * " + by.to_json());
}
inline std::string cost(const Price& of, const Usage& by) {
  const Costing result = costing(of, by);
  EXPECT_NE(result.status, PricingStatus::unpriced) << result.reason;
  return result.cost.to_string();
}

/// Status, reason and cost of a usage under USD rates, both given as JSON.
inline PricingStatus status(const std::string& members, std::string_view usage_json) {
  return costing(rates(members), usage(usage_json)).status;
}
inline std::string reason(const std::string& members, std::string_view usage_json) {
  return costing(rates(members), usage(usage_json)).reason;
}
inline std::string cost(const std::string& members, std::string_view usage_json) {
  return cost(rates(members), usage(usage_json));
}

}  // namespace test
}  // namespace spend

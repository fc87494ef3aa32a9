#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/price_table.hpp"
#include "core/status.hpp"

namespace spend {

/// One price that a document states, under our own names.
struct ImportedPrice {
  std::string name;  ///< as the document calls it: a key, a model id
  Sku sku;           ///< normalised text
  bool has_start = false;
  Timestamp valid_from = timestamp_min;  ///< meaningful with has_start
  Timestamp valid_until = timestamp_max;
  Price price;
  std::string source;                 ///< address or name of the source; "" when the document names none
  Timestamp checked = timestamp_max;  ///< midnight UTC of the day the figures were compared; timestamp_max: not said
  std::string note;                   ///< what was cleaned, left out or assumed; "" when the price is as written
};

/// A further name, or a pattern of names, that a document gives a model: for rows of that provider.
struct ImportedAlias {
  std::string name;  ///< the model as the document calls it
  std::string provider;
  std::string model;
  std::string alias;  ///< as in spend.model_aliases
};

/// An entry that is not imported, and why. The rest of the document is.
struct QuarantinedEntry {
  std::string name;
  std::string provider;  ///< as far as it is known
  std::string model;
  std::string reason;
  std::string alias = {};  ///< what names the model, where only that is left out
};

/// What a document holds.
struct ImportedCatalog {
  std::vector<ImportedPrice> prices;   ///< sorted by SKU, then start; the ranges of one SKU do not overlap
  std::vector<ImportedAlias> aliases;  ///< no two of one provider and form
  std::vector<QuarantinedEntry> quarantined;
};

/// A document of this size is read; models are read one by one, so memory grows with the prices, not with the text.
inline constexpr std::size_t max_catalog_bytes = std::size_t{64} * 1024 * 1024;

/// The names of the formats that read_catalog knows, for messages: "genai-prices, litellm, pg_spend".
std::string_view catalog_formats();

/// Reads a document of one of the formats. Errors: invalid_value for an unknown format; invalid_text, limit_exceeded
/// when the document as a whole is not of that format, with the offending part named. An entry that cannot be taken is
/// no error: it is quarantined.
Result<ImportedCatalog> read_catalog(std::string_view format, std::string_view document);

}  // namespace spend

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/price_table.hpp"

namespace spend {

/// One row of spend.model_aliases: a name, or a pattern with "*", and the model that it stands for. All normalised.
struct ModelAlias {
  std::string alias;
  std::string for_provider;  ///< only rows of this provider; "" for all
  std::string for_surface;   ///< only rows of this surface; "" for all
  std::string provider;
  std::string model;
  bool is_override = false;  ///< wins over a price of that very name; never with a pattern
  bool is_catalogs = false;  ///< from a catalog: what somebody set by hand is asked first
  Timestamp valid_from = timestamp_min;
  Timestamp valid_until = timestamp_max;
};

/// A name with "*" for any run of characters, compared like model_form() compares separators. A number at the end of a
/// piece is whole: "claude-opus-4*" has claude-opus-4-20250514, but neither claude-opus-4-8, -4.8 nor -45. Matching
/// takes time linear in the name for each piece and no memory.
class ModelPattern {
 public:
  static constexpr std::size_t max_bytes = 256;
  static constexpr std::size_t max_pieces = 8;
  static constexpr std::size_t min_literals = 3;

  /// Precondition: is_valid(pattern).
  explicit ModelPattern(std::string_view pattern);

  /// Within the limits above.
  static bool is_valid(std::string_view pattern);
  static bool is_pattern(std::string_view alias) { return alias.find('*') != std::string_view::npos; }

  /// `name` has separators as in model_separators().
  bool matches(std::string_view name) const;
  std::size_t literals() const { return literals_; }
  std::size_t pieces() const { return pieces_.size(); }
  /// What a name must start with.
  const std::string& prefix() const { return pieces_.front(); }

 private:
  std::vector<std::string> pieces_;  ///< between the stars; first and last may be empty
  std::size_t literals_ = 0;
};

/// The form in which two aliases are one: of a name model_form(), of a pattern what is matched. `alias` is normalised.
std::string alias_form(std::string_view alias);

/// An immutable index over aliases.
class ModelAliases {
 public:
  ModelAliases() = default;
  explicit ModelAliases(std::vector<ModelAlias> aliases);

  /// What an answer holds for: whether another time could have another answer.
  struct Found {
    const ModelAlias* alias = nullptr;
    bool depends_on_time = false;
  };

  bool has_overrides() const { return has_overrides_; }
  /// The alias of this name, "" provider and surface where the row says none; one set by hand first, then the more
  /// narrowly restricted one.
  Found find(std::string_view provider, std::string_view surface, std::string_view name, Timestamp at,
             bool overrides) const;
  /// The most specific pattern that has the name: set by hand, then restricted to provider, then to surface, then most
  /// literal characters, fewest stars; what then still ties, in the order of the alphabet.
  Found find_pattern(std::string_view provider, std::string_view surface, std::string_view name, Timestamp at) const;

 private:
  struct Pattern {
    std::uint32_t alias;
    ModelPattern pattern;
  };

  std::vector<ModelAlias> aliases_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_form_;
  std::vector<Pattern> patterns_;  ///< most specific first
  bool has_overrides_ = false;
};

}  // namespace spend

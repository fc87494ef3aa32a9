#pragma once

#include <string_view>

namespace spend {

/// The maker of a model by its family name; "" when unknown. `model` is normalised (text_key.hpp). Sources: the
/// vendors' model lists.
std::string_view maker_of_key(std::string_view model);

}  // namespace spend

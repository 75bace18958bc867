// Pages whose largest part is in the HTML itself, so that a slow network shows it after two round
// trips; the rest comes by their scripts. The templates are web/scripts/first_views.mjs's.
#pragma once

#include <string>
#include <string_view>

namespace stoa {

// de or en, whichever the client would rather read.
std::string_view first_language(std::string_view accept_language);

// The page of a product with the product in it: as markup, escaped, and as the API's JSON for the
// script. Nothing where `product_json` is not a product.
std::string item_view(std::string_view page, std::string_view product_json);

}  // namespace stoa

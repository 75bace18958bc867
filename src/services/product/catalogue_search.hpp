// One search over the catalogue index's contents. Reads only; the index holds its lock meanwhile.
#pragma once

#include "services/product/catalogue_core.hpp"

namespace stoa::products {

search_page search_catalogue(const catalogue_core& core, std::string_view query,
                             const catalogue_filter& filter, std::size_t skip, std::size_t limit);

}  // namespace stoa::products

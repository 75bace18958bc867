#include "apps/stoa/scratch_shop.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace stoa {

result<std::unique_ptr<scratch_shop>> scratch_shop::open(const settings& from) {
    auto directory = (std::filesystem::temp_directory_path() / "stoa-scratch-XXXXXX").string();
    if (!mkdtemp(directory.data()))
        return fail(errc::internal, "no_directory", directory + ": " + std::strerror(errno));
    std::unique_ptr<scratch_shop> out(new scratch_shop(std::move(directory)));
    STOA_TRY(const auto elsewhere, from.with({{"data_dir", out->directory_}}));
    STOA_TRY(out->shop_, shop::open(elsewhere));
    return out;
}

scratch_shop::~scratch_shop() {
    shop_.reset();
    std::error_code ignored;  // a leftover in the temporary folder harms nobody
    std::filesystem::remove_all(directory_, ignored);
}

}  // namespace stoa

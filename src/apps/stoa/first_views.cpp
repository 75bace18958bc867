#include "apps/stoa/first_views.hpp"

#include "base/json.hpp"
#include "services/product/product.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

namespace stoa {

// What the page shows of a product.
struct shown_item {
    std::string name, description, category;
    std::optional<std::string> image_url;
    std::optional<std::vector<products::product_image>> images;
};
BOOST_DESCRIBE_STRUCT(shown_item, (), (name, description, category, image_url, images))

namespace {

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    return out;
}

// A block of data ends at the first `</script`, so none may stand in it.
std::string inert(std::string_view json) {
    std::string out;
    for (const char c : json)
        if (c == '<') out += "\\u003c";
        else out += c;
    return out;
}

bool is_loadable(std::string_view url) {
    return (url.starts_with('/') && !url.starts_with("//")) || url.starts_with("https://");
}

// ` srcset="…" sizes="…"` of one format; of several sizes with one width the last.
std::string sizes_of(const products::product_image& of, std::string_view type) {
    std::string list;
    for (std::size_t i = 0; i < of.variants.size(); ++i) {
        const auto& one = of.variants[i];
        const auto same = [&](const auto& later) {
            return later.content_type == type && later.width == one.width;
        };
        if (one.content_type != type || !is_loadable(one.url) ||
            std::any_of(of.variants.begin() + static_cast<std::ptrdiff_t>(i) + 1, of.variants.end(),
                        same))
            continue;
        if (!list.empty()) list += ", ";
        list += escaped(one.url) + ' ' + std::to_string(one.width) + 'w';
    }
    return " srcset=\"" + list + "\" sizes=\"(min-width: 768px) 50vw, 100vw\"";
}

// The first that has its sizes.
const products::product_image* uploaded(const shown_item& of) {
    if (!of.images) return nullptr;
    const auto found = std::ranges::find(*of.images, products::image_status::ready,
                                         &products::product_image::status);
    return found == of.images->end() ? nullptr : &*found;
}

// As web/src/shared/picture.tsx: of this origin or https. Anything else is drawn by the script.
std::string picture_of(const shown_item& of) {
    std::string url = of.image_url.value_or("");
    const auto* const sized = uploaded(of);
    if (sized)
        for (const auto& each : sized->variants)
            if (each.content_type == "image/jpeg") url = each.url;
    if (!is_loadable(url)) return {};
    const auto image = "<img src=\"" + escaped(url) + '"' +
                       (sized ? sizes_of(*sized, "image/jpeg") : "") +
                       " alt=\"\" width=\"300\" height=\"300\" decoding=\"async\" "
                       "fetchpriority=\"high\" class=\"aspect-square object-cover w-full\">";
    if (!sized) return image;
    return "<picture class=\"contents\"><source type=\"image/webp\"" +
           sizes_of(*sized, "image/webp") + '>' + image + "</picture>";
}

}  // namespace

std::string_view first_language(std::string_view accept_language) {
    // The first that is known: clients name them in the order of their wishes.
    while (!accept_language.empty()) {
        const auto end = std::min(accept_language.find(','), accept_language.size());
        auto one = accept_language.substr(0, end);
        accept_language.remove_prefix(std::min(end + 1, accept_language.size()));
        one.remove_prefix(std::min(one.find_first_not_of(" \t"), one.size()));
        std::string word;
        for (const char c : one.substr(0, 2))
            word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        if (word == "de") return "de";
        if (word == "en") return "en";
    }
    return "en";
}

std::string item_view(std::string_view page, std::string_view product_json) {
    const auto product = from_json<shown_item>(product_json);
    if (!product) return {};
    std::string out;
    out.reserve(page.size() + 2 * product_json.size());
    for (;;) {
        const auto open = page.find("{{"), shut = page.find("}}", open);
        out += page.substr(0, open);
        if (shut == std::string_view::npos) return out;
        const auto word = page.substr(open + 2, shut - open - 2);
        if (word == "name") out += escaped(product->name);
        else if (word == "category") out += escaped(product->category);
        else if (word == "description") out += escaped(product->description);
        else if (word == "picture") out += picture_of(*product);
        else if (word == "json") out += inert(product_json);
        page.remove_prefix(shut + 2);
    }
}

}  // namespace stoa

#include "apps/stoa/shoppers.hpp"

#include "base/json.hpp"
#include "base/time.hpp"
#include "runtime/log.hpp"
#include "transport/http/blocking_client.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <utility>

namespace stoa {
namespace {

struct seen_product {
    std::string id;
    std::int64_t stock = 0;
};
BOOST_DESCRIBE_STRUCT(seen_product, (), (id, stock))
struct seen_products {
    std::vector<seen_product> products;
    std::int64_t total = 0;
    std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(seen_products, (), (products, total, next_cursor))
struct own_token {
    std::string id, token;
};
BOOST_DESCRIBE_STRUCT(own_token, (), (id, token))

constexpr std::string_view address_json =
    R"({"street":"1 Stoa Way","city":"Athens","country":"GR"})";

std::string now_text() {
    const auto now = std::chrono::duration_cast<microseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    return rfc3339({now.count()});
}

// Nothing where the shop does not answer, as it may be going.
std::optional<seen_products> look(http::blocking_client& at, const std::string& query) {
    const auto shelf = at.call("GET", "/api/v1/products?" + query);
    if (!shelf || shelf->status != 200) return {};
    auto seen = from_json<seen_products>(shelf->body);
    if (!seen) return {};
    return *std::move(seen);
}

class customer {
 public:
    customer(const std::string& address, std::mt19937& chance)
        : client_(address, ""), address_(address), chance_(chance) {}

    // One visit; anything that goes wrong ends it, as it would a person's.
    void visit() {
        if (!arrive()) return;
        auto seen = shelf(below(30));
        if (seen && seen->products.empty() && seen->total > 0)  // fewer than that are left
            seen = shelf(below(static_cast<unsigned>(std::min<std::int64_t>(seen->total, 30))));
        if (!seen || seen->products.empty()) return;
        const auto looks = 1 + below(4);
        for (unsigned i = 0; i < looks; ++i)
            look_at(seen->products[below(static_cast<unsigned>(seen->products.size()))]);
        if (in_cart_ > 0 && below(10) < 7) buy();
    }

 private:
    unsigned below(unsigned n) { return static_cast<unsigned>(chance_() % n); }

    std::optional<seen_products> shelf(unsigned skip) {
        return look(client_, "in_stock=true&limit=20&skip=" + std::to_string(skip));
    }
    bool arrive() {
        const auto made = client_.call("POST", "/api/v1/auth/guest", "{}");
        if (!made || made->status != 201) return false;
        auto me = from_json<own_token>(made->body);
        if (!me) return false;
        me_ = *std::move(me);
        own_ = std::make_unique<http::blocking_client>(address_, me_.token);
        return true;
    }
    void look_at(const seen_product& product) {
        (void)client_.call("GET", "/api/v1/products/" + product.id);
        tell("VIEW_PRODUCT", product);
        if (below(2) != 0) return;
        const auto added = own_->call("POST", "/api/v1/cart/items",
                                      R"({"product_id":")" + product.id + R"(","quantity":1})");
        if (!added || added->status >= 300) return;  // somebody took the last one
        ++in_cart_;
        tell("ADD_TO_CART", product);
    }
    // What the pages of a browser tell of a visit.
    void tell(std::string_view event_type, const seen_product& product) {
        (void)client_.call("POST", "/api/v1/events",
                           R"({"user_id":")" + me_.id + R"(","product_id":")" + product.id +
                               R"(","event_type":")" + std::string(event_type) +
                               R"(","timestamp":")" + now_text() +
                               R"(","metadata":{"session_id":")" + me_.id.substr(0, 8) + R"("}})");
    }
    void buy() {
        static constexpr std::string_view methods[] = {"credit_card", "credit_card", "credit_card",
                                                       "paypal", "tok_declined"};
        (void)own_->call("POST", "/api/v1/cart/checkout",
                         R"({"payment_method":")" + std::string(methods[below(5)]) +
                             R"(","shipping_address":)" + std::string(address_json) + "}");
    }

    http::blocking_client client_;
    std::unique_ptr<http::blocking_client> own_;
    std::string address_;
    std::mt19937& chance_;
    own_token me_;
    int in_cart_ = 0;
};

// Who runs the shop: what is nearly sold out gets a delivery, booked as every operator books one.
class storekeeper {
 public:
    storekeeper(const std::string& address, const std::string& token) : shop_(address, token) {}

    // The whole catalogue, or as much of a large one as a look takes.
    void round() {
        for (int page = 0; page < 20; ++page) {
            const auto seen = look(shop_, "limit=100" + (cursor_ ? "&cursor=" + *cursor_ : ""));
            if (!seen) break;
            for (const auto& each : seen->products)
                if (each.stock <= low && !receive(each)) return;
            cursor_ = seen->next_cursor;
            if (!cursor_) return;
        }
    }

 private:
    static constexpr std::int64_t low = 3, delivery = 40;  // units

    bool receive(const seen_product& product) {
        const auto booked = shop_.call("POST", "/api/v1/products/" + product.id + "/stock",
                                       R"({"delta":)" + std::to_string(delivery) +
                                           R"(,"reference":"delivery )" + now_text() + R"("})");
        if (booked && booked->status < 300) return true;
        if (booked && booked->status == 404) return true;  // it left the catalogue meanwhile
        if (booked && !std::exchange(told_, true))
            log_warning("shoppers_find_no_storekeeper", {{"status", booked->status}});
        return false;
    }

    http::blocking_client shop_;
    std::optional<std::string> cursor_;
    bool told_ = false;
};

}  // namespace

shoppers::shoppers(std::string address, std::string operator_token, int count)
    : address_(std::move(address)), operator_token_(std::move(operator_token)) {
    threads_.emplace_back([this] { keep_store(); });
    const int threads = std::min(count, 8);
    for (int i = 0; i < threads; ++i) {
        const int share = count / threads + (i < count % threads);
        threads_.emplace_back([this, i, share] { walk(static_cast<unsigned>(i) + 1, share); });
    }
}

shoppers::~shoppers() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    stop_.notify_all();
}

bool shoppers::pause(double how_long_s) {
    std::unique_lock lock(mutex_);
    return !stop_.wait_for(lock, std::chrono::duration<double>(how_long_s),
                           [this] { return stopping_; });
}

void shoppers::keep_store() {
    storekeeper one(address_, operator_token_);
    do one.round();
    while (pause(3.0));
}

void shoppers::walk(unsigned seed, int customers) {
    std::mt19937 chance(seed);
    // Each customer visits about every three seconds.
    while (
        pause(3.0 / std::max(1, customers) * (0.5 + static_cast<double>(chance() % 1000) / 1000.0)))
        customer(address_, chance).visit();
}

}  // namespace stoa

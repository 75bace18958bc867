#include "apps/stoa/shoppers.hpp"

#include "base/json.hpp"
#include "base/time.hpp"
#include "transport/http/blocking_client.hpp"

#include <algorithm>
#include <chrono>
#include <random>

namespace stoa {
namespace {

struct seen_product {
    std::string id;
    std::int64_t stock = 0;
};
BOOST_DESCRIBE_STRUCT(seen_product, (), (id, stock))
struct seen_products {
    std::vector<seen_product> products;
};
BOOST_DESCRIBE_STRUCT(seen_products, (), (products))
struct own_token {
    std::string id, token;
};
BOOST_DESCRIBE_STRUCT(own_token, (), (id, token))

constexpr std::string_view address_json =
    R"({"street":"1 Stoa Way","city":"Athens","country":"GR"})";

class customer {
 public:
    customer(const std::string& address, std::mt19937& chance)
        : client_(address, ""), address_(address), chance_(chance) {}

    // One visit; anything that goes wrong ends it, as it would a person's.
    void visit() {
        if (!arrive()) return;
        const auto shelf = client_.call(
            "GET", "/api/v1/products?in_stock=true&limit=20&skip=" + std::to_string(below(30)));
        if (!shelf || shelf->status != 200) return;
        const auto seen = from_json<seen_products>(shelf->body);
        if (!seen || seen->products.empty()) return;
        const auto looks = 1 + below(4);
        for (unsigned i = 0; i < looks; ++i)
            look_at(seen->products[below(static_cast<unsigned>(seen->products.size()))]);
        if (below(10) < 7) buy();
    }

 private:
    unsigned below(unsigned n) { return static_cast<unsigned>(chance_() % n); }

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
        if (below(2) != 0 || product.stock <= 3) return;
        (void)own_->call("POST", "/api/v1/cart/items",
                         R"({"product_id":")" + product.id + R"(","quantity":1})");
        tell("ADD_TO_CART", product);
    }
    // What the pages of a browser tell of a visit.
    void tell(std::string_view event_type, const seen_product& product) {
        const auto now = std::chrono::duration_cast<microseconds>(
            std::chrono::system_clock::now().time_since_epoch());
        (void)client_.call("POST", "/api/v1/events",
                           R"({"user_id":")" + me_.id + R"(","product_id":")" + product.id +
                               R"(","event_type":")" + std::string(event_type) +
                               R"(","timestamp":")" + rfc3339({now.count()}) +
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
};

}  // namespace

shoppers::shoppers(std::string address, int count) : address_(std::move(address)) {
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

void shoppers::walk(unsigned seed, int customers) {
    std::mt19937 chance(seed);
    // Each customer visits about every three seconds.
    while (
        pause(3.0 / std::max(1, customers) * (0.5 + static_cast<double>(chance() % 1000) / 1000.0)))
        customer(address_, chance).visit();
}

}  // namespace stoa

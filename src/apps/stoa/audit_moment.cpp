#include "apps/stoa/audit_moment.hpp"

#include <future>

namespace stoa {
namespace {

class moment_job final : public sql_job {
 public:
    moment_job(sqlite_shop& store, sqlite_shop& provider, std::promise<result<shop_moment>> told)
        : store_(store), provider_(provider), told_(std::move(told)) {}

    bool run(transaction&) override {
        out_ = take();
        return out_.has_value();
    }
    void reject(error why) override { out_ = std::unexpected(std::move(why)); }
    void complete() override { told_.set_value(std::move(out_)); }

 private:
    // This connection's own transaction has not been committed: nobody was told of it yet, and the
    // snapshot does not see it.
    result<shop_moment> take() {
        shop_moment out;
        STOA_TRY(out.shop, store_.snapshot());
        STOA_TRY(out.provider, provider_.snapshot());
        return out;
    }

    sqlite_shop& store_;
    sqlite_shop& provider_;
    std::promise<result<shop_moment>> told_;
    result<shop_moment> out_ = fail(errc::internal, "no_moment");
};

}  // namespace

result<shop_moment> take_moment(sqlite_shop& store, sqlite_shop& provider) {
    std::promise<result<shop_moment>> told;
    auto answer = told.get_future();
    store.database().submit(std::make_unique<moment_job>(store, provider, std::move(told)));
    return answer.get();
}

}  // namespace stoa

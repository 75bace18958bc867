#include "adapters/sqlite/sqlite_shop.hpp"

#include "runtime/crash_point.hpp"

#include <filesystem>

namespace stoa {

result<std::unique_ptr<sqlite_shop>> sqlite_shop::open(const sqlite_options& options, clock& time) {
    STOA_TRY(auto lock, directory_lock::take(options.directory));
    const auto path = options.directory + "/shop.db";
    std::unique_ptr<sqlite_shop> shop(new sqlite_shop(std::move(lock)));
    std::unique_ptr<sqlite_connection> db;
    try {
        db = std::make_unique<sqlite_connection>(path, sqlite_connection::mode::write, options.vfs);
    } catch (const sql_failure& failure) {
        auto why = failure.why;
        why.detail = path + " cannot be opened: " + why.detail;
        return fail(std::move(why));
    }
    STOA_TRY_VOID(migrate(*db, options.migrations, time.now()));
    STOA_TRY_VOID(shop->schema_.open(*db, options.tables));
    crash_point("tables_made");
    STOA_TRY_VOID(shop->state_.open(*db, options.topics));
    crash_point("topics_declared");

    shop->path_ = path;
    shop->vfs_ = options.vfs;
    shop->shop_currency_ = options.shop_currency;
    shop->readers_ = std::make_unique<sqlite_readers>(path, options.vfs);
    shop->writer_ = std::make_unique<sqlite_writer>(std::move(db), shop->state_, time,
                                                    options.shop_currency, options.queue_limit);
    shop->sql_ =
        std::make_unique<sqlite_sql>(*shop->writer_, *shop->readers_, options.shop_currency);
    shop->key_value_ =
        std::make_unique<sqlite_key_value>(*shop->sql_, *shop->readers_, shop->schema_);
    shop->log_ = std::make_unique<sqlite_event_log>(*shop->sql_, *shop->readers_, shop->state_);
    return shop;
}

result<std::unique_ptr<sqlite_snapshot>> sqlite_shop::snapshot() {
    try {
        auto db = std::make_unique<sqlite_connection>(path_, sqlite_connection::mode::read, vfs_);
        return std::unique_ptr<sqlite_snapshot>(new sqlite_snapshot(std::move(db), schema_));
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
}

task<result<void>> sqlite_shop::look_for_room() {
    // Less would be gone at once: the shop would be ready, and not, and ready.
    constexpr std::uintmax_t enough_bytes = 1 << 20;
    std::error_code unknown;
    const auto space = std::filesystem::space(path_, unknown);
    if (unknown || space.available < enough_bytes)
        co_return fail(errc::storage_full, "storage_full", "no space is left for the database");
    auto probe = [](transaction& t) -> result<bool> {
        // Writes the first page as it is; nobody reads this number.
        static_cast<sqlite_transaction&>(t).db.execute("PRAGMA application_id = 0");
        return true;
    };
    STOA_CO_TRY_VOID(co_await sql_->commit(std::move(probe)));
    writer_->found_room();
    co_return result<void>{};
}

void sqlite_shop::close() {
    // The writer's connection is the last to close, so that it moves the log into the file.
    if (readers_) readers_->close();
    if (writer_) writer_->close();
}

}  // namespace stoa

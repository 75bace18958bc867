// Imports on one store by several processes: each is run by its owner, and taken up by another only
// when the owner is gone.
#include "adapters/filesystem/filesystem_blob.hpp"
#include "adapters/sqlite/sqlite_shop.hpp"
#include "adapters/system/system_clock.hpp"
#include "embedded/product_migrations.hpp"
#include "services/product/catalogue_import.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

using products::catalogue_import;
using products::import_status;

class imports_of_processes : public ::testing::Test {
 protected:
    // The product service of one process, as far as imports need it.
    struct process {
        process(imports_of_processes& in, std::string name, bool sole)
            : background(in.io.on()),
              service({in.store->database(), index, board, in.time, in.random},
                      {.shop_currency = {{'E', 'U', 'R'}}}),
              imports({in.store->database(),
                       *in.blobs,
                       service,
                       in.time,
                       in.random,
                       background,
                       {{'E', 'U', 'R'}},
                       std::move(name),
                       0,
                       sole}) {}
        supervisor background;
        products::catalogue_index index;
        products::change_board board;
        products::product_service service;
        catalogue_import imports;
    };

    imports_of_processes() {
        sqlite_options options{.directory = directory / "data"};
        sql_component product{"product", {}};
        for (const auto& file : embedded::product_migrations())
            product.steps.push_back({std::string(file.name), std::string(file.content)});
        options.migrations = {product};
        for (const auto name : {products::topic::deleted, products::topic::changed,
                                products::topic::images_processed})
            options.topics.push_back({.name = name});
        store = *sqlite_shop::open(options, time);
        blobs = *filesystem_blob::open(directory / "blobs", files);
    }
    ~imports_of_processes() override {
        for (auto& each : processes)
            io.run([&]() -> task<void> { co_await each->background.stop(); });
        store->close();
    }
    process& start(std::string name, bool sole = false) {
        return *processes.emplace_back(std::make_unique<process>(*this, std::move(name), sole));
    }

    // As a process leaves it that was killed before its first row.
    std::string leave_behind(std::string owner, std::int64_t owned_until_s) {
        const auto id = new_id(time, random);
        const products::import_report report{
            .id = id, .created_at = time.now(), .updated_at = time.now()};
        io.run([&]() -> task<void> {
            (void)co_await blobs->put(std::string(products::imports_bucket), id + ".csv",
                                      "sku,name,price\nA-1,Cup,3.00\nA-2,Jug,9.00\n");
            auto insert = [&](transaction& t) -> result<std::int64_t> {
                return t.execute(
                    "INSERT INTO imports (id, status, report, created_at, owner, owned_until) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    id, report.status, to_json(report), report.created_at, owner, owned_until_s);
            };
            EXPECT_TRUE(co_await store->database().commit(std::move(insert)));
        });
        return id;
    }
    int sweep(process& by) {
        return io.run([&]() -> task<result<int>> { co_return co_await by.imports.sweep(); })
            .value_or(-1);
    }
    products::import_report report_of(process& by, const std::string& id) {
        return io.run([&]() -> task<products::import_report> {
            co_await by.background.idle();
            co_return *co_await by.imports.get_import({}, {id});
        });
    }
    std::int64_t now_s() { return time.now().unix_s(); }

    testing::temporary_directory directory;
    testing::test_loop io;
    testing::manual_clock time;
    system_random random;
    blocking_pool files{"files", 1, 16};
    std::unique_ptr<sqlite_shop> store;
    std::unique_ptr<filesystem_blob> blobs;
    std::vector<std::unique_ptr<process>> processes;
};

TEST_F(imports_of_processes, what_a_living_process_runs_is_left_to_it) {
    auto& other = start("two");
    const auto id = leave_behind("one:0", now_s() + 20);
    EXPECT_EQ(sweep(other), 0);
    EXPECT_EQ(report_of(other, id).status, import_status::queued);
}

TEST_F(imports_of_processes, what_a_gone_process_left_is_taken_up_once) {
    auto& other = start("two");
    auto& third = start("three");
    const auto id = leave_behind("one:0", now_s() - 1);
    EXPECT_EQ(sweep(other), 1);
    EXPECT_EQ(sweep(third), 0);
    const auto report = report_of(other, id);
    EXPECT_EQ(report.status, import_status::done);
    EXPECT_EQ(report.created, 2);
}

TEST_F(imports_of_processes, the_only_process_takes_up_at_once_and_nothing_of_its_own) {
    auto& only = start("two", true);
    const auto own = leave_behind("two:1", now_s() + 20);
    const auto id = leave_behind("one:0", now_s() + 20);
    EXPECT_EQ(sweep(only), 1);
    EXPECT_EQ(report_of(only, id).status, import_status::done);
    EXPECT_EQ(report_of(only, own).status, import_status::queued) << "another loop's";
}

}  // namespace
}  // namespace stoa

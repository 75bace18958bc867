// The import folder with the shop's own product service and files on disk; the import itself is
// scripted. What fails is tried again at doubling distances and told after the eighth attempt, a
// picture waits for the catalogue that names its product, and nothing that was dropped is lost.
#include "apps/stoa/folder_watch.hpp"

#include "adapters/filesystem/filesystem_blob.hpp"
#include "services/product/product_operations.hpp"
#include "support/manual_clock.hpp"
#include "support/product_store.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace stoa {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr currency_code eur{{'E', 'U', 'R'}};
constexpr topic_spec topics[] = {{.name = products::topic::changed, .partitions = 1},
                                 {.name = products::topic::deleted, .partitions = 1},
                                 {.name = products::topic::objects_created, .partitions = 1}};

// Writes the report as the function does, or says what `failing` says.
class scripted_import final : public functions::function {
 public:
    explicit scripted_import(blob_store& blobs) : blobs_(blobs) {}
    task<result<functions::outcome>> handle(functions::trigger what,
                                            functions::invocation) override {
        ++calls;
        const auto& record = what.records.front();
        if (failing) {
            functions::outcome out;
            out.failed.push_back({record.id, *failing});
            co_return out;
        }
        auto report = to_json(products::file_report{.status = products::file_import_status::done});
        STOA_CO_TRY_VOID(co_await blobs_.put(record.objects.front().bucket,
                                             products::report_key(record.objects.front().key),
                                             std::move(report)));
        co_return functions::outcome{};
    }
    std::optional<error> failing;
    int calls = 0;

 private:
    blob_store& blobs_;
};

class folder_watch_test : public ::testing::Test {
 protected:
    folder_watch_test() : root_(directory_.path() + "/drop") {
        shop_ = testing::open_product_store(directory_.path() + "/shop", topics, time_);
        blobs_ = filesystem_blob::open(directory_.path() + "/blobs", pool_).value();
        products_.emplace(products::product_service::needs{shop_->database(), index_, board_, time_,
                                                           random_, nullptr, &*blobs_, true},
                          products::product_settings{.shop_currency = eur});
        importing_.emplace(*blobs_);
        start();
    }
    ~folder_watch_test() override { shop_->close(); }

    void start() {
        watch_.emplace(drop_folder::open(root_.string()).value(),
                       folder_watch::needs{*products_, *importing_, *blobs_, shop_->log(), time_,
                                           random_, pool_});
    }
    void put(const std::string& name, const std::string& content) const {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name) << content;
    }
    void make(const std::string& sku) {
        products::create_product_request wanted;
        wanted.sku = sku;
        wanted.name = sku;
        wanted.price = money{100, eur};
        ASSERT_TRUE(loop_.run([&] { return products_->create_product(operator_, wanted); }));
    }
    int round() {
        return loop_.run([&] { return watch_->round(); }).value();
    }
    // Of all that lies there, without the ids in front.
    std::vector<std::string> names(const std::string& where) const {
        std::vector<std::string> out;
        for (const auto& each : fs::recursive_directory_iterator(root_ / where))
            if (each.is_regular_file()) out.push_back(each.path().filename().string().substr(37));
        std::ranges::sort(out);
        return out;
    }
    std::string report(const std::string& where) const {
        for (const auto& each : fs::directory_iterator(root_ / where))
            if (each.path().string().ends_with(".report.json")) {
                std::ifstream in(each.path());
                return {std::istreambuf_iterator<char>(in), {}};
            }
        return {};
    }
    std::string picture(const std::string& key) {
        return loop_.run([&] { return blobs_->get(std::string(products::images_bucket), key); })
            .value_or("");
    }
    std::size_t announced() {
        return loop_
            .run([&] {
                return shop_->log().read(std::string(products::topic::objects_created), 0, 0, 100);
            })
            .value()
            .size();
    }

    const request_context operator_{.caller = {.is = role::operator_}};
    testing::temporary_directory directory_;
    fs::path root_;
    testing::manual_clock time_;
    testing::seeded_random random_{11};
    testing::test_loop loop_;
    blocking_pool pool_{"files", 1, 64};
    products::catalogue_index index_;
    products::change_board board_;
    std::unique_ptr<sqlite_shop> shop_;
    std::unique_ptr<filesystem_blob> blobs_;
    std::optional<products::product_service> products_;
    std::optional<scripted_import> importing_;
    std::optional<folder_watch> watch_;
};

using names_of = std::vector<std::string>;
const std::string png = "\x89PNG\r\n\x1a\n and so on";

TEST_F(folder_watch_test, what_fails_is_tried_at_doubling_distances_and_put_aside_with_its_reason) {
    importing_->failing = error{errc::unavailable, "away", "the writer is away"};
    put("spring.csv", "sku\n");
    EXPECT_EQ(round(), 0);
    EXPECT_EQ(names("taken"), names_of{"spring.csv"});
    for (int attempt = 1; attempt <= 8; ++attempt) {
        const int finished = round();
        EXPECT_EQ(importing_->calls, attempt);
        EXPECT_EQ(finished, attempt == 8);
        const seconds distance(std::int64_t{1} << attempt);
        time_.advance(distance - seconds(1));
        round();
        EXPECT_EQ(importing_->calls, attempt) << "before its time";
        time_.advance(seconds(1));
    }
    EXPECT_EQ(names("failed"), (names_of{"spring.csv", "spring.csv.report.json"}));
    EXPECT_NE(report("failed").find("\"away\""), std::string::npos) << report("failed");
    EXPECT_EQ(names("taken"), names_of{});
}

TEST_F(folder_watch_test, a_failure_that_passes_leaves_no_trace) {
    importing_->failing = error{errc::unavailable, "away", ""};
    put("spring.csv", "sku\n");
    round();
    round();
    importing_->failing.reset();
    time_.advance(seconds(2));
    EXPECT_EQ(round(), 1);
    EXPECT_EQ(names("done"), (names_of{"spring.csv", "spring.csv.report.json"}));
}

// A directory opens for reading and cannot be read, as a file on a failing disk.
TEST_F(folder_watch_test, a_file_that_cannot_be_read_is_no_empty_file) {
    const std::string id = "0190a000-0000-7000-8000-000000000001";
    fs::create_directories(root_ / "taken" / (id + "-broken.csv"));
    for (int attempt = 1; attempt <= 8; ++attempt) {
        round();
        time_.advance(seconds(std::int64_t{1} << attempt));
    }
    EXPECT_EQ(importing_->calls, 0) << "nothing of it was imported";
    EXPECT_NE(report("failed").find("file_unreadable"), std::string::npos) << report("failed");
}

TEST_F(folder_watch_test, a_picture_waits_while_a_catalogue_is_being_taken) {
    importing_->failing = error{errc::conflict, std::string(products::import_unfinished), ""};
    put("spring.csv", "sku\n");
    put("pictures/MUG/front.png", png);
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(round(), 0);
        time_.advance(seconds(60));
    }
    EXPECT_EQ(names("taken"), (names_of{"front.png", "spring.csv"}));
    make("MUG");  // by a row of the catalogue, which goes on
    EXPECT_EQ(round(), 1);
    EXPECT_EQ(picture("originals/MUG/front.png"), png);
    EXPECT_EQ(announced(), 1u);
    EXPECT_FALSE(fs::exists(root_ / "taken" / "pictures" / "MUG"));
}

TEST_F(folder_watch_test, a_picture_waits_while_its_catalogue_is_still_being_written) {
    std::ofstream catalogue(root_ / "spring.csv");
    put("pictures/MUG/front.png", png);
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(round(), 0);
        time_.advance(seconds(60));
    }
    EXPECT_EQ(names("taken"), names_of{"front.png"});
    EXPECT_EQ(names("failed"), names_of{});
}

TEST_F(folder_watch_test, what_cannot_be_moved_stays_without_a_report_and_starves_nobody) {
    std::ofstream(root_ / "taken" / "pictures") << "in the way";
    const auto put_each = [&](const std::string& sku, int skus, int pictures) {
        for (int i = 0; i < skus * pictures; ++i)
            put("pictures/" + sku + std::to_string(i % skus) + '/' + std::to_string(i) + ".png",
                png);
    };
    const auto left = [&](const std::string& sku) {
        return std::ranges::count_if(
            fs::recursive_directory_iterator(root_ / "pictures"), [&](const auto& each) {
                return each.is_regular_file() &&
                       each.path().parent_path().filename().string().starts_with(sku);
            });
    };
    put_each("MUG", 30, 5);
    for (int i = 0; i < 12; ++i) {
        EXPECT_EQ(round(), 0);
        time_.advance(seconds(1));
    }
    fs::remove(root_ / "taken" / "pictures");
    put_each("PLATE", 20, 1);
    round();
    EXPECT_TRUE(fs::is_empty(root_ / "failed"));
    EXPECT_EQ(left("PLATE"), 0) << "the others hold them up";
    EXPECT_GT(left("MUG"), 0);
    time_.advance(minutes(5));
    round();
    round();  // a hundred each
    EXPECT_EQ(left("MUG"), 0) << "left for good";
}

TEST_F(folder_watch_test, more_pictures_than_a_product_may_have_are_put_aside) {
    make("MUG");
    for (int i = 0; i < 21; ++i) put("pictures/MUG/" + std::to_string(i) + ".png", png);
    round();
    EXPECT_EQ(round(), 21);
    EXPECT_EQ(names("done").size(), 40u);
    EXPECT_EQ(names("failed").size(), 2u);
    EXPECT_NE(report("failed").find("too_many_images"), std::string::npos) << report("failed");
}

TEST_F(folder_watch_test, a_name_that_is_no_utf_8_leaves_a_report_that_is) {
    make("MUG");
    put("pictures/MUG/\xff.png", png);
    round();
    EXPECT_EQ(round(), 1);
    EXPECT_NE(report("failed").find("\xEF\xBF\xBD.png"), std::string::npos) << report("failed");
    EXPECT_EQ(report("failed").find('\xff'), std::string::npos);
}

TEST_F(folder_watch_test, a_picture_may_come_shortly_before_its_product_and_else_is_put_aside) {
    put("pictures/MUG/front.png", png);
    round();
    EXPECT_EQ(round(), 0);
    make("MUG");
    time_.advance(seconds(2));
    EXPECT_EQ(round(), 1);
    put("pictures/NONE/front.png", png);
    round();
    for (const int wait : {2, 4, 0}) {
        round();
        time_.advance(seconds(wait));
    }
    EXPECT_NE(report("failed").find("product_not_found"), std::string::npos) << report("failed");
}

TEST_F(folder_watch_test,
       of_two_pictures_of_one_name_the_later_counts_also_where_the_first_failed) {
    put("pictures/MUG/front.png", png + "1");
    round();
    round();  // there is no such product yet: tried again later
    put("pictures/MUG/front.png", png + "2");
    make("MUG");
    round();  // the second is taken, and waits behind the first
    EXPECT_EQ(round(), 0);
    time_.advance(seconds(2));
    EXPECT_EQ(round(), 1);
    EXPECT_EQ(picture("originals/MUG/front.png"), png + "1");
    EXPECT_EQ(round(), 1);
    EXPECT_EQ(picture("originals/MUG/front.png"), png + "2");
    EXPECT_EQ(names("done").size(), 4u);
}

TEST_F(folder_watch_test, a_shop_that_starts_again_goes_on_with_what_was_taken) {
    make("MUG");
    put("spring.csv", "sku\n");
    put("pictures/MUG/front.png", png);
    round();
    start();
    EXPECT_EQ(round(), 2);
    EXPECT_EQ(names("done").size(), 4u);
}

}  // namespace
}  // namespace stoa

// Pictures of products on the embedded engines, with the function that makes their sizes: whatever
// comes twice, late or not at all, a product shows what its originals say.
#include "services/product/product_operations.hpp"

#include "adapters/filesystem/filesystem_blob.hpp"
#include "base/json.hpp"
#include "base/problem.hpp"
#include "ports/blob_objects.hpp"
#include "services/product/image_resize_function.hpp"
#include "support/manual_clock.hpp"
#include "support/product_store.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace stoa::products {
namespace {

constexpr currency_code eur{{'E', 'U', 'R'}};
constexpr topic_spec topics[] = {{.name = topic::changed, .partitions = 1},
                                 {.name = topic::deleted, .partitions = 1},
                                 {.name = topic::objects_created, .partitions = 1},
                                 {.name = topic::images_processed, .partitions = 1}};

// Sizes of a picture whose bytes say how wide it is; the engine itself has its own tests.
class scripted_renderer final : public picture_renderer {
 public:
    task<result<rendered_picture>> render(std::string original, std::vector<int> sizes) override {
        ++rendered;
        if (away) co_return fail(errc::unavailable, "picture_worker_failed", "away");
        if (original == "broken") co_return fail(errc::invalid, "picture_broken", "cut off");
        rendered_picture out{.content_type = "image/png", .width = 1'000, .height = 500};
        for (const int px : sizes)
            for (const auto format : {picture_format::jpeg, picture_format::webp})
                out.renditions.push_back({format, px, px, px / 2, original + std::to_string(px)});
        co_return out;
    }
    int rendered = 0;
    bool away = false;
};

class product_images : public ::testing::Test {
 protected:
    product_images() {
        shop_ = testing::open_product_store(directory_.path() + "/shop", topics, time_);
        blobs_ = filesystem_blob::open(directory_.path() + "/blobs", pool_).value();
        objects_.emplace(*blobs_);
        products_.emplace(product_service::needs{shop_->database(), index_, board_, time_, random_,
                                                 nullptr, &*blobs_, true},
                          product_settings{.shop_currency = eur});
        published_.emplace(shop_->log());
        resize_.emplace(image_resize_function::needs{*objects_, renderer_, *published_, time_,
                                                     random_, measured_});
        id_ = make("jug");
    }
    ~product_images() override { shop_->close(); }

    std::string make(const std::string& sku) {
        create_product_request wanted;
        wanted.sku = sku;
        wanted.name = "A jug";
        wanted.price = money{100, eur};
        return loop_.run([&] { return products_->create_product(operator_, wanted); }).value().id;
    }
    // As the upload's page does it.
    result<product_image> upload(std::string bytes) {
        return loop_.run([&]() -> task<result<product_image>> {
            STOA_CO_TRY(const auto image, co_await products_->begin_image(operator_, id_));
            STOA_CO_TRY(auto stored, co_await blobs_->put(std::string(images_bucket),
                                                          product_service::original_key(id_, image),
                                                          std::move(bytes)));
            co_return co_await products_->finish_image(operator_, id_, image, std::move(stored));
        });
    }
    std::vector<delivery> events(std::string_view of, std::string group) {
        auto all = loop_.run([&] { return shop_->log().read(std::string(of), 0, 0, 100); }).value();
        for (auto& each : all) each.group = group;
        return all;
    }
    // As a bucket tells it.
    void appear(std::string key, std::string sequencer) {
        const std::string bucket(images_bucket);
        const auto stored = loop_.run([&] { return blobs_->put(bucket, key, key + sequencer); });
        functions::trigger what{.from = functions::event_source::s3};
        what.records.push_back(
            {.id = "r",
             .objects = {{.bucket = bucket, .key = std::move(key), .sequencer = sequencer}}});
        EXPECT_TRUE(loop_.run([&] { return resize_->handle(what, {}); })->failed.empty());
    }
    // Every announcement that there ever was, and every answer, each `times`.
    void settle(int times = 1) {
        for (const auto& each : events(topic::objects_created, "image-resize"))
            for (int i = 0; i < times; ++i)
                ASSERT_TRUE(loop_.run([&] {
                    return resize_->on_object_created(
                        each, from_json<object_announced>(each.message.payload).value());
                }));
        for (const auto& each : events(topic::images_processed, "product"))
            for (int i = 0; i < times; ++i) ASSERT_TRUE(apply(each));
    }
    result<void> apply(const delivery& each) {
        return loop_.run([&] {
            return products_->on_image_processed(
                each, from_json<image_processed>(each.message.payload).value());
        });
    }
    result<void> told_by_hand(image_processed told, std::string event_id) {
        delivery out{.group = "product",
                     .offset = next_offset_++,
                     .message = {.topic = std::string(topic::images_processed),
                                 .key = told.folder,
                                 .id = std::move(event_id)}};
        return loop_.run([&] { return products_->on_image_processed(out, told); });
    }
    std::vector<product_image> shown() {
        return loop_.run([&] { return products_->get_product(operator_, {id_}); }).value().images;
    }
    std::vector<std::string> ids() {
        std::vector<std::string> out;
        for (const auto& each : shown()) out.push_back(each.id);
        return out;
    }
    std::vector<std::string> files() {
        std::vector<std::string> out;
        for (const auto* prefix : {"originals/", "variants/"})
            for (const auto& each :
                 loop_.run([&] { return blobs_->list(std::string(images_bucket), prefix); })
                     .value())
                out.push_back(each.key);
        return out;
    }
    int sweep(bool all = false) {
        return loop_.run([&] { return products_->sweep_images(all); }).value();
    }
    std::int64_t version() {
        return loop_.run([&] { return products_->get_product(operator_, {id_}); }).value().version;
    }

    testing::temporary_directory directory_;
    testing::manual_clock time_;
    testing::seeded_random random_{7};
    testing::test_loop loop_;
    blocking_pool pool_{"files", 1, 64};
    metrics measured_;
    catalogue_index index_;
    change_board board_;
    scripted_renderer renderer_;
    std::unique_ptr<sqlite_shop> shop_;
    std::unique_ptr<filesystem_blob> blobs_;
    std::optional<blob_objects> objects_;
    std::optional<log_publisher> published_;
    std::optional<product_service> products_;
    std::optional<image_resize_function> resize_;
    request_context operator_{.caller = {.is = role::operator_}};
    std::string id_;
    std::int64_t next_offset_ = 1'000;
};

TEST_F(product_images, an_upload_is_shown_at_once_and_with_its_sizes_when_they_are_made) {
    const auto made = upload("wide");
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->status, image_status::processing);
    ASSERT_EQ(shown().size(), 1u);
    EXPECT_TRUE(shown().front().variants.empty());
    settle();
    const auto ready = shown().front();
    EXPECT_EQ(ready.status, image_status::ready);
    EXPECT_EQ(ready.width, 1'000);
    ASSERT_EQ(ready.variants.size(), 6u);
    EXPECT_EQ(ready.variants[5].size, 800);
    EXPECT_EQ(ready.variants[5].content_type, "image/webp");
    const auto url = ready.variants[5].url;
    ASSERT_TRUE(url.starts_with(std::string(pictures_path) + id_ + '/' + made->id + "/800-"))
        << url;
    const auto key = "variants/" + url.substr(pictures_path.size());
    EXPECT_EQ(loop_.run([&] { return blobs_->get(std::string(images_bucket), key); }), "wide800");
}

TEST_F(product_images, what_is_told_three_times_changes_nothing_more) {
    ASSERT_TRUE(upload("wide"));
    settle(3);
    const auto once = shown();
    const auto files_once = files();
    const auto before = version();
    settle(3);
    EXPECT_EQ(to_json(image_list{shown()}), to_json(image_list{once}));
    EXPECT_EQ(version(), before);
    EXPECT_EQ(files(), files_once);
    EXPECT_EQ(files().size(), 7u);
}

TEST_F(product_images, a_picture_that_cannot_be_shown_says_why) {
    ASSERT_TRUE(upload("broken"));
    settle();
    ASSERT_EQ(shown().size(), 1u);
    EXPECT_EQ(shown().front().status, image_status::refused);
    EXPECT_EQ(shown().front().problem, "cut off");
    EXPECT_TRUE(shown().front().variants.empty());
}

TEST_F(product_images, an_engine_that_is_away_is_no_verdict_on_a_picture) {
    ASSERT_TRUE(upload("wide"));
    renderer_.away = true;
    const auto told = events(topic::objects_created, "image-resize").front();
    const auto done = loop_.run([&] {
        return resize_->on_object_created(
            told, from_json<object_announced>(told.message.payload).value());
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, errc::unavailable);
    EXPECT_TRUE(events(topic::images_processed, "product").empty());
    renderer_.away = false;
    settle();
    EXPECT_EQ(shown().front().status, image_status::ready);
}

TEST_F(product_images, their_order_is_what_the_operator_says_it_is) {
    for (const auto* each : {"a", "b", "c"}) ASSERT_TRUE(upload(each));
    settle();
    auto wanted = ids();
    std::ranges::reverse(wanted);
    const auto put = [&](std::vector<std::string> order) {
        return loop_.run([&] { return products_->order_images(operator_, {id_, order}); });
    };
    ASSERT_TRUE(put(wanted));
    EXPECT_EQ(ids(), wanted);
    for (auto wrong :
         {std::vector{wanted[0], wanted[1]}, std::vector{wanted[0], wanted[0], wanted[1]},
          std::vector{wanted[0], wanted[1], std::string("other")}}) {
        const auto refused = put(wrong);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, errc::invalid);
        ASSERT_EQ(refused.error().errors.size(), 1u);
        EXPECT_EQ(refused.error().errors[0].code, "not_all");
    }
    EXPECT_EQ(ids(), wanted);
}

TEST_F(product_images, a_deleted_picture_leaves_no_file_and_no_late_event_brings_it_back) {
    const auto made = upload("wide").value();
    ASSERT_TRUE(upload("other"));
    settle();
    const auto late = events(topic::images_processed, "product").front();
    ASSERT_EQ(from_json<image_processed>(late.message.payload)->image, made.id);
    const auto remove = [&] {
        return loop_.run([&] { return products_->delete_image(operator_, {id_, made.id}); });
    };
    ASSERT_TRUE(remove());
    EXPECT_EQ(shown().size(), 1u);
    EXPECT_EQ(remove().error().code, "image_not_found");
    EXPECT_EQ(sweep(), 1);
    EXPECT_EQ(files().size(), 7u);  // those of the other
    // Its sizes were being made while it was deleted: written again, and told of under another id.
    ASSERT_TRUE(loop_.run([&] {
        return blobs_->put(std::string(images_bucket), "variants/" + id_ + '/' + made.id + "/x.jpg",
                           "late");
    }));
    ASSERT_TRUE(told_by_hand(from_json<image_processed>(late.message.payload).value(), "another"));
    EXPECT_EQ(shown().size(), 1u);
    EXPECT_EQ(sweep(), 1);
    EXPECT_EQ(files().size(), 7u);
    time_.advance(hours(24 * 16));
    EXPECT_EQ(sweep(), 1);  // its row
    EXPECT_EQ(sweep(), 0);
}

TEST_F(product_images, an_upload_that_nobody_finished_is_finished_or_forgotten) {
    const auto begin = [&] {
        return loop_.run([&] { return products_->begin_image(operator_, id_); }).value();
    };
    const auto whole = begin();
    const auto lost = begin();
    ASSERT_TRUE(loop_.run([&] {
        return blobs_->put(std::string(images_bucket), product_service::original_key(id_, whole),
                           "wide");
    }));
    EXPECT_TRUE(shown().empty());
    EXPECT_EQ(sweep(), 0) << "somebody may still be sending";
    EXPECT_EQ(sweep(true), 2) << "a process that has just started knows that nobody is";
    EXPECT_EQ(ids(), std::vector{whole});
    settle();
    EXPECT_EQ(shown().front().status, image_status::ready);
    const auto late = loop_.run(
        [&] { return products_->finish_image(operator_, id_, lost, {.key = "k", .etag = "e"}); });
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, "image_not_found");
    begin();
    EXPECT_EQ(sweep(), 0);
    time_.advance(minutes(11));
    EXPECT_EQ(sweep(), 1);
}

TEST_F(product_images, a_product_has_no_more_pictures_than_the_limit) {
    for (std::size_t i = 0; i < most_images; ++i) ASSERT_TRUE(upload("p"));
    const auto refused = upload("one too many");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "too_many_images");
    EXPECT_EQ(refused.error().kind, errc::conflict);
    ASSERT_TRUE(
        loop_.run([&] { return products_->delete_image(operator_, {id_, ids().front()}); }));
    EXPECT_TRUE(upload("again"));
}

TEST_F(product_images, there_are_none_of_a_product_that_is_not_sold) {
    for (const auto* each : {"nothing", "00000000-0000-7000-8000-000000000000"}) {
        const auto refused = loop_.run([&] { return products_->begin_image(operator_, each); });
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, "product_not_found");
    }
}

// An original that was put into the bucket by other means than an upload, by the product's sku.
TEST_F(product_images, an_original_in_the_bucket_becomes_a_picture_of_the_product_with_that_sku) {
    appear("originals/jug/front.jpg", "0A");
    appear("originals/unknown/front.jpg", "0A");
    for (const auto* each : {"originals/jug", "originals/jug/a/b.jpg", "originals/jug/a b.jpg",
                             "originals/jug/.hidden", "other/jug/front.jpg"})
        appear(each, "0A");
    EXPECT_EQ(renderer_.rendered, 2);
    settle();
    ASSERT_EQ(ids(), std::vector{std::string("front.jpg")});
    const auto first = shown().front().variants.front().url;

    // Replaced: other addresses, since those that are out there are kept for ever.
    appear("originals/jug/front.jpg", "0B");
    settle();
    EXPECT_EQ(shown().size(), 1u);
    EXPECT_NE(shown().front().variants.front().url, first);
    // And what is older comes too late.
    image_processed stale{.folder = "jug", .image = "front.jpg", .sequencer = "0A"};
    ASSERT_TRUE(told_by_hand(stale, "stale"));
    EXPECT_EQ(shown().front().status, image_status::ready);
}

TEST_F(product_images,
       an_original_under_the_name_of_a_deleted_picture_is_shown_and_late_ones_are_not) {
    const auto remove = [&] {
        ASSERT_TRUE(
            loop_.run([&] { return products_->delete_image(operator_, {id_, "front.jpg"}); }));
    };
    appear("originals/jug/front.jpg", "0A");
    settle();
    const auto first =
        from_json<image_processed>(events(topic::images_processed, "p").front().message.payload)
            .value();
    remove();
    ASSERT_TRUE(told_by_hand(first, "late"));
    EXPECT_TRUE(shown().empty());
    appear("originals/jug/front.jpg", "0B");
    EXPECT_EQ(sweep(), 1);  // finds another original there than the one that was deleted
    settle();
    ASSERT_EQ(ids(), std::vector{std::string("front.jpg")});
    EXPECT_EQ(shown().front().status, image_status::ready);
    ASSERT_TRUE(told_by_hand(first, "later still"));
    EXPECT_EQ(shown().size(), 1u);

    // And by the folder, also the same bytes again.
    remove();
    EXPECT_EQ(sweep(), 1);
    EXPECT_TRUE(files().empty());
    ASSERT_TRUE(loop_.run([&] { return products_->expect_original("jug", "front.jpg", "0C"); }));
    ASSERT_TRUE(told_by_hand(first, "much later"));
    EXPECT_TRUE(shown().empty());
    appear("originals/jug/front.jpg", "0C");
    settle();
    EXPECT_EQ(shown().size(), 1u);
    EXPECT_EQ(sweep(true), 0);
    EXPECT_EQ(files().size(), 7u);
}

TEST_F(product_images, the_limit_holds_for_what_lies_in_the_bucket_and_counts_no_deleted_ones) {
    for (std::size_t i = 0; i < most_images; ++i) ASSERT_TRUE(upload("p"));
    EXPECT_EQ(
        loop_.run([&] { return products_->expect_original("jug", "a.jpg", "0A"); }).error().code,
        "too_many_images");
    settle();
    const auto before = files().size();
    appear("originals/jug/front.jpg", "0A");
    settle();
    EXPECT_EQ(shown().size(), most_images);
    EXPECT_EQ(sweep(), 1);
    EXPECT_EQ(files().size(), before) << "files of a picture that nobody sees";
    ASSERT_TRUE(
        loop_.run([&] { return products_->delete_image(operator_, {id_, ids().front()}); }));
    appear("originals/jug/front.jpg", "0B");
    settle();
    EXPECT_EQ(ids().back(), "front.jpg");
    EXPECT_EQ(shown().back().status, image_status::ready);
}

TEST_F(product_images, what_is_expected_and_does_not_come_is_forgotten) {
    EXPECT_EQ(
        loop_.run([&] { return products_->expect_original("cup", "a.jpg", "0A"); }).error().code,
        "product_not_found");
    ASSERT_TRUE(loop_.run([&] { return products_->expect_original("jug", "a.jpg", "0A"); }));
    EXPECT_EQ(sweep(), 0);
    time_.advance(minutes(11));
    EXPECT_EQ(sweep(), 1);
    EXPECT_EQ(sweep(true), 0);
    // Its original came, and nobody told of it: it is a picture all the same.
    ASSERT_TRUE(loop_.run([&] { return products_->expect_original("jug", "b.jpg", "0B"); }));
    ASSERT_TRUE(loop_.run(
        [&] { return blobs_->put(std::string(images_bucket), "originals/jug/b.jpg", "wide"); }));
    EXPECT_EQ(sweep(true), 1);
    settle();
    EXPECT_EQ(ids(), std::vector{std::string("b.jpg")});
    EXPECT_EQ(shown().front().status, image_status::ready);
}

TEST_F(product_images, an_original_of_too_many_bytes_is_refused_unrendered) {
    const std::string bucket(images_bucket);
    ASSERT_TRUE(loop_.run([&] {
        return blobs_->put(bucket, "originals/jug/huge",
                           std::string(picture_limits{}.bytes + 1, 'x'));
    }));
    functions::trigger what{.from = functions::event_source::s3};
    what.records.push_back(
        {.id = "r", .objects = {{.bucket = bucket, .key = "originals/jug/huge"}}});
    EXPECT_TRUE(loop_.run([&] { return resize_->handle(what, {}); })->failed.empty());
    settle();
    EXPECT_EQ(renderer_.rendered, 0);
    ASSERT_EQ(shown().size(), 1u);
    EXPECT_EQ(shown().front().status, image_status::refused);
    EXPECT_NE(shown().front().problem->find("at most 20971520"), std::string::npos);
}

}  // namespace
}  // namespace stoa::products

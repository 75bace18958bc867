#include "adapters/filesystem/filesystem_blob.hpp"

#include "adapters/filesystem/files.hpp"

namespace stoa {
namespace {

// The chunk that is being written lives in the job: the upload is shared with it, since a waiter
// may be gone.
class file_writer final : public blob_writer {
 public:
    file_writer(std::shared_ptr<files::upload> to, blocking_pool& pool)
        : to_(std::move(to)), pool_(pool) {}

    task<result<void>> append(std::string chunk) override {
        auto work = [to = to_, chunk = std::move(chunk)] { return to->append(chunk); };
        co_return co_await offload(pool_, std::move(work));
    }
    task<result<blob_info>> finish() override {
        auto work = [to = to_] { return to->finish(); };
        co_return co_await offload(pool_, std::move(work));
    }

 private:
    std::shared_ptr<files::upload> to_;
    blocking_pool& pool_;
};

class file_reader final : public blob_reader {
 public:
    file_reader(std::shared_ptr<files::open_file> from, blocking_pool& pool)
        : from_(std::move(from)), pool_(pool) {}

    task<result<std::string>> read(std::size_t max_bytes) override {
        auto work = [from = from_, max_bytes] { return from->read(max_bytes); };
        co_return co_await offload(pool_, std::move(work));
    }
    std::int64_t size_bytes() const override { return from_->size_bytes(); }

 private:
    std::shared_ptr<files::open_file> from_;
    blocking_pool& pool_;
};

}  // namespace

result<std::unique_ptr<filesystem_blob>> filesystem_blob::open(std::string root,
                                                               blocking_pool& pool,
                                                               std::shared_ptr<files::disk> on) {
    auto volume = std::make_shared<files::volume>(std::move(on));
    STOA_TRY_VOID(files::prepare(root, *volume));
    return std::unique_ptr<filesystem_blob>(
        new filesystem_blob(std::move(root), pool, std::move(volume)));
}

task<result<blob_info>> filesystem_blob::put(std::string bucket, std::string key,
                                             std::string content) {
    STOA_CO_TRY(auto where, files::place_of(root_, std::move(bucket), std::move(key)));
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>,
                                            void(result<blob_info>)>(
        [puts = puts_](auto handler, files::place to, std::string bytes) {
            auto busy = asio::make_work_guard(asio::get_associated_executor(handler));
            // The guard leaves with the handler: when the put dies, on the pool's thread, the loop
            // may be gone.
            auto done = [h = std::move(handler),
                         keep = std::move(busy)](result<blob_info> outcome) mutable {
                const auto loop_of = keep.get_executor();
                asio::post(loop_of, [h = std::move(h), keep = std::move(keep),
                                     o = std::move(outcome)]() mutable { h(std::move(o)); });
            };
            puts->add({std::move(to), std::move(bytes), std::move(done)});
        },
        use_task, std::move(where), std::move(content));
}

task<result<std::string>> filesystem_blob::get(std::string bucket, std::string key) {
    STOA_CO_TRY(auto where, files::place_of(root_, std::move(bucket), std::move(key)));
    auto work = [where = std::move(where)] { return files::read_all(where); };
    co_return co_await offload(pool_, std::move(work));
}

task<result<std::unique_ptr<blob_writer>>> filesystem_blob::create(std::string bucket,
                                                                   std::string key) {
    STOA_CO_TRY(auto where, files::place_of(root_, std::move(bucket), std::move(key)));
    auto work = [where = std::move(where), volume = volume_] {
        return files::upload::begin(where, volume);
    };
    STOA_CO_TRY(auto begun, co_await offload(pool_, std::move(work)));
    co_return std::make_unique<file_writer>(std::move(begun), pool_);
}

task<result<std::unique_ptr<blob_reader>>> filesystem_blob::open(std::string bucket,
                                                                 std::string key) {
    STOA_CO_TRY(auto where, files::place_of(root_, std::move(bucket), std::move(key)));
    auto work = [where = std::move(where)] { return files::open_file::open(where); };
    STOA_CO_TRY(auto opened, co_await offload(pool_, std::move(work)));
    co_return std::make_unique<file_reader>(std::move(opened), pool_);
}

task<result<std::vector<blob_info>>> filesystem_blob::list(std::string bucket, std::string prefix) {
    STOA_CO_TRY_VOID(files::check_bucket(bucket));
    auto work = [root = root_, bucket = std::move(bucket), prefix = std::move(prefix)] {
        return files::list(root, bucket, prefix);
    };
    co_return co_await offload(pool_, std::move(work));
}

task<result<void>> filesystem_blob::erase(std::string bucket, std::string key) {
    STOA_CO_TRY(auto where, files::place_of(root_, std::move(bucket), std::move(key)));
    auto work = [where = std::move(where), volume = volume_] {
        return files::erase(where, *volume);
    };
    co_return co_await offload(pool_, std::move(work));
}

}  // namespace stoa

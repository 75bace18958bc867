// Imports and pictures by dropping files into a folder (the setting import_folder): *.csv in it are
// imported, and pictures/<sku>/<name> become pictures of that product. It is to the embedded shop
// what the notifications of a bucket are on AWS: the same functions are called.
#pragma once

#include "apps/stoa/drop_folder.hpp"
#include "ports/blob.hpp"
#include "ports/clock.hpp"
#include "ports/event_log.hpp"
#include "runtime/blocking_pool.hpp"
#include "services/product/product_import_function.hpp"
#include "services/product/product_service.hpp"

#include <map>

namespace stoa {

// Of the embedded shop. Thread rule: one loop. A file is moved step by step, and each step may be
// repeated: killed anywhere, the shop goes on where it was. What fails for a passing reason is
// tried again, later each time, and is put into failed/ with its reason after the eighth; rows that
// the shop cannot take now are tried until it can. What cannot be taken at all stays where it lies,
// is told in the log and tried again every four minutes. A picture waits for its product while a
// catalogue is being written or taken, and is looked at three times (14 s) where there is none.
class folder_watch {
 public:
    struct needs {
        products::product_service& products;
        functions::function& importing;
        blob_store& blobs;
        event_log& log;
        clock& time;
        random_source& random;
        blocking_pool& files;
    };
    folder_watch(drop_folder folder, needs ports) : folder_(std::move(folder)), ports_(ports) {}

    // Looks once, and returns how many files were finished.
    task<result<int>> round();

 private:
    struct attempts {
        int made = 0;
        instant next{};
    };
    task<result<void>> take(drop_folder::waiting_file file);
    task<result<bool>> go_on_with_csv(drop_folder::taken_file file);
    task<result<bool>> go_on_with_picture(drop_folder::taken_file file, bool catalogue_comes);
    task<result<blob_info>> upload(const drop_folder::taken_file& file, std::string key);
    task<result<bool>> import(std::string id, blob_info object);
    task<> forget(std::vector<std::string> keys);
    task<result<void>> forget_finished(const std::vector<drop_folder::taken_file>& taken);
    task<result<bool>> settle(std::filesystem::path path, std::string as, result<bool> outcome);
    task<result<void>> finish(std::filesystem::path path, std::string as, bool well,
                              std::string report);
    bool may_try(const std::string& what) const;
    attempts& remember(const std::string& path, const error& why);

    drop_folder folder_;
    needs ports_;
    std::map<std::string, attempts> failed_;  // by path
    bool forgot_finished_ = false;            // of the run before
};

}  // namespace stoa

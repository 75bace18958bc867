// A database of its own on the started server, dropped at the end.
#pragma once

#include "adapters/postgres/postgres_store.hpp"
#include "engines/engine_address.hpp"

#include <unistd.h>

#include <atomic>

namespace stoa::testing {

class postgres_database {
 public:
    postgres_database() { as_owner("CREATE DATABASE " + name_); }
    ~postgres_database() { as_owner("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)"); }
    postgres_database(const postgres_database&) = delete;
    postgres_database& operator=(const postgres_database&) = delete;

    const std::string& name() const { return name_; }
    // postgresql://app@127.0.0.1:PORT/<name>
    std::string url() const { return server() + "/" + name_; }
    postgres_address address() const { return {.url = url()}; }

    // In the server's own database, and in this one.
    static void as_owner(const std::string& script) {
        run({.url = server() + "/postgres"}, script);
    }
    void script(const std::string& text) const { run(address(), text); }

    // The server's address without a database.
    static std::string server() {
        const auto url = engine_address("STOA_TEST_POSTGRES");
        return url.substr(0, url.rfind('/'));
    }
    static std::string host_and_port() {
        const auto url = server();
        return url.substr(url.find('@') + 1);
    }
    static std::string one_value(const postgres_address& of, const std::string& sql) {
        const std::atomic<bool> hurry{false};
        postgres_connection on(of, hurry);
        on.open();
        std::string out;
        const postgres_prepared_text text{sql, {}};
        on.send(text, {}, [&](const postgres_rows& rows) {
            if (rows.count() > 0) out = rows.at(0, 0);
        });
        on.settle();
        return out;
    }

 private:
    static void run(const postgres_address& of, const std::string& script) {
        const std::atomic<bool> hurry{false};
        postgres_connection on(of, hurry);
        on.open();
        on.script(script);
    }
    static std::string new_name() {
        static std::atomic<int> count{0};
        return "stoa_test_" + std::to_string(getpid()) + "_" + std::to_string(++count);
    }
    std::string name_ = new_name();
};

}  // namespace stoa::testing

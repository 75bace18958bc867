#include "transport/grpc/tls_identity.hpp"

#include "adapters/system/system_clock.hpp"
#include "support/certificates.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace stoa::rpc {
namespace {

using testing::certificate_authority;
using testing::made_certificate;

class tls_identity_files : public ::testing::Test {
 protected:
    std::string file(const std::string& name, const std::string& text) const {
        const auto path = directory_ / name;
        std::ofstream(path) << text;
        return path;
    }
    tls_files files(const made_certificate& own, const std::string& ca) const {
        return {file("own.pem", own.certificate), file("own.key", own.key), file("ca.pem", ca)};
    }
    // Refused, with the setting's name and `why` in what is said.
    void expect_wrong(const tls_files& from, const std::string& setting, const std::string& why) {
        const auto read = read_tls_identity(from, time_.now());
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().kind, errc::invalid);
        EXPECT_EQ(read.error().code, "bad_setting");
        EXPECT_TRUE(read.error().detail.starts_with('`' + setting + '`')) << read.error().detail;
        EXPECT_NE(read.error().detail.find(why), std::string::npos) << read.error().detail;
        EXPECT_EQ(read.error().detail.find("PRIVATE"), std::string::npos) << "the key is not told";
    }

    testing::temporary_directory directory_;
    system_clock time_;
    certificate_authority shop_{"the shop"}, stranger_{"somebody else"};
    made_certificate own_ = shop_.sign("order");
};

TEST_F(tls_identity_files, are_read_as_they_are) {
    const auto read = read_tls_identity(files(own_, shop_.certificate()), time_.now());
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(*read, (tls_identity{own_.certificate, own_.key, shop_.certificate()}));
}

TEST_F(tls_identity_files, none_of_them_is_plain_text) {
    const auto read = read_tls_identity({}, time_.now());
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, tls_identity{});
}

TEST_F(tls_identity_files, some_without_the_others_are_refused) {
    const auto all = files(own_, shop_.certificate());
    expect_wrong({all.grpc_certificate_file, {}, {}}, "grpc_certificate_file",
                 "without `grpc_key_file` and `grpc_ca_file`");
    expect_wrong({all.grpc_certificate_file, all.grpc_key_file, {}}, "grpc_certificate_file",
                 "without `grpc_ca_file`");
    expect_wrong({{}, {}, all.grpc_ca_file}, "grpc_ca_file", "`grpc_key_file`");
}

TEST_F(tls_identity_files, one_that_cannot_be_read_is_named) {
    auto from = files(own_, shop_.certificate());
    from.grpc_key_file = directory_ / "nowhere.key";
    expect_wrong(from, "grpc_key_file", "nowhere.key cannot be read");
}

TEST_F(tls_identity_files, one_that_holds_something_else_is_named) {
    const auto right = files(own_, shop_.certificate());
    auto from = right;
    from.grpc_certificate_file = file("empty", "");
    expect_wrong(from, "grpc_certificate_file", "holds no certificate");
    from = right;
    from.grpc_key_file = right.grpc_certificate_file;
    expect_wrong(from, "grpc_key_file", "holds no private key");
    from = right;
    from.grpc_ca_file = file("text", "who knows");
    expect_wrong(from, "grpc_ca_file", "holds no certificate");
}

TEST_F(tls_identity_files, a_key_of_another_certificate_is_named) {
    auto mixed = own_;
    mixed.key = shop_.sign("payment").key;
    expect_wrong(files(mixed, shop_.certificate()), "grpc_key_file", "is not the key of");
}

TEST_F(tls_identity_files, a_certificate_out_of_its_time_is_named_with_the_time) {
    expect_wrong(files(shop_.sign("order", "IP:127.0.0.1", -3'600, -60), shop_.certificate()),
                 "grpc_certificate_file", "/CN=order expired at 20");
    expect_wrong(files(shop_.sign("order", "IP:127.0.0.1", 600, 3'600), shop_.certificate()),
                 "grpc_certificate_file", "/CN=order is not valid before 20");
}

TEST_F(tls_identity_files, a_certificate_of_another_authority_is_named) {
    expect_wrong(files(own_, stranger_.certificate()), "grpc_certificate_file",
                 "would not be believed");
}

TEST_F(tls_identity_files, two_authorities_may_stand_in_one_file_while_they_change) {
    const auto read =
        read_tls_identity(files(own_, stranger_.certificate() + shop_.certificate()), time_.now());
    EXPECT_TRUE(read) << read.error().detail;
}

}  // namespace
}  // namespace stoa::rpc

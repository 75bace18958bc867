// Who is served and who is believed by gRPC under TLS, with certificates made for the test.
#include "integration/grpc_calls.hpp"
#include "support/certificates.hpp"

namespace stoa {
namespace {

using testing::certificate_authority;

class grpc_tls : public grpc_calls {
 protected:
    static rpc::tls_identity identity(const certificate_authority& believes,
                                      const testing::made_certificate& shows) {
        return {shows.certificate, shows.key, believes.certificate()};
    }
    void serve() {
        patience = seconds(0);  // a peer that does not let us in is not waited for
        server_identity = identity(authority, authority.sign("server"));
        start();
    }
    result<payment> pay_as(const rpc::tls_identity& client) {
        client_identity = client;
        connect(server->port(), tokens);
        return pay(as_customer());
    }
    void expect_refused(const rpc::tls_identity& client) {
        const auto answered = pay_as(client);
        ASSERT_FALSE(answered);
        EXPECT_EQ(answered.error().kind, errc::unavailable);
        EXPECT_TRUE(till.asked_with.operation.empty()) << "the service was not asked";
    }

    certificate_authority authority{"the shop"}, stranger{"somebody else"};
};

TEST_F(grpc_tls, who_shows_a_certificate_of_the_shop_is_served) {
    serve();
    const auto answered = pay_as(identity(authority, authority.sign("order")));
    EXPECT_TRUE(answered) << answered.error().detail;
    EXPECT_EQ(till.asked_with.caller.user_id, "ann");
}

TEST_F(grpc_tls, who_speaks_plain_text_is_refused) {
    serve();
    expect_refused({});
}

TEST_F(grpc_tls, who_shows_no_certificate_is_refused) {
    serve();
    expect_refused({.certificate = {}, .key = {}, .ca = authority.certificate()});
}

TEST_F(grpc_tls, who_shows_a_certificate_of_another_authority_is_refused) {
    serve();
    expect_refused(identity(authority, stranger.sign("order")));
}

TEST_F(grpc_tls, who_shows_an_expired_certificate_is_refused) {
    serve();
    expect_refused(identity(authority, authority.sign("order", "IP:127.0.0.1", -3'600, -60)));
}

TEST_F(grpc_tls, a_server_of_another_authority_is_not_told_anything) {
    serve();
    expect_refused(identity(stranger, authority.sign("order")));
}

TEST_F(grpc_tls, a_server_that_has_another_name_is_not_told_anything) {
    serve();
    server_identity = identity(authority, authority.sign("server", "DNS:payment.shop.svc"));
    server.reset();
    start();
    expect_refused(identity(authority, authority.sign("order")));
}

TEST_F(grpc_tls, a_certificate_is_no_token) {
    serve();
    client_identity = identity(authority, authority.sign("order"));
    const auto others = make_key_ring(time.now());
    jwt_authority other_keys{others};
    rpc::service_tokens forged{other_keys, time, "order"};
    connect(server->port(), forged);
    const auto answered = pay(as_customer());
    ASSERT_FALSE(answered);
    EXPECT_EQ(answered.error().kind, errc::unauthenticated);
}

// Replicas named by their numbers: each shows a certificate for its own address.
TEST_F(grpc_tls, each_of_several_replicas_is_known_by_its_own_address) {
    serve();
    client_identity = identity(authority, authority.sign("order"));
    const auto port = std::to_string(server->port());
    connect("127.0.0.9:" + port + ",127.0.0.1:" + port, tokens);
    const auto answered = pay(as_customer());
    EXPECT_TRUE(answered) << answered.error().detail;
    till.asked_with = {};
    connect("127.0.0.9:" + port + ",127.0.0.8:" + port, tokens);
    EXPECT_FALSE(pay(as_customer()));
    EXPECT_TRUE(till.asked_with.operation.empty());
}

// Reached at the very address, but its certificate is another host's.
TEST_F(grpc_tls, a_replica_that_shows_another_hosts_certificate_is_left_out) {
    serve();
    server_identity = identity(authority, authority.sign("server", "IP:127.0.0.7"));
    server.reset();
    start();
    client_identity = identity(authority, authority.sign("order"));
    const auto port = std::to_string(server->port());
    connect("127.0.0.1:" + port + ",127.0.0.9:" + port, tokens);
    EXPECT_FALSE(pay(as_customer()));
    client_identity = identity(stranger, authority.sign("order"));
    connect("127.0.0.1:" + port + ",127.0.0.7:" + port, tokens);
    EXPECT_FALSE(pay(as_customer())) << "nor is one of another authority";
    EXPECT_TRUE(till.asked_with.operation.empty());
}

}  // namespace
}  // namespace stoa

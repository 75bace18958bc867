// The client's TLS against a server of a few lines with certificates of its own making.
#include "transport/http/client.hpp"

#include "support/temporary_directory.hpp"
#include "support/test_loop.hpp"

#include <gtest/gtest.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace stoa::http {
namespace {

template <auto free>
struct freed {
    template <class T>
    void operator()(T* what) const {
        free(what);
    }
};
using key_handle = std::unique_ptr<EVP_PKEY, freed<EVP_PKEY_free>>;
using certificate = std::unique_ptr<X509, freed<X509_free>>;

// Signed by its own key, for `name` (DNS:localhost, IP:127.0.0.1), until `ends_s` from now.
certificate make_certificate(EVP_PKEY* key, const std::string& name, long ends_s) {
    certificate out(X509_new());
    X509_set_version(out.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(out.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(out.get()), -100'000);
    X509_gmtime_adj(X509_getm_notAfter(out.get()), ends_s);
    X509_set_pubkey(out.get(), key);
    auto* subject = X509_get_subject_name(out.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(out.get(), subject);
    std::unique_ptr<X509_EXTENSION, freed<X509_EXTENSION_free>> names(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str()));
    X509_add_ext(out.get(), names.get(), -1);
    X509_sign(out.get(), key, EVP_sha256());
    return out;
}

enum class manner : std::uint8_t { well, cut_without_goodbye, no_tls };

// Answers every request of every connection with "ok", one connection at a time.
class tls_server {
 public:
    explicit tls_server(const std::string& name, long ends_s = 100'000, manner how = manner::well)
        : key_(EVP_EC_gen("P-256")),
          certificate_(make_certificate(key_.get(), name, ends_s)),
          context_(SSL_CTX_new(TLS_server_method())),
          how_(how) {
        SSL_CTX_use_certificate(context_.get(), certificate_.get());
        SSL_CTX_use_PrivateKey(context_.get(), key_.get());
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at);
        ::listen(listener_, 16);
        socklen_t size = sizeof at;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
        port_ = ntohs(at.sin_port);
        thread_ = std::jthread([this] { serve(); });
    }
    ~tls_server() {
        over_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    tls_server(const tls_server&) = delete;
    tls_server& operator=(const tls_server&) = delete;

    std::string url(std::string_view host) const {
        return "https://" + std::string(host) + ':' + std::to_string(port_) + '/';
    }
    // The certificate, as a file of whom to trust.
    std::string write_to(const std::string& path) const {
        std::unique_ptr<BIO, freed<BIO_free_all>> file(BIO_new_file(path.c_str(), "w"));
        PEM_write_bio_X509(file.get(), certificate_.get());
        return path;
    }
    std::atomic<int> handshakes = 0;

 private:
    void serve() {
        for (;;) {
            const int fd = ::accept(listener_, nullptr, nullptr);
            if (fd < 0 || over_) {
                if (fd >= 0) ::close(fd);
                return;
            }
            const timeval limit{.tv_sec = 5, .tv_usec = 0};
            ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
            if (how_ == manner::no_tls)
                (void)::send(fd, "HTTP/1.1 400 no\r\n\r\n", 19, MSG_NOSIGNAL);
            else converse(fd);
            ::close(fd);
        }
    }
    void converse(int fd) {
        std::unique_ptr<SSL, freed<SSL_free>> with(SSL_new(context_.get()));
        SSL_set_fd(with.get(), fd);
        if (SSL_accept(with.get()) != 1) return;
        ++handshakes;
        std::string in;
        char bytes[4096];
        for (;;) {
            const int got = SSL_read(with.get(), bytes, sizeof bytes);
            if (got <= 0) return;
            in.append(bytes, static_cast<std::size_t>(got));
            if (!in.ends_with("\r\n\r\n")) continue;
            in.clear();
            const std::string_view answer = how_ == manner::well
                                                ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                                                : "HTTP/1.1 200 OK\r\n\r\nhalf of i";
            SSL_write(with.get(), answer.data(), static_cast<int>(answer.size()));
            if (how_ == manner::cut_without_goodbye) return;
        }
    }

    key_handle key_;
    certificate certificate_;
    std::unique_ptr<SSL_CTX, freed<SSL_CTX_free>> context_;
    manner how_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> over_ = false;
    std::jthread thread_;
};

class client_tls_test : public ::testing::Test {
 protected:
    result<http_response> get(const std::string& url, const std::string& ca_file) {
        if (!client_ || ca_file != trusted_) {
            trusted_ = ca_file;
            client_.emplace(io_.on(), client_settings{.ca_file = ca_file});
        }
        return io_.run([&] { return client_->send({.url = url}, milliseconds(10'000)); });
    }
    error refusal(const std::string& url, const std::string& ca_file) {
        const auto answer = get(url, ca_file);
        return answer ? error{} : answer.error();
    }
    testing::temporary_directory directory_;
    testing::test_loop io_;
    std::string trusted_;
    std::optional<async_client> client_;
};

TEST_F(client_tls_test, a_trusted_server_is_asked_over_one_connection) {
    tls_server at("DNS:localhost,IP:127.0.0.1");
    const auto ca = at.write_to(directory_ / "ca.pem");
    for (int i = 0; i < 3; ++i) {
        const auto answer = get(at.url("localhost"), ca);
        ASSERT_TRUE(answer) << answer.error().detail;
        EXPECT_EQ(answer->body, "ok");
    }
    EXPECT_EQ(at.handshakes, 1);
    client_.reset();
    EXPECT_TRUE(get(at.url("127.0.0.1"), ca));
    client_.reset();  // or the server would wait for more
}

TEST_F(client_tls_test, a_certificate_that_nobody_vouches_for_is_refused) {
    tls_server at("DNS:localhost"), other("DNS:localhost");
    for (const auto& ca : {std::string(), other.write_to(directory_ / "other.pem")}) {
        const auto why = refusal(at.url("localhost"), ca);
        EXPECT_EQ(why.kind, errc::unavailable);
        EXPECT_EQ(why.code, "no_connection");
        EXPECT_NE(why.detail.find("certificate of localhost is refused"), std::string::npos)
            << why.detail;
    }
}

TEST_F(client_tls_test, an_expired_certificate_is_refused_and_called_so) {
    tls_server at("DNS:localhost", -1'000);
    const auto why = refusal(at.url("localhost"), at.write_to(directory_ / "ca.pem"));
    EXPECT_NE(why.detail.find("expired"), std::string::npos) << why.detail;
}

TEST_F(client_tls_test, a_certificate_of_another_host_is_refused) {
    tls_server at("DNS:shop.example");
    const auto why = refusal(at.url("localhost"), at.write_to(directory_ / "ca.pem"));
    EXPECT_EQ(why.code, "no_connection") << why.detail;
}

TEST_F(client_tls_test, an_answer_cut_without_a_goodbye_is_no_answer) {
    tls_server at("DNS:localhost", 100'000, manner::cut_without_goodbye);
    const auto why = refusal(at.url("localhost"), at.write_to(directory_ / "ca.pem"));
    EXPECT_EQ(why.code, "connection_lost") << why.detail;
}

TEST_F(client_tls_test, a_server_without_tls_and_a_missing_ca_file_are_clear_errors) {
    tls_server at("DNS:localhost", 100'000, manner::no_tls);
    EXPECT_EQ(refusal(at.url("localhost"), at.write_to(directory_ / "ca.pem")).code,
              "no_connection");
    const auto why = refusal(at.url("localhost"), directory_ / "nothing.pem");
    EXPECT_EQ(why.kind, errc::invalid);
    EXPECT_EQ(why.code, "ca_file_unreadable");
    EXPECT_NE(why.detail.find("nothing.pem"), std::string::npos);
}

}  // namespace
}  // namespace stoa::http

#include "transport/grpc/grpc_channel.hpp"

#include "transport/grpc/grpc_bytes.hpp"
#include "transport/grpc/grpc_log.hpp"
#include "transport/grpc/protobuf_codec.hpp"
#include "transport/grpc/protos.hpp"
#include "transport/grpc/status_codes.hpp"
#include "transport/rpc/envelope.hpp"

#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <boost/asio/associated_cancellation_slot.hpp>

#include <set>

namespace stoa::rpc {

namespace tls = grpc::experimental;

struct grpc_connection::state {
    explicit state(std::shared_ptr<grpc::Channel> c) : channel(std::move(c)), stub(channel) {}
    std::shared_ptr<grpc::Channel> channel;
    grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub;
};

namespace {

// One address is looked up by its name, which may have several; several are taken as they are.
result<std::string> target_of(const std::string& addresses) {
    if (addresses.find(',') == std::string::npos) return "dns:///" + addresses;
    if (addresses.find_first_not_of("0123456789.:,") != std::string::npos)
        return fail(errc::invalid, "bad_setting",
                    addresses +
                        ": several hosts of a service are named by their numbers, or all "
                        "by one name that stands for them");
    return "ipv4:" + addresses;
}

// gRPC holds a certificate against the target's one name, and a list of addresses has none: whoever
// shows a certificate for one of them is believed.
class one_of_hosts final : public tls::ExternalCertificateVerifier {
 public:
    explicit one_of_hosts(std::set<std::string, std::less<>> hosts) : hosts_(std::move(hosts)) {}

    bool Verify(tls::TlsCustomVerificationCheckRequest* shown, std::function<void(grpc::Status)>,
                grpc::Status* judged) override {
        for (const auto& each : shown->ip_names())
            if (hosts_.contains(std::string_view(each.data(), each.size()))) return true;
        *judged = {grpc::UNAUTHENTICATED, "the certificate is for none of the service's hosts"};
        return true;  // judged at once
    }
    void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
    std::set<std::string, std::less<>> hosts_;
};

std::shared_ptr<grpc::ChannelCredentials> credentials_of(const grpc_target& to) {
    const auto& own = to.identity;
    if (own.ca.empty()) return grpc::InsecureChannelCredentials();
    if (to.addresses.find(',') == std::string::npos)
        return grpc::SslCredentials({.pem_root_certs = own.ca,
                                     .pem_private_key = own.key,
                                     .pem_cert_chain = own.certificate});
    std::set<std::string, std::less<>> hosts;
    for (std::size_t at = 0; at < to.addresses.size();) {
        const auto end = std::min(to.addresses.find(',', at), to.addresses.size());
        const auto host = to.addresses.substr(at, end - at);
        hosts.insert(host.substr(0, host.find(':')));
        at = end + 1;
    }
    tls::TlsChannelCredentialsOptions options;
    std::vector<tls::IdentityKeyCertPair> shows;
    if (!own.certificate.empty()) {
        shows.push_back({own.key, own.certificate});
        options.watch_identity_key_cert_pairs();
    }
    options.watch_root_certs();
    options.set_certificate_provider(
        std::make_shared<tls::StaticDataCertificateProvider>(own.ca, std::move(shows)));
    options.set_certificate_verifier(
        tls::ExternalCertificateVerifier::Create<one_of_hosts>(std::move(hosts)));
    options.set_check_call_host(false);  // against the list as it stands, which is no name
    return tls::TlsCredentials(options);
}

// What a call leaves behind when it has ended. Kept by the call and by who may cancel it.
struct pending_call {
    grpc::ClientContext context;
    grpc::ByteBuffer request, response;
    grpc::Status status;
};

std::string trailing(const grpc::ClientContext& of, const char* name) {
    const auto& all = of.GetServerTrailingMetadata();
    const auto found = all.find(name);
    return found == all.end() ? std::string()
                              : std::string(found->second.data(), found->second.size());
}

error error_of(const pending_call& ended, std::string_view service) {
    if (const auto told = trailing(ended.context, "stoa-problem-bin"); !told.empty())
        return read_error(told);
    const auto kind = kind_of_grpc(ended.status.error_code());
    error out{.kind = kind, .code = "remote_failed"};
    if (kind == errc::unavailable) {
        out.code = "service_unavailable";
        out.detail = std::string(service) + " does not answer; try again";
        out.retry_after_s = 1;
    } else if (kind == errc::timeout) {
        out.code = "deadline_exceeded";
        out.detail = std::string(service) + " did not answer in time";
    } else {
        out.detail = std::string(service) + ": " + ended.status.error_message();
    }
    return out;
}

}  // namespace

grpc_connection::grpc_connection(std::unique_ptr<state> of) : state_(std::move(of)) {}
grpc_connection::~grpc_connection() = default;

result<std::shared_ptr<grpc_connection>> grpc_connection::open(const grpc_target& to) {
    log_what_grpc_says();
    grpc::ChannelArguments arguments;
    arguments.SetLoadBalancingPolicyName("round_robin");
    arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, largest_metadata_bytes);
    // A peer that vanished without a word is noticed, and one that comes back is found soon.
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 2'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 2'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // as many as there are
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 500);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
    STOA_TRY(const auto where, target_of(to.addresses));
    auto channel = grpc::CreateCustomChannel(where, credentials_of(to), arguments);
    return std::shared_ptr<grpc_connection>(
        new grpc_connection(std::make_unique<state>(std::move(channel))));
}

struct grpc_channel::known_rpc {
    std::string name, path;
    message_pairing request, response;
};

grpc_channel::grpc_channel(std::shared_ptr<grpc_connection> to, std::string service, needs ports,
                           currency_code shop)
    : to_(std::move(to)), service_(std::move(service)), ports_(ports), shop_(shop) {}
grpc_channel::~grpc_channel() = default;

result<const grpc_channel::known_rpc*> grpc_channel::find(std::string_view rpc, const type& request,
                                                          const type& response) {
    for (const auto& each : known_)
        if (each->name == rpc) return each.get();
    const auto* service = find_service(service_.c_str());
    const auto* method = service ? service->FindMethodByName(std::string(rpc)) : nullptr;
    if (!method)
        return fail(errc::internal, "no_rpc",
                    "api/proto has no " + service_ + '/' + std::string(rpc));
    STOA_TRY(auto in, message_pairing::make(request, *method->input_type()));
    STOA_TRY(auto out, message_pairing::make(response, *method->output_type()));
    known_.push_back(std::make_unique<known_rpc>(
        std::string(rpc), '/' + service_ + '/' + std::string(rpc), std::move(in), std::move(out)));
    return known_.back().get();
}

namespace {

// Resumes when the call has ended; cancelled, it ends the call and is resumed by that.
task<result<void>> ended(grpc_connection::state& by, std::string path,
                         std::shared_ptr<pending_call> call) {
    return asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>,
                                void(result<void>)>(
        [&by](auto handler, std::string where, std::shared_ptr<pending_call> what) {
            auto back = asio::get_associated_executor(handler);
            if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected())
                slot.assign([what](asio::cancellation_type) { what->context.TryCancel(); });
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            auto& running = *what;
            by.stub.UnaryCall(
                &running.context, where, grpc::StubOptions(), &running.request, &running.response,
                [shared, back, what = std::move(what),
                 busy = asio::make_work_guard(back)](grpc::Status status) mutable {
                    what->status = std::move(status);
                    // Nothing of the call may end on gRPC's thread: the last to let go of a channel
                    // waits for that thread, and would wait for itself.
                    asio::post(back, [shared = std::move(shared), busy = std::move(busy),
                                      what = std::move(what)] { (*shared)(result<void>()); });
                });
        },
        use_task, std::move(path), std::move(call));
}

}  // namespace

task<result<record_box>> grpc_channel::call(std::string_view rpc, request_context context,
                                            record_box request, const type& response) {
    STOA_CO_TRY(const auto* const known, find(rpc, request.of(), response));
    for (milliseconds wait(20);; wait = std::min(2 * wait, milliseconds(250))) {
        bool nobody = false;
        auto answered = co_await call_once(*known, context, request, response, nobody);
        const auto now = ports_.time.ticks();
        if (!nobody) away_since_.reset();
        else if (!away_since_) away_since_ = now;
        if (!nobody || now + wait >= std::min(context.deadline, *away_since_ + ports_.patience))
            co_return answered;
        co_await ports_.time.sleep(wait);
    }
}

// `nobody`: the service did not say a word.
task<result<record_box>> grpc_channel::call_once(const known_rpc& rpc,
                                                 const request_context& context,
                                                 const record_box& request, const type& response,
                                                 bool& nobody) {
    const auto* const known = &rpc;
    active_span traced(ports_.traces, context.traceparent, known->path.substr(1),
                       span_kind::client);
    auto running = std::make_shared<pending_call>();
    auto& head = running->context;
    const auto left =
        std::min<std::chrono::nanoseconds>(context.deadline - ports_.time.ticks(), seconds(15));
    head.set_deadline(std::chrono::system_clock::now() +
                      std::chrono::duration_cast<std::chrono::system_clock::duration>(left));
    head.AddMetadata("authorization", "Bearer " + ports_.tokens.own());
    head.AddMetadata("stoa-context-bin", write_context(context));
    if (const auto& trace = ports_.traces ? traced.traceparent() : context.traceparent;
        !trace.empty())
        head.AddMetadata("traceparent", trace);
    running->request = bytes_of(known->request.write(request.get()));
    (void)co_await ended(to_->inside(), known->path, running);
    if (const auto told = trailing(head, "stoa-reply-bin"); !told.empty())
        STOA_CO_TRY_VOID(read_reply(told, *context.reply));
    if (!running->status.ok()) {
        // The operation answered with an earlier request's refusal, which stands in the note.
        if (context.reply->status >= 400) co_return record_box(response);
        auto why = error_of(*running, service_);
        nobody = why.code == "service_unavailable";
        traced.fail(why.code);
        co_return std::unexpected(std::move(why));
    }
    record_box out(response);
    const auto wrong = known->response.read(text_of(running->response), out.get(), shop_);
    if (!wrong.empty())
        co_return fail(errc::internal, "bad_answer",
                       known->path + ": " + wrong.front().where + ' ' + wrong.front().code);
    co_return out;
}

}  // namespace stoa::rpc

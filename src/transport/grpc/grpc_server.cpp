#include "transport/grpc/grpc_server.hpp"

#include "base/json.hpp"
#include "base/problem.hpp"
#include "runtime/log.hpp"
#include "transport/grpc/grpc_bytes.hpp"
#include "transport/grpc/grpc_log.hpp"
#include "transport/grpc/protobuf_codec.hpp"
#include "transport/grpc/protos.hpp"
#include "transport/grpc/status_codes.hpp"
#include "transport/middleware/authorization.hpp"
#include "transport/rpc/envelope.hpp"

#include <google/protobuf/descriptor.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/codegen/service_type.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>

#include <array>
#include <mutex>
#include <set>

namespace stoa::rpc {
namespace {

using grpc::ByteBuffer;

// HealthCheck, which every service has and no operation table.
struct health_request {};
BOOST_DESCRIBE_STRUCT(health_request, (), ())
struct health_status {
    std::string status, service, version;
};
BOOST_DESCRIBE_STRUCT(health_status, (), (status, service, version))

constexpr std::string_view health_rpc = "HealthCheck";

struct bound_row {
    const operation* row = nullptr;
    void* api = nullptr;  // on a lane
    std::string_view of;  // the service's name in scopes: orders
};

// An rpc with what it takes to serve it on any lane.
struct method {
    std::string path;  // /stoa.v1.OrderService/CreateOrder; gRPC keeps a pointer into it
    std::string service, name;
    std::vector<bound_row> by_lane;  // empty: HealthCheck
    message_pairing request, response;
    metric_histogram duration;
    // By status, each made when it is first answered: most methods have two of the seventeen.
    std::function<metric_counter(std::string_view)> count_of;
    mutable std::array<std::once_flag, 17> counted_before{};
    mutable std::array<metric_counter, 17> calls{};
};

struct call_outcome {
    grpc::Status status;
    ByteBuffer message;
    std::string reply, problem;  // metadata on the way back; empty: none
};

std::string metadata_of(const grpc::CallbackServerContext& from, const char* name) {
    const auto found = from.client_metadata().find(name);
    if (found == from.client_metadata().end()) return {};
    return {found->second.data(), found->second.size()};
}

std::shared_ptr<grpc::ServerCredentials> credentials_of(const tls_identity& own) {
    if (own.certificate.empty()) return grpc::InsecureServerCredentials();
    grpc::SslServerCredentialsOptions options(
        own.ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                       : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_key_cert_pairs.push_back({own.key, own.certificate});
    options.pem_root_certs = own.ca;
    return grpc::SslServerCredentials(options);
}

result<bound_row> row_of(const grpc_service& in, std::string_view rpc) {
    for (const auto& table : in.tables)
        for (const auto& row : table.operations)
            if (row.rpc == rpc) {
                if (row.caller == who::nobody_yet)
                    return fail(errc::internal, "no_policy",
                                std::string(rpc) + " does not say who may call it");
                return bound_row{&row, table.api, table.name};
            }
    return fail(errc::internal, "no_row",
                "api/proto: no operation is called " + std::string(rpc) + " in " + in.name);
}

grpc::Status status_of(const error& why) {
    // What broke is for the log; a client gets the code and the sentence.
    const bool hidden = why.kind == errc::internal;
    return {static_cast<grpc::StatusCode>(grpc_code(why.kind)),
            why.code + (hidden || why.detail.empty() ? std::string() : ": " + why.detail)};
}

call_outcome refused(error why) {
    if (why.kind == errc::internal) why.detail.clear();
    return {.status = status_of(why), .message = {}, .reply = {}, .problem = write_error(why)};
}

std::optional<std::string> bearer_token(std::string_view header) {
    constexpr std::string_view scheme = "Bearer ";
    if (!header.starts_with(scheme)) return {};
    return std::string(header.substr(scheme.size()));
}

}  // namespace

struct grpc_server::state {
    state(needs p, grpc_settings s, std::vector<grpc_lane> lanes_)
        : ports(p), settings(std::move(s)), lanes(std::move(lanes_)) {}

    needs ports;
    grpc_settings settings;
    std::vector<grpc_lane> lanes;
    std::vector<std::unique_ptr<method>> methods;
    std::vector<std::unique_ptr<grpc::Service>> services;
    std::unique_ptr<grpc::Server> server;
    std::atomic<bool> is_serving{false};
    std::atomic<unsigned> next_lane{0};
    std::atomic<int> in_flight{0};
    int port = 0;

    result<void> add_service(std::size_t index);
    result<std::unique_ptr<method>> make_method(std::size_t service_index,
                                                const google::protobuf::MethodDescriptor& of);
    result<void> listen();

    struct incoming {
        request_context context;
        std::string authorization, api_key, carried;
        std::uint64_t bytes_hash = 0;
        bool from_shop = false;  // set by admit(): the caller showed a service token
    };
    incoming read_head(const grpc::CallbackServerContext& from) const;
    task<call_outcome> serve(const method& of, std::size_t lane, incoming head, std::string bytes);
    task<call_outcome> answer(const method& of, std::size_t lane, incoming head, std::string bytes);
    task<result<void>> admit(const method& of, const bound_row& row, std::size_t lane,
                             incoming& head);
    call_outcome health(const method& of) const;
};

namespace {

// Begins a call on a lane when gRPC has its bytes, and ends it there. Deletes itself.
class reactor final : public grpc::ServerUnaryReactor {
 public:
    using body = std::move_only_function<task<call_outcome>()>;

    reactor(loop& on, grpc::CallbackServerContext& context, ByteBuffer& answer,
            std::atomic<int>& in_flight)
        : shared_(std::make_shared<shared_state>(on)),
          context_(context),
          answer_(answer),
          in_flight_(in_flight) {}

    void start(body what) {
        ++in_flight_;
        asio::post(shared_->on, [this, keep = shared_, what = std::move(what)]() mutable {
            keep->what = std::move(what);
            if (keep->cancelled) keep->cancel.emit(asio::cancellation_type::terminal);
            asio::co_spawn(
                keep->on, [keep]() -> task<call_outcome> { return keep->what(); },
                asio::bind_cancellation_slot(
                    keep->cancel.slot(),
                    [this, keep](std::exception_ptr thrown, call_outcome made) {
                        end(thrown, std::move(made));
                    }));
        });
    }

 private:
    struct shared_state {
        explicit shared_state(loop& l) : on(l) {}
        loop& on;
        body what;
        asio::cancellation_signal cancel;
        bool cancelled = false;  // on the loop
    };

    void end(const std::exception_ptr& thrown, call_outcome made) {
        if (thrown) made = refused(reason(thrown));
        if (!made.reply.empty()) context_.AddTrailingMetadata("stoa-reply-bin", made.reply);
        if (!made.problem.empty()) context_.AddTrailingMetadata("stoa-problem-bin", made.problem);
        if (made.status.ok()) answer_ = std::move(made.message);
        Finish(made.status);
    }
    static error reason(const std::exception_ptr& thrown) {
        try {
            std::rethrow_exception(thrown);
        } catch (const boost::system::system_error& e) {
            if (e.code() == boost::asio::error::operation_aborted)
                return {.kind = errc::timeout, .code = "cancelled", .detail = "the call was ended"};
            log_error("rpc_threw", {{"why", e.what()}});
        } catch (const std::exception& e) {
            log_error("rpc_threw", {{"why", e.what()}});
        }
        return {.kind = errc::internal, .code = "internal"};
    }

    void OnCancel() override {
        asio::post(shared_->on, [keep = shared_] {
            keep->cancelled = true;
            keep->cancel.emit(asio::cancellation_type::terminal);
        });
    }
    void OnDone() override {
        --in_flight_;
        // The frame's last captures die with it on the loop.
        asio::post(shared_->on, [keep = std::move(shared_)] {});
        delete this;
    }

    std::shared_ptr<shared_state> shared_;
    grpc::CallbackServerContext& context_;
    ByteBuffer& answer_;
    std::atomic<int>& in_flight_;
};

// The methods of one service, registered by name: bytes in, bytes out.
class named_service final : public grpc::Service {
 public:
    using handler = std::function<grpc::ServerUnaryReactor*(grpc::CallbackServerContext*,
                                                            const ByteBuffer*, ByteBuffer*)>;
    void add(const char* path, handler what) {
        const int index = added_++;
        AddMethod(new grpc::internal::RpcServiceMethod(path, grpc::internal::RpcMethod::NORMAL_RPC,
                                                       nullptr));
        MarkMethodRawCallback(
            index,
            new grpc::internal::CallbackUnaryHandler<ByteBuffer, ByteBuffer>(std::move(what)));
    }

 private:
    int added_ = 0;
};

}  // namespace

result<std::unique_ptr<method>> grpc_server::state::make_method(
    std::size_t service_index, const google::protobuf::MethodDescriptor& of) {
    std::vector<bound_row> rows;
    const type* request = &type_of<health_request>;
    const type* response = &type_of<health_status>;
    if (of.name() != health_rpc) {
        for (auto& lane : lanes) {
            STOA_TRY(auto row, row_of(lane.services[service_index], of.name()));
            rows.push_back(row);
        }
        request = rows.front().row->request;
        response = rows.front().row->response;
    }
    STOA_TRY(auto in, message_pairing::make(*request, *of.input_type()));
    STOA_TRY(auto out, message_pairing::make(*response, *of.output_type()));
    const auto& full_name = of.service()->full_name();
    auto duration =
        ports.measured.duration("grpc_server_handling_seconds", "Time to answer a call, by method.",
                                {{"grpc_service", full_name}, {"grpc_method", of.name()}});
    auto count_of = [&measured = ports.measured, full_name,
                     name = of.name()](std::string_view code) {
        return measured.counter(
            "grpc_calls_total", "Calls answered, by method and status.",
            {{"grpc_service", full_name}, {"grpc_method", name}, {"grpc_code", std::string(code)}});
    };
    return std::unique_ptr<method>(new method{.path = '/' + full_name + '/' + of.name(),
                                              .service = full_name,
                                              .name = of.name(),
                                              .by_lane = std::move(rows),
                                              .request = std::move(in),
                                              .response = std::move(out),
                                              .duration = duration,
                                              .count_of = std::move(count_of)});
}

result<void> grpc_server::state::add_service(std::size_t index) {
    const auto* name = lanes.front().services[index].name;
    const auto* found = find_service(name);
    if (!found)
        return fail(errc::internal, "no_service", "api/proto has no service " + std::string(name));
    auto made = std::make_unique<named_service>();
    for (int i = 0; i < found->method_count(); ++i) {
        STOA_TRY(auto one, make_method(index, *found->method(i)));
        const auto* of = one.get();
        made->add(of->path.c_str(), [this, of](grpc::CallbackServerContext* context,
                                               const ByteBuffer* in, ByteBuffer* out) {
            const auto lane = next_lane++ % lanes.size();
            auto* one_call =
                new reactor(ports.loops.at(static_cast<int>(lane)), *context, *out, in_flight);
            one_call->start(
                [this, of, lane, head = read_head(*context), bytes = text_of(*in)]() mutable {
                    return serve(*of, lane, std::move(head), std::move(bytes));
                });
            return one_call;
        });
        methods.push_back(std::move(one));
    }
    services.push_back(std::move(made));
    return {};
}

result<void> grpc_server::state::listen() {
    log_what_grpc_says();
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    const auto where = settings.host + ':' + std::to_string(settings.port);
    builder.AddListeningPort(where, credentials_of(settings.identity), &port);
    builder.SetMaxReceiveMessageSize(settings.largest_message_bytes);
    // A stored answer travels back in the metadata.
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, largest_metadata_bytes);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 500);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    // Callers look their peers up again now and then, and so find replicas that were added.
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, 300'000);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 60'000);
    for (const auto& each : services) builder.RegisterService(each.get());
    server = builder.BuildAndStart();
    if (!server || port == 0)
        return fail(errc::unavailable, "cannot_listen",
                    "the gRPC listener cannot have " + where +
                        ": another process has it, or it is no address of this machine");
    // Alive from here on, whatever else is away: a probe that restarts what is not asks for this.
    server->GetHealthCheckService()->SetServingStatus("liveness", true);
    return {};
}

grpc_server::state::incoming grpc_server::state::read_head(
    const grpc::CallbackServerContext& from) const {
    incoming out;
    const auto left = from.deadline() - std::chrono::system_clock::now();
    const auto longest = std::chrono::nanoseconds(settings.longest_deadline);
    out.context.deadline =
        ports.time.ticks() +
        std::min<std::chrono::nanoseconds>(
            longest, from.deadline() == std::chrono::system_clock::time_point::max()
                         ? longest
                         : std::chrono::nanoseconds(left));
    out.context.traceparent = metadata_of(from, "traceparent");
    out.context.request_id = metadata_of(from, "x-request-id");
    out.context.idempotency_key = metadata_of(from, "idempotency-key");
    out.context.key_from_client = !out.context.idempotency_key.empty();
    out.context.address = from.peer();
    out.authorization = metadata_of(from, "authorization");
    out.api_key = metadata_of(from, "x-api-key");
    out.carried = metadata_of(from, "stoa-context-bin");
    return out;
}

// Who calls, and whether they may. A part of the shop is believed what it says of its caller, as it
// would be in one process; everybody else is asked for a token.
task<result<void>> grpc_server::state::admit(const method& of, const bound_row& row,
                                             std::size_t lane, incoming& head) {
    auto& context = head.context;
    const auto token = bearer_token(head.authorization);
    if (!head.authorization.empty() && !token)
        co_return fail(errc::unauthenticated, "scheme_not_supported",
                       "send `authorization: Bearer <token>`");
    if (token && ports.tokens.is_service(*token)) {
        head.from_shop = true;
        context.caller = {.is = role::service};
        if (!head.carried.empty()) co_return read_context(head.carried, context);
    } else if (const auto credential = token ? *token : head.api_key; !credential.empty()) {
        auto known = co_await lanes[lane].authenticate(credential);
        if (!known) co_return std::unexpected(std::move(known).error());
        context.caller = *std::move(known);
    }
    STOA_CO_TRY_VOID(check_access(
        context.caller,
        {.caller = row.row->caller, .of = row.of, .reads = row.row->method == verb::get}));
    context.operation = row.row->rpc;
    if (context.idempotency_key.size() > 255)
        co_return fail(
            invalid_request({{"idempotency-key", "too_long", "at most 255 characters", {}}}));
    if (!context.key_from_client) context.idempotency_key = new_id(ports.time, ports.random);
    if (context.request_id.empty() || context.request_id.size() > 64)
        context.request_id = new_id(ports.time, ports.random);
    context.request_hash = (stable_hash(of.path) * 31 + head.bytes_hash) & 0x7fff'ffff'ffff'ffff;
    co_return result<void>{};
}

call_outcome grpc_server::state::health(const method& of) const {
    const health_status told{is_serving ? "serving" : "not_serving", of.service, settings.version};
    return {
        .status = {}, .message = bytes_of(of.response.write(&told)), .reply = {}, .problem = {}};
}

static void count_call(const method& of, grpc::StatusCode code) {
    const auto at = static_cast<std::size_t>(code);
    if (at >= of.calls.size()) return;
    std::call_once(of.counted_before[at], [&] { of.calls[at] = of.count_of(word_of_grpc(code)); });
    of.calls[at].add();
}

task<call_outcome> grpc_server::state::serve(const method& of, std::size_t lane, incoming head,
                                             std::string bytes) {
    auto out = co_await answer(of, lane, std::move(head), std::move(bytes));
    count_call(of, out.status.error_code());
    co_return out;
}

task<call_outcome> grpc_server::state::answer(const method& of, std::size_t lane, incoming head,
                                              std::string bytes) {
    if (of.by_lane.empty()) co_return health(of);
    if (in_flight > settings.in_flight)
        co_return refused({.kind = errc::unavailable,
                           .code = "overloaded",
                           .detail = "too much is in work; try again in a moment",
                           .retry_after_s = 1});
    const auto began = ports.time.ticks();
    const auto& row = of.by_lane[lane];
    head.bytes_hash = stable_hash(bytes);
    if (auto admitted = co_await admit(of, row, lane, head); !admitted)
        co_return refused(std::move(admitted).error());
    auto& context = head.context;
    active_span traced(ports.traces, context.traceparent, of.path.substr(1), span_kind::server);
    if (ports.traces) context.traceparent = traced.traceparent();
    record_box request(*row.row->request);
    auto wrong = of.request.read(bytes, request.get(), settings.shop_currency);
    if (wrong.empty()) check_rules(wrong, *row.row->request, request.get());
    if (!wrong.empty()) {
        const bool unreadable = wrong.front().code == "syntax";
        co_return refused(unreadable ? error{.kind = errc::malformed,
                                             .code = "malformed_message",
                                             .detail = wrong.front().detail}
                                     : invalid_request(std::move(wrong)));
    }
    auto answered = co_await row.row->call(row.api, context, std::move(request));
    const auto& note = *context.reply;
    call_outcome out;
    out.reply = write_reply(note);
    if (!answered) {
        auto failed = refused(std::move(answered).error());
        failed.reply = std::move(out.reply);
        out = std::move(failed);
    } else if (!note.body.empty() && note.status < 400) {
        // An earlier request's answer, which stands in the note and not in what was returned.
        record_box stored(*row.row->response);
        (void)read_json(note.body, *row.row->response, stored.get(), settings.shop_currency);
        out.message = bytes_of(of.response.write(stored.get()));
    } else if (note.status >= 400) {
        out.status = {grpc::FAILED_PRECONDITION,
                      "an earlier request with this idempotency-key was refused"};
    } else {
        out.message = bytes_of(of.response.write(answered->get()));
    }
    // A note can be larger than the metadata that strangers' clients take, and is not for them.
    if (!head.from_shop) out.reply.clear();
    if (!out.status.ok()) traced.fail(out.status.error_message());
    of.duration.observe(static_cast<double>((ports.time.ticks() - began).count()) / 1e9);
    co_return out;
}

grpc_server::grpc_server(std::unique_ptr<state> of) : state_(std::move(of)) {}
grpc_server::~grpc_server() {
    if (state_ && state_->server) state_->server->Shutdown(std::chrono::system_clock::now());
}

result<std::unique_ptr<grpc_server>> grpc_server::open(needs ports, grpc_settings settings,
                                                       std::vector<grpc_lane> by_loop) {
    auto made = std::make_unique<state>(ports, std::move(settings), std::move(by_loop));
    for (std::size_t i = 0; i < made->lanes.front().services.size(); ++i)
        STOA_TRY_VOID(made->add_service(i));
    STOA_TRY_VOID(made->listen());
    std::unique_ptr<grpc_server> out(new grpc_server(std::move(made)));
    out->serving(false);
    return out;
}

std::uint16_t grpc_server::port() const { return static_cast<std::uint16_t>(state_->port); }

void grpc_server::serving(bool is) {
    state_->is_serving = is;
    auto* health = state_->server->GetHealthCheckService();
    health->SetServingStatus(is);
    for (const auto& each : state_->lanes.front().services) health->SetServingStatus(each.name, is);
}

task<> grpc_server::drain(milliseconds grace) {
    serving(false);
    auto wait = [server = state_->server.get(), grace]() -> result<int> {
        server->Shutdown(std::chrono::system_clock::now() + grace);
        server->Wait();
        return 0;
    };
    const auto ended = co_await offload(state_->ports.tools, std::move(wait));
    // Nobody to wait with: end it here.
    if (!ended) state_->server->Shutdown(std::chrono::system_clock::now());
}

}  // namespace stoa::rpc

#include "apps/stoa/commands.hpp"

#include "adapters/vips/picture_worker.hpp"
#include "apps/stoa/load_verb.hpp"
#include "apps/stoa/replay_verb.hpp"
#include "apps/stoa/tools.hpp"
#include "apps/stoa/wiring_requirements.hpp"
#include "base/json.hpp"
#include "runtime/crash_point.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <functional>

#include <unistd.h>

namespace stoa {
namespace {

std::string flag_of(std::string_view key) {
    std::string out = "--";
    for (const char c : key) out += c == '_' ? '-' : c;
    return out;
}

// Every setting is a flag of every verb: --data-dir, --http …
struct common_flags {
    std::map<std::string, std::string> given;
    std::string file;

    void add_to(CLI::App& verb) {
        verb.add_option("--config", file, "a TOML file with settings")->envname("STOA_CONFIG");
        for (const auto& key : setting_keys()) {
            auto* option = verb.add_option_function<std::string>(
                flag_of(key.name),
                [this, name = std::string(key.name)](const std::string& text) {
                    given[name] = text;
                },
                std::string(key.help));
            option->default_str(std::string(key.otherwise))->group("Settings");
        }
    }
    result<settings> load() const { return settings::load(given, environ, file); }
};

// The parser only says that it wants a verb, not what it made of this one.
result<void> check_verb(const CLI::App& program, int count, char** arguments) {
    if (count < 2 || arguments[1][0] == '-') return {};
    std::string known;
    for (const auto* each : program.get_subcommands([](const CLI::App*) { return true; })) {
        if (each->get_name() == arguments[1]) return {};
        known += (known.empty() ? "" : ", ") + each->get_name();
    }
    return fail(errc::invalid, "unknown_verb",
                "there is no verb `" + std::string(arguments[1]) + "`. The verbs are: " + known +
                    "; `stoa VERB --help` says more");
}

void print_version(bool places) {
    if (!places) std::puts("stoa " STOA_VERSION);
    else
        for (const auto name : crash_points_built_in())
            std::printf("%.*s\n", static_cast<int>(name.size()), name.data());
}

// The verbs with their options, which live here while a verb runs.
class command_line {
 public:
    command_line()
        : program_("Stoa: a whole shop in one program. Start with `stoa serve --demo`.") {
        program_.require_subcommand(1);
        program_.failure_message(CLI::FailureMessage::simple);  // one line, and `--help`
        add_serving();
        add_files();
        add_care();
        add_load();
        add_dead_letters();
        add_knowledge();
    }
    int run(int count, char** arguments) {
        if (auto told = check_verb(program_, count, arguments); !told)
            return complain(told.error()), 2;
        try {
            program_.parse(count, arguments);
        } catch (const CLI::ParseError& e) {
            return program_.exit(e) == 0 ? 0 : 2;
        }
        return status_;
    }

 private:
    using act = std::function<int(const settings&)>;
    CLI::App* add(const char* name, const char* help, act what) {
        auto* verb = program_.add_subcommand(name, help);
        flags_.add_to(*verb);
        verb->callback([this, what = std::move(what)] {
            auto loaded = flags_.load();
            status_ = loaded ? what(*loaded) : (complain(loaded.error()), 2);
        });
        return verb;
    }

    void add_serving() {
        auto* verb = add("serve", "run the shop until Ctrl-C or SIGTERM",
                         [this](const settings& s) { return serve(s, serving_); });
        verb->add_flag("--demo", serving_.demo,
                       "load a demo catalogue, two customers and an operator");
        verb->add_option("--shoppers", serving_.shoppers, "simulated customers who browse and buy")
            ->check(CLI::Range(0, 1000));
    }

    void add_files() {
        auto* verb = add("import", "import products from a CSV file; exit 1 when a row was bad",
                         [this](const settings& s) { return import_file(s, transfer_); });
        verb->add_option("file", transfer_.file,
                         "columns sku,name,description,price,currency,category,stock,image_url")
            ->required();
        verb->add_flag("--dry-run", transfer_.dry_run, "say what would happen, change nothing");
        add("export", "write the catalogue as CSV, as import takes it",
            [this](const settings& s) { return export_file(s, transfer_); })
            ->add_option("file", transfer_.file, "the file to write")
            ->required();
        add("backup", "write the whole shop to one file, also while it runs",
            [this](const settings& s) { return run_backup(s, backup_file_); })
            ->add_option("file", backup_file_, "the file to write; holds secrets")
            ->required();
        add("restore", "make a shop of a backup, in an empty data directory",
            [this](const settings& s) { return run_restore(s, backup_file_); })
            ->add_option("file", backup_file_, "the backup to read")
            ->required();
        verb = add("replay",
                   "window a file of events, or the shop's log, as analytics does; exit 1 when a "
                   "line was bad",
                   [this](const settings& s) { return run_replay(s, replay_); });
        verb->add_option("--source", replay_.source,
                         "an event a line: a viewer's, or {topic, payload, occurred_at, id}");
        verb->add_option("--results", replay_.results,
                         "a folder for the rows, a file a pipeline; else standard output");
        verb->add_flag("--send", replay_.send, "send viewers' events to the running shop instead");
        verb->add_option(
                "--from", replay_.from,
                "an offset of the shop's own log: read from there and put its windows again")
            ->check(CLI::NonNegativeNumber);
        verb->add_option("--topic", replay_.topic, "with --from: only this topic of the log");
    }

    void add_care() {
        add("audit", "check what must always hold; exit 1 with the rows that break it",
            [this](const settings& s) { return run_audit(s, as_json_); })
            ->add_flag("--json", as_json_, "print the report as JSON");
        add("operator", "make an account that runs the shop, or an existing one run it",
            [this](const settings& s) { return run_operator(s, operator_email_); })
            ->add_option("email", operator_email_,
                         "its address; a new account's password is printed once")
            ->required();
        add("healthcheck",
            "ask the process on the admin address whether it is alive; exit 1 when it is not",
            [this](const settings& s) { return run_healthcheck(s, whether_ready_); })
            ->add_flag("--ready", whether_ready_, "whether it may get traffic, too");
        add("keys", "make the signing keys of a new shop, for a secret that its processes share",
            [this](const settings&) { return make_keys(keys_path_); })
            ->add_option("file", keys_path_, "the file to write (`keys_file`); holds secrets")
            ->required();
        add("migrate",
            "bring the stores to this version's schema; makes them where there are none yet",
            run_migrate);
        add("doctor", "look whether everything the shop needs is in order",
            [this](const settings& s) { return run_doctor(s, looking_); })
            ->add_option("--drop-group", looking_.drop_group,
                         "forget a consumer group that no service reads by any more, so that old "
                         "events can go; the shop must be stopped");
    }

    void add_load() {
        auto* verb = add("load",
                         "send requests at a rate that does not wait for the answers; exit 1 when "
                         "some failed, were not sent or took too long",
                         [this](const settings&) { return run_load(load_); });
        verb->add_option("url", load_.url, "the shop's address")->capture_default_str();
        const CLI::Range rate(0.0, 100'000.0), lasting(1, 86'400), many(1, 60'000);
        static constexpr by_kind<const char*> what{
            "lists and pages of products a second", "searches a second",
            "product views told a second", "orders by guests a second"};
        for (const auto kind : load_kinds) {
            const auto at = static_cast<std::size_t>(kind);
            verb->add_option("--" + std::string(load_kind_names[at]), load_.per_second[at],
                             what[at])
                ->check(rate)
                ->capture_default_str();
        }
        verb->add_option("--for", load_.for_s, "seconds")->check(lasting)->capture_default_str();
        verb->add_option("--ramp", load_.ramp_s, "seconds of them in which the rates rise")
            ->check(CLI::Range(0, 86'400))
            ->capture_default_str();
        verb->add_option("--in-flight", load_.most_in_flight, "requests at once; more are not sent")
            ->check(many)
            ->capture_default_str();
        verb->add_option("--buyers", load_.buyers, "guests who take turns ordering")
            ->check(many)
            ->capture_default_str();
        verb->add_option("--seed", load_.seed, "of arrivals and choices")->capture_default_str();
        verb->add_option("--p99-ms", load_.p99_ms, "a bound for every kind; 0: none")
            ->check(CLI::NonNegativeNumber)
            ->capture_default_str();
        verb->add_option("--most-failed", load_.most_failed_percent, "a bound in percent")
            ->check(CLI::Range(0.0, 100.0))
            ->capture_default_str();
        verb->add_flag("--json", load_.as_json, "print the report as JSON");
    }

    void add_dead_letters() {
        auto* verb =
            add("redrive",
                "apply dead letters once more, each key's in order; exit 1 while some are left",
                [this](const settings& s) { return run_redrive(s, redriving_, as_json_); });
        verb->add_option("--group", redriving_.group, "only this consumer group's");
        verb->add_option("--topic", redriving_.topic, "only of this topic");
        verb->add_option("--key", redriving_.key, "only of this key");
        verb->add_option("--id", redriving_.id, "only this event, and those of its key before it");
        verb->add_flag("--dry-run", redriving_.dry_run, "list them, change nothing");
        verb->add_flag("--give-up", redriving_.give_up,
                       "forget them instead of applying; with --key or --id");
        verb->add_flag("--json", as_json_, "print the report as JSON");
    }

    void add_knowledge() {
        add("openapi", "print the API's OpenAPI 3.1 document", print_openapi);
        add("config", "show the effective settings and where each comes from",
            [this](const settings& s) {
                const auto text = needs_ ? to_json(requirements_of(s)) + '\n' : s.describe();
                return std::fputs(text.c_str(), stdout), 0;
            })
            ->add_flag("--requirements", needs_,
                       "print what the shop needs of a cloud instead, as JSON: tables, topics, "
                       "buckets, ports, variables, permissions");
        auto* verb = program_.add_subcommand("version", "show the version");
        verb->add_flag("--crash-points", places_, "in builds for tests: where they let it die")
            ->group("");
        verb->callback([this] { print_version(places_); });
    }

    CLI::App program_;
    common_flags flags_;
    int status_ = 0;
    bool as_json_ = false, places_ = false, needs_ = false, whether_ready_ = false;
    std::string keys_path_;
    serve_options serving_;
    transfer_options transfer_;
    std::string backup_file_, operator_email_;
    replay_options replay_;
    load_options load_;
    doctor_options looking_;
    redrive_request redriving_;
};

}  // namespace

int complain(const error& why) {
    std::fprintf(stderr, "stoa: %s\n", why.detail.empty() ? why.code.c_str() : why.detail.c_str());
    return 1;
}

int run_command(int count, char** arguments) {
    // Not for people: the shop starts it to decode pictures in.
    if (count == 2 && std::string_view(arguments[1]) == "picture-worker")
        return vips::run_picture_worker();
    return command_line().run(count, arguments);
}

}  // namespace stoa

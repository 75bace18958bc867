#include "apps/stoa/commands.hpp"

#include "apps/stoa/replay_verb.hpp"
#include "apps/stoa/tools.hpp"
#include "runtime/crash_point.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

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

}  // namespace

int complain(const error& why) {
    std::fprintf(stderr, "stoa: %s\n", why.detail.empty() ? why.code.c_str() : why.detail.c_str());
    return 1;
}

int run_command(int count, char** arguments) {
    CLI::App program("Stoa: a whole shop in one program. Start with `stoa serve --demo`.");
    program.require_subcommand(1);
    program.failure_message(CLI::FailureMessage::simple);  // one line, and `--help`
    common_flags flags;
    serve_options serving;
    int status = 0;

    auto* serve_verb = program.add_subcommand("serve", "run the shop until Ctrl-C or SIGTERM");
    serve_verb->add_flag("--demo", serving.demo,
                         "load a demo catalogue, two customers and an operator");
    serve_verb->add_option("--shoppers", serving.shoppers, "simulated customers who browse and buy")
        ->check(CLI::Range(0, 1000));
    transfer_options transfer;
    auto* import_verb = program.add_subcommand(
        "import", "import products from a CSV file; exit 1 when a row was bad");
    import_verb
        ->add_option("file", transfer.file,
                     "columns sku,name,description,price,currency,category,stock,image_url")
        ->required();
    import_verb->add_flag("--dry-run", transfer.dry_run, "say what would happen, change nothing");
    auto* export_verb =
        program.add_subcommand("export", "write the catalogue as CSV, as import takes it");
    export_verb->add_option("file", transfer.file, "the file to write")->required();
    bool as_json = false;
    auto* audit_verb = program.add_subcommand(
        "audit", "check what must always hold; exit 1 with the rows that break it");
    audit_verb->add_flag("--json", as_json, "print the report as JSON");
    std::string backup_file;
    auto* backup_verb =
        program.add_subcommand("backup", "write the whole shop to one file, also while it runs");
    backup_verb->add_option("file", backup_file, "the file to write; holds secrets")->required();
    auto* restore_verb =
        program.add_subcommand("restore", "make a shop of a backup, in an empty data directory");
    restore_verb->add_option("file", backup_file, "the backup to read")->required();
    std::string operator_email;
    auto* operator_verb = program.add_subcommand(
        "operator", "make an account that runs the shop, or an existing one run it");
    operator_verb
        ->add_option("email", operator_email,
                     "its address; a new account's password is printed once")
        ->required();
    replay_options replay;
    auto* replay_verb = program.add_subcommand(
        "replay", "window a file of events as analytics does; exit 1 when a line was bad");
    replay_verb
        ->add_option("--source", replay.source,
                     "an event a line: a viewer's, or {topic, payload, occurred_at, id}")
        ->required();
    replay_verb->add_option("--results", replay.results,
                            "a folder for the rows, a file a pipeline; else standard output");
    replay_verb->add_flag("--send", replay.send,
                          "send viewers' events to the running shop instead");
    auto* migrate_verb = program.add_subcommand(
        "migrate",
        "bring the stores to this version's schema; makes them where there are none yet");
    auto* doctor_verb =
        program.add_subcommand("doctor", "look whether everything the shop needs is in order");
    doctor_options looking;
    doctor_verb->add_option("--drop-group", looking.drop_group,
                            "forget a consumer group that no service reads by any more, so that "
                            "old events can go; the shop must be stopped");
    auto* redrive_verb = program.add_subcommand(
        "redrive", "apply dead letters once more, each key's in order; exit 1 while some are left");
    redrive_request redriving;
    redrive_verb->add_option("--group", redriving.group, "only this consumer group's");
    redrive_verb->add_option("--topic", redriving.topic, "only of this topic");
    redrive_verb->add_option("--key", redriving.key, "only of this key");
    redrive_verb->add_option("--id", redriving.id,
                             "only this event, and those of its key before it");
    redrive_verb->add_flag("--dry-run", redriving.dry_run, "list them, change nothing");
    redrive_verb->add_flag("--give-up", redriving.give_up,
                           "forget them instead of applying; with --key or --id");
    redrive_verb->add_flag("--json", as_json, "print the report as JSON");
    auto* openapi_verb = program.add_subcommand("openapi", "print the API's OpenAPI 3.1 document");
    auto* config_verb =
        program.add_subcommand("config", "show the effective settings and where each comes from");
    auto* version_verb = program.add_subcommand("version", "show the version");
    for (auto* verb : {serve_verb, import_verb, export_verb, audit_verb, backup_verb, restore_verb,
                       operator_verb, replay_verb, migrate_verb, doctor_verb, redrive_verb, openapi_verb,
                       config_verb})
        flags.add_to(*verb);

    const auto with_settings = [&](auto run) {
        auto loaded = flags.load();
        status = loaded ? run(*loaded) : (complain(loaded.error()), 2);
    };
    serve_verb->callback(
        [&] { with_settings([&](const settings& s) { return serve(s, serving); }); });
    import_verb->callback(
        [&] { with_settings([&](const settings& s) { return import_file(s, transfer); }); });
    export_verb->callback(
        [&] { with_settings([&](const settings& s) { return export_file(s, transfer); }); });
    audit_verb->callback(
        [&] { with_settings([&](const settings& s) { return run_audit(s, as_json); }); });
    backup_verb->callback(
        [&] { with_settings([&](const settings& s) { return run_backup(s, backup_file); }); });
    restore_verb->callback(
        [&] { with_settings([&](const settings& s) { return run_restore(s, backup_file); }); });
    operator_verb->callback(
        [&] { with_settings([&](const settings& s) { return run_operator(s, operator_email); }); });
    replay_verb->callback(
        [&] { with_settings([&](const settings& s) { return run_replay(s, replay); }); });
    migrate_verb->callback(
        [&] { with_settings([](const settings& s) { return run_migrate(s); }); });
    doctor_verb->callback(
        [&] { with_settings([&](const settings& s) { return run_doctor(s, looking); }); });
    redrive_verb->callback([&] {
        with_settings([&](const settings& s) { return run_redrive(s, redriving, as_json); });
    });
    openapi_verb->callback(
        [&] { with_settings([](const settings& s) { return print_openapi(s); }); });
    config_verb->callback([&] {
        with_settings(
            [](const settings& s) { return std::fputs(s.describe().c_str(), stdout), 0; });
    });
    bool places = false;
    version_verb->add_flag("--crash-points", places, "in builds for tests: where they let it die")
        ->group("");
    version_verb->callback([&] { print_version(places); });
    if (auto told = check_verb(program, count, arguments); !told) return complain(told.error()), 2;
    try {
        program.parse(count, arguments);
    } catch (const CLI::ParseError& e) {
        const int code = program.exit(e);
        return code == 0 ? 0 : 2;
    }
    return status;
}

}  // namespace stoa

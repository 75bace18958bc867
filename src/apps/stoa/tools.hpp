// Verbs that look at a shop or move its data: through the API of the shop that runs on the data
// directory, or on the stores themselves where none runs.
#pragma once

#include "apps/stoa/settings.hpp"
#include "transport/events/redrive.hpp"

namespace stoa {

struct transfer_options {
    std::string file;
    bool dry_run = false;
};
int import_file(const settings& from, const transfer_options& options);
int export_file(const settings& from, const transfer_options& options);
int run_migrate(const settings& from);

struct doctor_options {
    std::string drop_group;  // a consumer group to forget; empty: only look
};
int run_doctor(const settings& from, const doctor_options& options);  // doctor.cpp
int print_openapi(const settings& from);

int run_operator(const settings& from, const std::string& email);  // operator_verb.cpp

// redrive_verb.cpp: by the shop that runs on the data directory, or by services of this process.
result<redrive_report> redrive_by(const settings& from, const redrive_request& wanted);
// 1 while some of what was asked for are dead letters still.
int run_redrive(const settings& from, const redrive_request& wanted, bool as_json);

// small_verbs.cpp. 1 while the process that has the admin address does not answer, or not 200.
int run_healthcheck(const settings& from, bool whether_ready);
int make_keys(const std::string& file);

// backup_verbs.cpp
int run_audit(const settings& from, bool as_json);
int run_backup(const settings& from, const std::string& file);
int run_restore(const settings& from, const std::string& file);

}  // namespace stoa

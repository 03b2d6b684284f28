// scepgate store create | backup | verify
#include <filesystem>
#include <iostream>

#include "ca_backend/sqlite.hpp"
#include "ca_backend/sqlite_backup.hpp"
#include "ca_backend/sqlite_schema.hpp"
#include "server/audit_settings.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/operator_act.hpp"
#include "server/cli/support.hpp"
#include "server/store_opening.hpp"
#include "server/store_verification.hpp"
#include "server/text_escape.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using ca_backend::sqlite::Database;

struct Options {
    std::string config, out, store;
    std::vector<std::string> audit;
    bool json = false;
};

int create(const Options& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const auto store = open_store(*config, ca_backend::StoreMode::kCreateOrOpen);
    if (!store) return complain(store.error());
    if (options.json) {
        print_json({{"store", store_path(*config)}, {"ready", true}});
    } else {
        std::cout << "the store is ready\n";
    }
    return flush_output(kSuccess);
}

int backup(const Options& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    if (config->store_sqlite.empty()) {
        return complain(kUsage, "the store is in PostgreSQL: back it up with pg_dump");
    }
    std::error_code failure;
    if (fs::exists(fs::symlink_status(options.out, failure)))
        return complain(kFailed, options.out + " exists: a backup overwrites nothing");
    const auto audit = open_audit(*config);
    if (!audit) return complain(audit.error());
    const auto facts = [&](AuditRecord& line) {
        line.add("store", config->store_sqlite.string())
            .add("file", fs::absolute(options.out, failure).string());
    };
    const auto done = audited(**audit, "backup", facts, [&] {
        return ca_backend::backup_sqlite_store(config->store_sqlite, options.out);
    });
    if (!done) return complain(done.error());
    const auto octets = static_cast<std::int64_t>(fs::file_size(options.out, failure));
    if (options.json) {
        print_json({{"file", options.out}, {"octets", octets}});
    } else {
        std::cout << "The store is copied to " << options.out << ", " << octets
                  << " octets. Keep it with the configuration, the keys and the audit file.\n";
    }
    return flush_output(kSuccess);
}

/// The file itself: pages, indexes, and the version of what is in it.
Result<void> verify_engine(Database& database, StoreReport& report) {
    auto version = ca_backend::sqlite::schema_version(database);
    if (!version) return version.error();
    if (*version != ca_backend::sqlite::current_schema_version()) {
        return Error{Errc::kConfig,
                     "it has schema " + std::to_string(*version) + ", this scepgate knows " +
                         std::to_string(ca_backend::sqlite::current_schema_version()) +
                         ": serve it once, which upgrades it, or use its own version"};
    }
    auto check = ca_backend::sql::Statement::prepare(database, "PRAGMA integrity_check(100)");
    if (!check) return check.error();
    auto query = check->run();
    for (;;) {
        const auto found = query.next();
        if (!found) return found.error();
        if (!*found) return {};
        const std::string text = query.text(0);
        if (text != "ok") report.add({"file_damaged", "SQLite's integrity_check", text});
    }
}

void print(const StoreReport& report) {
    for (const auto& fault : report.faults) {
        std::cout << "fault: " << fault.kind << ": " << printable(fault.where) << ": "
                  << printable(fault.detail) << '\n';
    }
    for (const auto& fault : report.audit.faults) {
        std::cout << "fault: audit " << fault.kind << ": " << fault.place.file << ", line "
                  << fault.place.line << ", record " << fault.place.seq << '\n';
    }
    const auto shown = report.faults.size() + report.audit.faults.size();
    if (report.fault_count > shown)
        std::cout << "and " << report.fault_count - shown << " faults more\n";
    for (const auto& note : report.notes)
        std::cout << "note: " << note << '\n';
    std::cout << report.certificates << " certificates, " << report.audit.records
              << " audit records: " << (report.fault_count == 0 ? "all sound\n" : "not sound\n");
}

Json to_json(const StoreReport& report) {
    Json json = {{"sound", report.fault_count == 0},
                 {"certificates", report.certificates},
                 {"audit_records", report.audit.records},
                 {"fault_count", report.fault_count},
                 {"faults", Json::array()},
                 {"notes", report.notes}};
    for (const auto& fault : report.faults) {
        json["faults"].push_back(
            {{"kind", fault.kind}, {"where", fault.where}, {"detail", fault.detail}});
    }
    for (const auto& fault : report.audit.faults) {
        json["faults"].push_back(
            {{"kind", "audit_" + std::string(fault.kind)},
             {"where", fault.place.file + ":" + std::to_string(fault.place.line)},
             {"detail", "expected " + fault.expected + ", found " + fault.found}});
    }
    return json;
}

int verify(const Options& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const fs::path file = options.store.empty() ? config->store_sqlite : fs::path(options.store);
    if (file.empty())
        return complain(kUsage, "the store is in PostgreSQL: this looks at SQLite files alone");
    const auto digest = audit_digest(*config);
    if (!digest) return complain(digest.error());
    const auto said = [&](Error error) {
        return complain(in_context("store " + file.string(), std::move(error)));
    };
    auto database = Database::open(file, Database::Access::kReadOnly);
    if (!database) return said(database.error());

    StoreReport report;
    const IssuerKeys issuers = issuer_keys(*config, report);
    if (auto done = verify_engine(*database, report); !done) return said(done.error());
    if (auto done = verify_certificates(*database, issuers, report); !done)
        return said(done.error());
    AuditFiles files;
    files.files.assign(options.audit.begin(), options.audit.end());
    files.files.push_back(config->audit_file);
    if (auto done = verify_with_audit(*database, files, *digest, report); !done)
        return complain(done.error());
    if (options.json) {
        print_json(to_json(report));
    } else {
        print(report);
    }
    return flush_output(report.fault_count == 0 ? kSuccess : kFailed);
}

}  // namespace

void add_store(CLI::App& app, int& status) {
    CLI::App* store = app.add_subcommand("store", "Look after the store");
    store->require_subcommand(1);
    auto options = std::make_shared<Options>();
    const auto common = [options](CLI::App* command) {
        add_config_option(*command, options->config);
        command->add_flag("--json", options->json, "Print JSON");
    };
    CLI::App* create_command = store->add_subcommand(
        "create",
        "Make the store's tables, or bring those of an older version up to date; what is in them "
        "stays");
    common(create_command);
    create_command->callback([&status, options] { status = create(*options); });
    CLI::App* backup_command = store->add_subcommand(
        "backup", "Copy the SQLite store, whole and durable; the server may be running");
    common(backup_command);
    backup_command->add_option("--out", options->out, "The copy; it must not exist yet")
        ->required()
        ->type_name("FILE");
    backup_command->callback([&status, options] { status = backup(*options); });
    CLI::App* verify_command = store->add_subcommand(
        "verify",
        "Look through the whole store and the audit file: each certificate is readable, as its row "
        "says, signed by a configured CA, and stands in the audit file; each one that left is in "
        "the store. The server may be running. Exit status 1: there are faults.");
    common(verify_command);
    verify_command->add_option("--store", options->store, "Another file, such as a backup")
        ->type_name("FILE");
    verify_command
        ->add_option("--audit", options->audit, "Audit files that were rotated away, in any order")
        ->type_name("FILE");
    verify_command->callback([&status, options] { status = verify(*options); });
}

}  // namespace scepgate::server::cli

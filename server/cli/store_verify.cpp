#include "server/cli/store_verify.hpp"

#include <filesystem>
#include <iostream>

#include "ca_backend/postgres.hpp"
#include "ca_backend/postgres_schema.hpp"
#include "ca_backend/sqlite.hpp"
#include "ca_backend/sqlite_schema.hpp"
#include "server/audit_settings.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/support.hpp"
#include "server/counted.hpp"
#include "server/store_opening.hpp"
#include "server/store_verification.hpp"
#include "server/text_escape.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;
namespace sqlite = ca_backend::sqlite;
namespace postgres = ca_backend::postgres;
using Json = nlohmann::ordered_json;
using ConnectionPtr = std::unique_ptr<ca_backend::sql::Connection>;

/// --audit-key: the earlier files were written without one.
constexpr std::string_view kNoKey = "none";

struct StoreVerifyOptions {
    std::string config, store;
    std::vector<std::string> audit, audit_keys, node_audit;
    bool json = false;
};

Result<void> judge_version(std::int64_t version, std::int64_t known) {
    if (version == known) return {};
    return Error{Errc::kConfig, "it has schema " + std::to_string(version) +
                                    ", this scepgate knows " + std::to_string(known) +
                                    ": serve it once, which upgrades it, or use its own version"};
}

/// The file itself: pages and indexes.
Result<void> check_pages(sqlite::Database& database, StoreReport& report) {
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

Result<ConnectionPtr> open_sqlite(const fs::path& file, StoreReport& report) {
    const auto said = [&](Error error) {
        return in_context("store " + file.string(), std::move(error));
    };
    auto database = sqlite::Database::open(file, sqlite::Database::Access::kReadOnly);
    if (!database) return said(database.error());
    const auto version = sqlite::schema_version(*database);
    if (!version) return said(version.error());
    if (auto known = judge_version(*version, sqlite::current_schema_version()); !known)
        return said(known.error());
    if (auto done = check_pages(*database, report); !done) return said(done.error());
    return ConnectionPtr(std::make_unique<sqlite::Database>(*std::move(database)));
}

/// PostgreSQL watches its pages itself (data_checksums).
Result<ConnectionPtr> open_postgres(const Config& config) {
    // Each look goes through a whole table.
    constexpr std::chrono::hours kLongestStatement{6};
    ConfigFaults faults;
    auto settings = postgres_settings(config, faults);
    if (!settings) return Error{Errc::kConfig, faults.list().front().text()};
    settings->statement_timeout = kLongestStatement;
    const auto said = [&](Error error) { return in_context("store.postgresql", std::move(error)); };
    auto database = postgres::Database::connect(*settings);
    if (!database) return said(database.error());
    const auto version = postgres::schema_version(**database);
    if (!version) return said(version.error());
    if (auto known = judge_version(*version, postgres::current_schema_version()); !known)
        return said(known.error());
    return ConnectionPtr(*std::move(database));
}

Result<ConnectionPtr> open(const Config& config, const std::string& file, StoreReport& report) {
    if (!config.store_postgresql)
        return open_sqlite(file.empty() ? config.store_sqlite : fs::path(file), report);
    if (file.empty()) return open_postgres(config);
    return Error{Errc::kConfig,
                 "--store names a file of SQLite, and this store is in PostgreSQL: restore the "
                 "dump into another database, and name that in a copy of the configuration"};
}

std::vector<AuditDigest> one_of(AuditDigest digest) {
    std::vector<AuditDigest> digests;
    digests.push_back(std::move(digest));
    return digests;
}

/// The configured key's first, then those of --audit-key.
Result<std::vector<AuditDigest>> digests_of(const Config& config,
                                            const StoreVerifyOptions& options) {
    std::vector<AuditDigest> digests;
    auto newest = audit_digest(config);
    if (!newest) return newest.error();
    digests.push_back(*std::move(newest));
    for (const std::string& key : options.audit_keys) {
        Config earlier;
        if (key != kNoKey) earlier.audit_hmac_key = SecretSource{"--audit-key", key, {}};
        auto digest = audit_digest(earlier);
        if (!digest) return digest.error();
        digests.push_back(*std::move(digest));
    }
    return digests;
}

void print(const StoreReport& report) {
    for (const auto& fault : report.faults) {
        std::cout << "fault: " << fault.kind << ": " << printable(fault.where) << ": "
                  << printable(fault.detail) << '\n';
    }
    for (const auto& fault : report.audit.faults) {
        std::cout << "fault: audit_" << fault.kind << ": " << fault.place.file << ", line "
                  << fault.place.line << ", record " << fault.place.seq << '\n';
    }
    const auto shown = report.faults.size() + report.audit.faults.size();
    if (report.fault_count > shown)
        std::cout << "and " << counted(report.fault_count - shown, "fault") << " more\n";
    for (const auto& note : report.notes)
        std::cout << "note: " << note << '\n';
    std::cout << counted(report.certificates, "certificate") << ", "
              << counted(report.audit.records, "audit record") << ": "
              << (report.fault_count == 0 ? "all sound\n" : "not sound\n");
}

Json store_report_json(const StoreReport& report) {
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

/// Each node of a cluster has a chain of its own, under the same key.
Result<void> add_other_nodes(const Config& config, const std::vector<std::string>& files,
                             std::vector<AuditChain>& chains) {
    for (const std::string& file : files) {
        auto digest = audit_digest(config);
        if (!digest) return digest.error();
        auto others = sort_by_key({file}, one_of(*std::move(digest)));
        if (!others) return others.error();
        for (AuditChain& chain : *others)
            chains.push_back(std::move(chain));
    }
    return {};
}

int verify(const StoreVerifyOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    auto digests = digests_of(*config, options);
    if (!digests) return complain(digests.error());
    std::vector<fs::path> files(options.audit.begin(), options.audit.end());
    files.push_back(config->audit_file);
    auto chains = sort_by_key(std::move(files), *std::move(digests));
    if (!chains) return complain(chains.error());
    if (auto added = add_other_nodes(*config, options.node_audit, *chains); !added)
        return complain(added.error());

    StoreReport report;
    const auto store = open(*config, options.store, report);
    if (!store) return complain(store.error());
    const IssuerKeys issuers = issuer_keys(*config, report);
    if (auto done = verify_certificates(**store, issuers, report); !done)
        return complain(in_context("the store", done.error()));
    if (auto done = verify_with_audit(**store, *chains, told_issuers(*config), report); !done)
        return complain(done.error());
    if (options.json) {
        print_json(store_report_json(report));
    } else {
        print(report);
    }
    return flush_output(report.fault_count == 0 ? kSuccess : kFailed);
}

}  // namespace

void add_store_verify(CLI::App& store, int& status) {
    auto options = std::make_shared<StoreVerifyOptions>();
    CLI::App* command = store.add_subcommand(
        "verify",
        "Look through the whole store and the audit file: each certificate is readable, as its row "
        "says, signed by a configured CA, and stands in the audit file; each one that left is in "
        "the store, and each revocation. The server may be running. Exit status 1: there are "
        "faults.");
    add_config_option(*command, options->config);
    command->add_flag("--json", options->json, "Print JSON");
    command->add_option("--store", options->store, "Another SQLite file, such as a backup")
        ->type_name("FILE");
    command
        ->add_option("--audit", options->audit,
                     "Audit files that were rotated or moved away, in any order")
        ->type_name("FILE");
    command
        ->add_option("--node-audit", options->node_audit,
                     "Audit files of other nodes on the same store (docs/cluster.md), one of each")
        ->type_name("FILE");
    command
        ->add_option("--audit-key", options->audit_keys,
                     "The key of those that were written before audit.hmac_key was changed; "
                     "'none': they had none")
        ->type_name("FILE");
    command->callback([&status, options] { status = verify(*options); });
}

}  // namespace scepgate::server::cli

// scepgate audit verify | head
#include <filesystem>
#include <iostream>

#include "server/audit_files.hpp"
#include "server/audit_settings.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/support.hpp"
#include "server/counted.hpp"

namespace scepgate::server::cli {
namespace {

using Json = nlohmann::ordered_json;

struct AuditOptions {
    std::string config, hmac_key, kept;
    std::vector<std::string> files;
    bool json = false;
};

/// What is read, and how it was hashed.
struct AuditSubject {
    AuditFiles files;
    AuditDigest digest;
};

/// Prints what is wrong and gives nothing when the options do not say it.
std::optional<AuditSubject> subject_of(const AuditOptions& options) {
    AuditSubject subject;
    for (const std::string& file : options.files)
        subject.files.files.emplace_back(file);
    if (!options.config.empty()) {
        const auto config = load_or_complain(options.config);
        if (!config) return std::nullopt;
        auto digest = audit_digest(*config);
        if (!digest) {
            complain(kUsage, digest.error().detail);
            return std::nullopt;
        }
        subject.digest = *std::move(digest);
        subject.files.files.push_back(config->audit_file);
    } else if (!options.hmac_key.empty()) {
        Config config;
        config.audit_hmac_key = SecretSource{"--hmac-key", options.hmac_key, {}};
        auto digest = audit_digest(config);
        if (!digest) {
            complain(kUsage, digest.error().detail);
            return std::nullopt;
        }
        subject.digest = *std::move(digest);
    }
    if (subject.files.files.empty()) {
        complain(kUsage, "say what to look at: --config FILE, or audit files");
        return std::nullopt;
    }
    return subject;
}

Json audit_json(const AuditPlace& place) {
    return {{"file", place.file}, {"line", place.line}, {"seq", place.seq}};
}

/// Without any record there is nothing to vouch for: a compressed file, or a wrong one.
bool is_sound(const AuditReport& report) {
    return report.fault_count == 0 && report.records != 0;
}

Json audit_json(const AuditReport& report) {
    Json json = {{"sound", is_sound(report)},
                 {"files", report.files},
                 {"records", report.records},
                 {"first_seq", report.first_seq},
                 {"last_seq", report.last.seq},
                 {"head", report.records == 0 ? "" : to_text(report.last)},
                 {"fault_count", report.fault_count},
                 {"faults", Json::array()},
                 {"notes", Json::array()}};
    for (const AuditFault& fault : report.faults) {
        Json one = audit_json(fault.place);
        one["kind"] = fault.kind;
        one["expected"] = fault.expected;
        one["found"] = fault.found;
        json["faults"].push_back(one);
    }
    for (const AuditNote& note : report.notes) {
        Json one = audit_json(note.place);
        one["text"] = note.text;
        json["notes"].push_back(one);
    }
    return json;
}

std::string place_text(const AuditPlace& place) {
    std::string text = place.file;
    if (place.line != 0) text += ", line " + std::to_string(place.line);
    if (place.seq != 0) text += ", record " + std::to_string(place.seq);
    return text;
}

void print(const AuditReport& report) {
    for (const AuditFault& fault : report.faults) {
        std::cout << "fault: " << fault.kind << ": " << place_text(fault.place) << "\n    expected "
                  << fault.expected << "\n    found    " << fault.found << '\n';
    }
    if (report.fault_count > report.faults.size()) {
        std::cout << "and " << counted(report.fault_count - report.faults.size(), "fault")
                  << " more\n";
    }
    for (const AuditNote& note : report.notes)
        std::cout << "note: " << place_text(note.place) << ": " << note.text << '\n';
    std::cout << counted(report.records, "record") << " in " << counted(report.files, "file");
    if (report.records != 0) std::cout << ", " << report.first_seq << " to " << report.last.seq;
    std::cout << (is_sound(report)          ? ": the chain is sound\n"
                  : report.fault_count == 0 ? ": there is no chain\n"
                                            : ": the chain is broken\n");
}

int verify(const AuditOptions& options) {
    auto subject = subject_of(options);
    if (!subject) return kUsage;
    if (!options.kept.empty()) {
        const auto kept = parse_audit_position(options.kept);
        if (!kept) return complain(kUsage, "--head: " + kept.error().detail);
        subject->files.kept = *kept;
    }
    // Rotated files have no head: the one that is written to has.
    subject->files.head_needed = !options.config.empty();
    const auto report = verify_audit_files(subject->files, subject->digest);
    if (!report) return complain(report.error());
    if (options.json) {
        print_json(audit_json(*report));
    } else {
        print(*report);
    }
    return flush_output(is_sound(*report) ? kSuccess : kFailed);
}

int head(const AuditOptions& options) {
    const auto subject = subject_of(options);
    if (!subject) return kUsage;
    const auto& file = subject->files.files.back();
    const auto head = read_audit_head(file, subject->digest);
    if (!head) return complain(head.error());
    std::error_code ignored;
    if (!*head && !std::filesystem::exists(file, ignored)) {
        return complain(kFailed, "there is no audit file " + file.string() +
                                     " yet: it begins with the server's first start");
    }
    if (!*head) {
        return complain(kFailed, "there is no sound " + audit_head_file(file).string() +
                                     ": 'scepgate audit verify' says more");
    }
    if (options.json) {
        print_json({{"seq", (*head)->last.seq},
                    {"hash", to_hex((*head)->last.hash)},
                    {"head", to_text((*head)->last)}});
    } else {
        std::cout << to_text((*head)->last) << '\n';
    }
    return flush_output(kSuccess);
}

}  // namespace

void add_audit(CLI::App& app, int& status) {
    CLI::App* audit = app.add_subcommand("audit", "Verify the audit file");
    audit->require_subcommand(1);
    auto options = std::make_shared<AuditOptions>();
    const auto common = [options](CLI::App* command) {
        auto* config =
            command->add_option("--config", options->config, "The server's configuration");
        config->type_name("FILE");
        command
            ->add_option("--hmac-key", options->hmac_key,
                         "Without --config: the file with the key of audit.hmac_key")
            ->type_name("FILE")
            ->excludes(config);
        command->add_flag("--json", options->json, "Print JSON");
    };
    CLI::App* verify_command = audit->add_subcommand(
        "verify",
        "Read the audit file and tell whether its chain is sound: no record was edited, taken out, "
        "put in, moved or cut off at the end. The server may be running. Exit status 1: it is "
        "not.");
    common(verify_command);
    verify_command
        ->add_option("FILES", options->files,
                     "Files that were rotated away, in any order; without --config all files")
        ->type_name("FILE");
    verify_command->add_option("--head", options->kept,
                               "What 'audit head' printed once: it must be in the chain");
    verify_command->callback([&status, options] { status = verify(*options); });
    CLI::App* head_command = audit->add_subcommand(
        "head",
        "Print the number and hash of the last record. Kept where nobody of this machine can "
        "change "
        "it, it shows later that nothing before it was changed or cut off ('verify --head').");
    common(head_command);
    head_command->add_option("FILE", options->files, "Without --config: the audit file")
        ->expected(1)
        ->type_name("FILE");
    head_command->callback([&status, options] { status = head(*options); });
}

}  // namespace scepgate::server::cli

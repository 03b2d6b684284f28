// scepgate cert revoke | hold | release
#include <iostream>

#include "server/audit_trail.hpp"
#include "server/cli/cert.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/operator_act.hpp"
#include "server/cli/support.hpp"
#include "server/config_reader.hpp"
#include "server/text_escape.hpp"

namespace scepgate::server::cli {
namespace {

using ca_backend::CertificateRow;
using certs::RevocationReason;

struct CertRevokeOptions {
    std::string config;
    std::string serial;
    std::string reason = "unspecified";
    std::string invalidity_date;
    std::string ca;
    std::string not_after;  ///< with not_recorded
    bool not_recorded = false;
    bool json = false;
};

AuditEvent event_of(RevocationReason reason) {
    if (reason == RevocationReason::kCertificateHold) return "hold";
    if (reason == RevocationReason::kRemoveFromCrl) return "release";
    return "revoke";
}

void print(const ca_backend::Revoked& revoked, bool json) {
    const CertificateRow& row = revoked.certificate;
    if (json) {
        auto all = to_json(row);
        for (const auto& renewal : revoked.renewals)
            all["rejected_renewals"].push_back(renewal.transaction_id);
        return print_json(all);
    }
    const std::string& name = row.subject.empty() ? row.subject_alt_name : row.subject;
    std::cout << "Certificate " << row.serial
              << (row.der.empty() ? ", which is not recorded, " : " for '" + name + "' ");
    if (!row.revocation) {
        std::cout << "is good again";
    } else {
        std::cout << (row.revocation->on_hold() ? "is on hold" : "is revoked: ")
                  << (row.revocation->on_hold() ? "" : to_text(row.revocation->reason));
    }
    std::cout << "; the next CRL says so\n";
    for (const auto& renewal : revoked.renewals) {
        std::cout << "Its renewal " << renewal.id << " (" << printable(renewal.transaction_id)
                  << "), which was open, is rejected\n";
    }
}

/// A time of day, or a day's beginning.
Result<std::int64_t> parse_date(const std::string& text) {
    constexpr std::size_t kDay = std::string_view("2027-01-01").size();
    auto time = parse_time(text.size() == kDay ? text + "T00:00:00Z" : text);
    if (time) return time;
    return Error{Errc::kMalformed, "'" + text + "': give a time such as 2027-01-01T00:00:00Z"};
}

/// What the change is done to, and its facts for the audit file.
struct RevokedSubject {
    ca_backend::RevocationOrder order;
    CertificateRow row;
};

/// By its number and issuer alone. 0 or the exit status.
int find_not_recorded(const CertRevokeOptions& options, const Config& config,
                      RevokedSubject& subject) {
    const auto name = choose_ca(config, options.ca);
    if (!name) return kUsage;
    const auto ca = load_ca(config, *name);
    if (!ca) return kUsage;
    const auto serial = ca_backend::parse_serial(options.serial);
    if (!serial) return complain(kUsage, "serial number: " + serial.error().detail);
    const auto& certificate = ca->chain().front();
    std::int64_t not_after = certificate.not_after();
    if (!options.not_after.empty()) {
        const auto given = parse_date(options.not_after);
        if (!given) return complain(kUsage, "--not-after: " + given.error().detail);
        if (*given <= certs::SystemClock().now() - ca_backend::kListedAfterExpiry) {
            return complain(kUsage,
                            "--not-after: one that ended over 30 days ago is trusted by nobody");
        }
        not_after = *given;
    }
    subject.order.certificate = {ca_backend::issuer_hash(certificate.subject_der()), *serial};
    subject.order.not_recorded = not_after;
    subject.row.serial = to_hex(ca_backend::without_sign_octet(*serial));
    subject.row.ca = *name;
    subject.row.not_after = not_after;
    return kSuccess;
}

int find_recorded(const CertRevokeOptions& options, ca_backend::Store& store,
                  RevokedSubject& subject) {
    auto row = find_certificate(store, options.serial, options.ca);
    if (!row) {
        Error error = row.error();
        if (error.code == Errc::kNotFound) {
            error.detail +=
                "; one that was issued after the backup that this store was restored from is "
                "taken back with --not-recorded";
        }
        return complain_of(error);
    }
    const auto certificate = certs::Certificate::from_der(row->der);
    if (!certificate) return complain(kFailed, certificate.error().detail);
    // By the certificate's own issuer: the CA may have another key, name or certificate by now, or
    // be gone from the configuration, and its certificates must be revocable all the same.
    subject.order.certificate = ca_backend::certificate_id(*certificate);
    subject.row = *std::move(row);
    return kSuccess;
}

int change(const CertRevokeOptions& options, RevocationReason reason) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    auto records = open_records(*config);
    if (!records) return kUsage;
    RevokedSubject subject;
    const int found = options.not_recorded ? find_not_recorded(options, *config, subject)
                                           : find_recorded(options, *records->store, subject);
    if (found != kSuccess) return found;
    subject.order.reason = reason;
    subject.order.at = certs::SystemClock().now();
    subject.order.by = operator_name();
    if (!options.invalidity_date.empty()) {
        const auto date = parse_date(options.invalidity_date);
        if (!date) return complain(kUsage, "--invalidity-date: " + date.error().detail);
        if (*date > subject.order.at)
            return complain(kUsage, "--invalidity-date: it lies in the future");
        subject.order.invalidity_date = *date;
    }
    const CertificateRow& row = subject.row;
    const auto facts = [&](AuditRecord& line) {
        line.add("ca", row.ca).add("serial", row.serial);
        if (options.not_recorded) {
            line.add("recorded", "no");
        } else {
            line.add("subject", row.subject).add_if("subject_alt_name", row.subject_alt_name);
        }
        line.add("not_after", certs::utc_text(row.not_after)).add("reason", to_text(reason));
        if (subject.order.invalidity_date)
            line.add("invalidity_date", certs::utc_text(*subject.order.invalidity_date));
    };
    const auto done = audited(*records->audit, event_of(reason), facts,
                              [&] { return wait_for(records->store->revoke(subject.order)); });
    if (!done) return complain(kFailed, done.error().detail);
    for (const auto& renewal : done->renewals) {
        const auto told = records->audit->write(ended_renewal(renewal));
        if (!told) {
            return complain(kFailed,
                            "done, but the audit file does not say which renewals ended: " +
                                told.error().detail);
        }
    }
    print(*done, options.json);
    return flush_output(kSuccess);
}

int revoke(const CertRevokeOptions& options) {
    const auto reason = certs::revocation_reason_from_text(options.reason);
    if (!reason) return complain(kUsage, "--reason: " + reason.error().detail);
    if (*reason == RevocationReason::kRemoveFromCrl) {
        return complain(kUsage, "--reason: removeFromCRL ends a hold: use 'scepgate cert release'");
    }
    return change(options, *reason);
}

}  // namespace

void add_cert_revoke(CLI::App& cert, int& status) {
    auto options = std::make_shared<CertRevokeOptions>();
    const auto add = [&cert, options](const char* name, const char* help) {
        CLI::App* command = cert.add_subcommand(name, help);
        command
            ->add_option("SERIAL", options->serial,
                         "The serial number in hex, with or without colons or 0x")
            ->required();
        add_config_option(*command, options->config);
        command->add_flag("--json", options->json, "Print the certificate's record as JSON");
        auto* not_recorded = command->add_flag(
            "--not-recorded", options->not_recorded,
            "The store does not know the certificate, as after a restore: take it back by its "
            "serial number alone");
        command->add_option("--ca", options->ca,
                            "Its CA, where several have such a one, or (--not-recorded) where "
                            "there are several");
        command
            ->add_option("--not-after", options->not_after,
                         "Until when it is valid, as in 2027-01-01T00:00:00Z: so long it is "
                         "listed. Default: as long as the CA")
            ->needs(not_recorded);
        return command;
    };
    CLI::App* revoke_command =
        add("revoke",
            "Revoke a certificate for ever; it stands in the next CRL, and cannot renew. The "
            "server may be running");
    revoke_command
        ->add_option("--reason", options->reason,
                     "keyCompromise, affiliationChanged, superseded, cessationOfOperation, "
                     "privilegeWithdrawn, ... (RFC 5280)")
        ->capture_default_str();
    revoke_command->add_option("--invalidity-date", options->invalidity_date,
                               "Since when its key was, or may have been, in other hands, as in "
                               "2026-11-01T08:00:00Z; the CRL says so");
    revoke_command->callback([&status, options] { status = revoke(*options); });
    add("hold", "Revoke a certificate until 'cert release' (reason certificateHold)")
        ->callback(
            [&status, options] { status = change(*options, RevocationReason::kCertificateHold); });
    add("release", "End the hold of a certificate: it is good again")->callback([&status, options] {
        status = change(*options, RevocationReason::kRemoveFromCrl);
    });
}

}  // namespace scepgate::server::cli

// scepgate cert revoke | hold | release
#include <iostream>

#include "server/cli/cert.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/operator_act.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

using ca_backend::CertificateRow;
using certs::RevocationReason;

struct Options {
    std::string config;
    std::string serial;
    std::string reason = "unspecified";
    bool json = false;
};

AuditEvent event_of(RevocationReason reason) {
    if (reason == RevocationReason::kCertificateHold) return "hold";
    if (reason == RevocationReason::kRemoveFromCrl) return "release";
    return "revoke";
}

void print(const CertificateRow& row, bool json) {
    if (json) return print_json(to_json(row));
    const std::string& name = row.subject.empty() ? row.subject_alt_name : row.subject;
    std::cout << "Certificate " << row.serial << " for '" << name << "' ";
    if (!row.revocation) {
        std::cout << "is good again";
    } else {
        std::cout << (row.revocation->on_hold() ? "is on hold" : "is revoked: ")
                  << (row.revocation->on_hold() ? "" : to_text(row.revocation->reason));
    }
    std::cout << "; the next CRL says so\n";
}

int change(const Options& options, RevocationReason reason) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    auto records = open_records(*config);
    if (!records) return kUsage;
    const auto row = records->store->find_serial(options.serial);
    if (!row) {
        return complain(row.error().code == Errc::kMalformed ? kUsage : kFailed,
                        row.error().detail);
    }
    if (!*row) return complain(kFailed, "there is no certificate with serial " + options.serial);
    const auto certificate = certs::Certificate::from_der((*row)->der);
    if (!certificate) return complain(kFailed, certificate.error().detail);

    // By the certificate's own issuer: the CA may have another key, name or certificate by now, or
    // be gone from the configuration, and its certificates must be revocable all the same.
    const ca_backend::RevocationOrder order{ca_backend::certificate_id(*certificate), reason,
                                            certs::SystemClock().now()};
    const auto facts = [&](AuditRecord& line) {
        line.add("ca", (*row)->ca)
            .add("serial", (*row)->serial)
            .add("subject", (*row)->subject)
            .add_if("subject_alt_name", (*row)->subject_alt_name)
            .add("not_after", certs::utc_text((*row)->not_after))
            .add("reason", to_text(reason));
    };
    const auto done = audited(*records->audit, event_of(reason), facts,
                              [&] { return wait_for(records->store->revoke(order)); });
    if (!done) return complain(kFailed, done.error().detail);
    print(*done, options.json);
    return flush_output(kSuccess);
}

int revoke(const Options& options) {
    const auto reason = certs::revocation_reason_from_text(options.reason);
    if (!reason) return complain(kUsage, "--reason: " + reason.error().detail);
    if (*reason == RevocationReason::kRemoveFromCrl) {
        return complain(kUsage, "--reason: removeFromCRL ends a hold: use 'scepgate cert release'");
    }
    return change(options, *reason);
}

}  // namespace

void add_cert_revoke(CLI::App& cert, int& status) {
    auto options = std::make_shared<Options>();
    const auto add = [&cert, options](const char* name, const char* help) {
        CLI::App* command = cert.add_subcommand(name, help);
        command->add_option("SERIAL", options->serial, "The serial number in hex")->required();
        add_config_option(*command, options->config);
        command->add_flag("--json", options->json, "Print the certificate's record as JSON");
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
    revoke_command->callback([&status, options] { status = revoke(*options); });
    add("hold", "Revoke a certificate until 'cert release' (reason certificateHold)")
        ->callback(
            [&status, options] { status = change(*options, RevocationReason::kCertificateHold); });
    add("release", "End the hold of a certificate: it is good again")->callback([&status, options] {
        status = change(*options, RevocationReason::kRemoveFromCrl);
    });
}

}  // namespace scepgate::server::cli

// scepgate ca renew
#include "certs/certificate_builder.hpp"
#include "certs/clock.hpp"
#include "certs/oids.hpp"
#include "server/cli/ca_commands.hpp"
#include "server/cli/ca_parent.hpp"
#include "server/cli/ca_rollover.hpp"
#include "server/cli/ca_setup.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/support.hpp"
#include "server/config_reader.hpp"
#include "server/shell_word.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;

struct CaRenewOptions {
    CaOptions common;
    std::string validity;
    bool new_key = false;
    std::string from;
};

/// The same name, key and extensions, for as long again.
Result<certs::Certificate> renewed(const Party& ca, std::int64_t not_after, std::int64_t now) {
    const certs::Certificate& old = ca.certificate;
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.issuer_der = to_bytes(old.subject_der());
    contents.subject_der = contents.issuer_der;
    contents.not_before = now - 600;
    contents.not_after = not_after;
    contents.spki = to_bytes(old.spki());
    for (const auto& extension : old.extensions()) {
        // It names the serial number of the one before.
        if (equal(extension.oid, certs::oid::kAuthorityKeyIdentifier)) continue;
        contents.extensions.push_back(
            certs::encode_extension(extension.oid, extension.critical, extension.value));
    }
    return certs::build_certificate(contents, ca.key, certs::digest_for(ca.key.public_key()));
}

/// What its file is to hold: the parent's chain stands behind it where one did.
Result<std::string> with_parents(const certs::Certificate& fresh, const fs::path& file,
                                 const std::optional<FoundParent>& parent) {
    const auto before = certs::Certificate::all_from_file(file);
    if (!before) return before.error();
    std::vector<certs::Certificate> all{fresh};
    if (parent && before->size() > 1) {
        const auto above = CaSetup::chain_of(*parent->config);
        if (!above) return above.error();
        all.insert(all.end(), above->begin(), above->end());
    }
    return pem_of(all);
}

Result<CaReport> renew(const CaRenewOptions& options, const CaSetup& setup) {
    const auto ca = setup.find(options.common.ca);
    if (!ca) return ca.error();
    const auto party = setup.load(**ca);
    if (!party) return party.error();
    const certs::Certificate& old = party->certificate;
    const std::string at =
        " --config " + shell_path(options.common.config) + " --ca " + shell_word(options.common.ca);
    const bool root = old.self_issued() && old.signed_by(party->key.public_key());
    std::optional<FoundParent> parent;
    if (!root) {
        auto found = find_parent(setup, old);
        if (!found) return found.error();
        parent = *std::move(found);
    }
    if (!root && !parent) {
        return Error{Errc::kDenied, "'" + old.subject_text() +
                                        "' is certified by the CA above it: make a request "
                                        "(scepgate ca csr" +
                                        at +
                                        " --out FILE), have it certified, and install the answer "
                                        "(scepgate ca install" +
                                        at + " FILE…)"};
    }
    const std::int64_t length = options.validity.empty() ? old.not_after() - old.not_before()
                                                         : parse_duration(options.validity).value();
    const std::int64_t until = setup.now + length;
    auto fresh = root ? renewed(*party, until, setup.now)
                      : renewed_by(parent->party, *parent->config, old, setup.now - 600, until);
    if (!fresh) return fresh.error();
    CaReport report;
    if (!root && fresh->not_after() < until) {
        report.notes.push_back("cut to the end of '" + fresh->issuer_text() + "', " +
                               certs::utc_text(fresh->not_after()));
    }
    auto pem = with_parents(*fresh, (*ca)->certificate, parent);
    if (!pem) return pem.error();
    if (fresh->not_after() <= old.not_after()) {
        return Error{Errc::kDenied, "it would end on " + certs::utc_text(fresh->not_after()) +
                                        ", before the present one: give a longer --validity" +
                                        (root ? "" : ", or renew the CA above it first")};
    }
    const fs::path file = (*ca)->certificate;
    const fs::path old_file = file_of_before(file, old);
    const auto done = setup.perform("ca_renew", options.common.ca, *fresh, [&]() -> Result<void> {
        if (const auto kept = keep_before(old, file); !kept) return kept.error();
        return replace_file_like(file, file, as_bytes(*pem));
    });
    if (!done) return done.error();
    report.ca = options.common.ca;
    name_before(setup, report.ca, old_file, report.notes);
    report.certificate = std::move(*fresh);
    report.headline = "The CA '" + options.common.ca +
                      "' is renewed with the same key: " + file.string() +
                      "; the certificate of before is " + old_file.string();
    report.notes.push_back(
        "devices and services that trust the old certificate need the new one before the old one "
        "ends; what was issued before is good under both");
    report.next = "Send a running server SIGHUP.";
    return report;
}

int run(CaRenewOptions& options) {
    if (options.new_key) {
        if (options.from.empty())
            return complain(kUsage,
                            "--new-key makes another CA that takes over: say when, with "
                            "--from TIME");
        return roll_over(options.common.config, options.common.ca, options.from,
                         options.common.json);
    }
    if (!options.from.empty()) return complain(kUsage, "--from goes with --new-key");
    int status = kUsage;
    const auto setup = CaSetup::open(options.common.config, status);
    if (!setup) return status;
    const auto report = renew(options, *setup);
    if (!report) return complain(report.error());
    return print(*report, options.common.json);
}

}  // namespace

void add_ca_renew(CLI::App& ca, int& status) {
    CLI::App* command = ca.add_subcommand(
        "renew",
        "Renew a CA that is self-signed, or below another of the configuration: a new certificate "
        "for the same name and key, in place of the old one; or with --new-key a successor with a "
        "name and key of its own, as 'ca rollover'. A CA below one elsewhere is renewed by "
        "'ca csr' and 'ca install'.");
    auto options = std::make_shared<CaRenewOptions>();
    options->common.add_to(*command, "The CA's name in the configuration");
    command
        ->add_option("--validity", options->validity,
                     "How long; else as long as the present certificate")
        ->check(a_duration());
    command->add_flag("--new-key", options->new_key, "Make a new key, and a new CA with it");
    command
        ->add_option("--from", options->from,
                     "With --new-key: when it takes over, in UTC: 2027-01-01T00:00:00Z")
        ->type_name("TIME");
    command->callback([&status, options] { status = run(*options); });
}

}  // namespace scepgate::server::cli

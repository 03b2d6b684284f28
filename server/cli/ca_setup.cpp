#include "server/cli/ca_setup.hpp"

#include <algorithm>
#include <iostream>

#include "certs/certificate_bundle.hpp"
#include "certs/clock.hpp"
#include "server/audit_settings.hpp"
#include "server/ca_name_advice.hpp"
#include "server/cli/ca_publication.hpp"
#include "server/cli/ca_request.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/support.hpp"
#include "server/credentials.hpp"

namespace scepgate::server::cli {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

Error held_by_signer(const CaConfig& ca) {
    return Error{Errc::kConfig, ca.json_path +
                                    ": its key is in the signer: give this command the signer's "
                                    "configuration, as the signer's user, and copy the "
                                    "certificate here (docs/signer.md, Renewal and rollover)"};
}

}  // namespace

std::optional<CaSetup> CaSetup::open(const std::string& file, int& status) {
    status = kUsage;
    auto lock = ConfigLock::take(file);
    if (!lock) {
        status = complain(lock.error());
        return std::nullopt;
    }
    auto config = load_or_complain(file);
    if (!config) return std::nullopt;
    auto audit = open_audit(*config);
    if (!audit) {
        complain(kUsage, audit.error().detail);
        return std::nullopt;
    }
    return CaSetup{std::move(*lock), std::move(*config), std::move(*audit),
                   certs::SystemClock().now()};
}

Result<const CaConfig*> CaSetup::find(const std::string& name) const {
    const auto found = config.cas.find(name);
    if (found != config.cas.end()) return &found->second;
    return Error{Errc::kConfig, "there is no CA '" + name + "' in the configuration"};
}

Result<void> CaSetup::check_subject(const std::string& ca, ByteView subject_der,
                                    const certs::PublicKey* key) const {
    for (const auto& [name, other] : config.cas) {
        if (name == ca) continue;
        const auto certificate = certs::Certificate::from_file(other.certificate);
        const auto asked =
            certificate ? certs::Name::from_der(certificate->subject_der()) : requested_name(other);
        if (!asked || !certs::same_name(asked->der(), subject_der)) continue;
        if (certificate && key != nullptr && equal(certificate->spki(), key->spki())) continue;
        return Error{Errc::kDenied, "the CA '" + name + "' has the name '" + asked->text() +
                                        "': serial numbers, revocations and CRLs belong to a name, "
                                        "so give each CA its own"};
    }
    return {};
}

void CaSetup::note_policies(const CaChain& chain, std::vector<std::string>& notes) const {
    std::string without;
    for (const auto& [name, tmpl] : config.templates) {
        if (tmpl.certificate_policies.empty()) without += (without.empty() ? "" : ", ") + name;
    }
    if (chain.requires_policies.empty() || without.empty()) return;
    notes.push_back("'" + chain.requires_policies +
                    "' requires certificate policies of all below it (policyConstraints): "
                    "verifiers refuse what the templates without certificate_policies make (" +
                    without + "), and RA certificates");
}

Result<certs::PrivateKey> CaSetup::load_key(const CaConfig& ca) const {
    if (ca.signer) return held_by_signer(ca);
    ConfigFaults faults;
    auto key = CredentialLoader(faults, now).key(ca.key);
    if (key) return std::move(*key);
    if (faults.list().empty()) return Error{Errc::kConfig, ca.json_path + ".key is not complete"};
    return Error{Errc::kConfig, faults.list().front().text()};
}

Result<Party> CaSetup::load(const CaConfig& ca) const {
    if (ca.signer) return held_by_signer(ca);
    ConfigFaults faults;
    // One that has expired needs its successor all the more.
    auto credential = CredentialLoader(faults, now)
                          .credential(ca.certificate, ca.key, ca.json_path, Expiry::kWarning);
    for (const auto& fault : faults.list()) {
        if (!fault.warning) return Error{Errc::kConfig, fault.text()};
    }
    if (!credential) return Error{Errc::kConfig, ca.json_path + " is not complete"};
    return Party{credential->certificate, credential->key};
}

Result<std::vector<certs::Certificate>> CaSetup::chain_of(const CaConfig& ca) {
    auto chain = certs::Certificate::all_from_file(ca.certificate);
    if (!chain || !ca.chain) return chain;
    const auto more = certs::Certificate::all_from_file(*ca.chain);
    if (!more) return more.error();
    chain->insert(chain->end(), more->begin(), more->end());
    return chain;
}

void CaSetup::describe(AuditRecord& line, const std::string& ca,
                       const certs::Certificate& certificate) {
    line.add("ca", ca);
    if (!certificate) return;
    line.add("subject", certificate.subject_text())
        .add("serial", certificate.serial_hex())
        .add("fingerprint", to_hex(certificate.fingerprint()))
        .add("not_after", certs::utc_text(certificate.not_after()));
}

void CaOptions::add_to(CLI::App& command, const std::string& ca_help) {
    add_config_option(command, config);
    command.add_option("--ca", ca, ca_help)->required()->type_name("NAME");
    command.add_flag("--json", json, "Print the result as JSON");
}

void CaNameOptions::add_to(CLI::App& command) {
    auto* whole = command.add_option("--subject", subject,
                                     "The CA's whole name: \"CN=Example Issuing CA,O=Example\"");
    command.add_option("--ca-name", common_name, "The CA's common name alone")->excludes(whole);
}

Result<certs::Name> CaNameOptions::name() const {
    auto name = subject.empty() ? cli::common_name(common_name) : certs::Name::from_text(subject);
    const char* option = subject.empty() ? "--ca-name" : "--subject";
    if (!name) return Error{Errc::kConfig, std::string(option) + ": " + name.error().detail};
    if (const auto sound = name->check_certifiable(); !sound)
        return Error{Errc::kConfig, std::string(option) + ": " + sound.error().detail};
    return name;
}

void warn_of_name(const certs::Name& name) {
    for (const std::string& advice : ca_name_advice(name))
        std::cerr << "warning: " << advice << '\n';
}

Result<void> check_new_name(const Config& config, const std::string& ca) {
    const bool sound = !ca.empty() && ca.size() <= 64 && ca.front() != '.' && ca.front() != '-' &&
                       std::all_of(ca.begin(), ca.end(), [](char c) {
                           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                                  (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
                       });
    if (!sound) {
        return Error{Errc::kConfig, "--ca: '" + ca +
                                        "' is no name for files: use 1 to 64 letters, digits and "
                                        ". _ -"};
    }
    if (!config.cas.contains(ca)) return {};
    return Error{Errc::kDenied, "there is a CA '" + ca + "' in the configuration already"};
}

Result<bool> enter_ca(const ConfigLock& lock, const std::string& ca, const Json& entry) {
    return edit_config(lock, [&](Json& config) -> Result<void> {
        config["cas"][ca] = entry;
        return {};
    });
}

fs::path file_of_before(const fs::path& file, const certs::Certificate& old) {
    return file.string() + "." + certs::utc_text(old.not_after()).substr(0, 10) + "." +
           old.serial_hex() + ".bak";
}

Result<void> keep_before(const certs::Certificate& old, const fs::path& file) {
    const fs::path place = file_of_before(file, old);
    if (const auto kept = certs::Certificate::from_file(place); kept && *kept == old) return {};
    std::error_code ignored;
    if (fs::exists(place, ignored))
        return Error{Errc::kDenied, place.string() + " is there, and another certificate"};
    return replace_file_like(file, place, as_bytes(old.pem()));
}

void name_before(const CaSetup& setup, const std::string& ca, const fs::path& kept,
                 std::vector<std::string>& notes) {
    const auto issues = [&ca](const EndpointConfig& endpoint) {
        return endpoint.renewal &&
               (endpoint.ca == ca || (endpoint.next && endpoint.next->ca == ca));
    };
    const auto& endpoints = setup.config.endpoints;
    if (std::none_of(endpoints.begin(), endpoints.end(), issues)) return;
    const std::string name = name_in_config(kept, setup.folder());
    const auto entered = edit_config(setup.lock, [&](Json& config) -> Result<void> {
        for (std::size_t i = 0; i < endpoints.size(); ++i) {
            if (!issues(endpoints[i])) continue;
            Json& cas = config.at("endpoints").at(i)["renewal"]["previous_cas"];
            if (!cas.is_array()) cas = Json::array();
            if (std::find(cas.begin(), cas.end(), Json(name)) == cas.end()) cas.push_back(name);
        }
        return {};
    });
    if (entered && *entered) return;
    notes.push_back("add \"" + name +
                    "\" to endpoints[].renewal.previous_cas, so that what its end cut short is "
                    "renewed for its whole time: the configuration was left alone, " +
                    (entered ? "because it has comments" : entered.error().detail));
}

Result<std::vector<certs::Certificate>> read_any_certificates(const fs::path& file) {
    const auto text = read_whole_file(file);
    if (!text) return text.error();
    auto all = certs::read_certificate_bundle(as_bytes(*text));
    if (all) return all;
    return Error{Errc::kConfig, file.string() + ": " + all.error().detail +
                                    "; give certificates in PEM or DER, or a PKCS#7 (.p7b)"};
}

void add_publication(CaReport& report, const CaSetup& setup) {
    CaPublication published = publication_like(setup.lock, "", report.ca);
    report.entry.update(published.members);
    if (published.members.contains("crl_urls")) {
        report.notes.push_back(
            "CRL and OCSP are published as the other CA's are: judge crl_urls "
            "and ocsp_urls before it issues (docs/revocation.md)");
    }
    for (std::string& note : published.notes)
        report.notes.push_back(std::move(note));
}

int print(const CaReport& report, bool json) {
    const certs::Certificate& certificate = report.certificate;
    if (json) {
        Json out{{"ca", report.ca}, {"configured", report.entered}, {"entry", report.entry}};
        if (certificate) {
            out["subject"] = certificate.subject_text();
            out["serial"] = certificate.serial_hex();
            out["not_after"] = certs::utc_text(certificate.not_after());
            out["fingerprint"] = to_hex(certificate.fingerprint());
        }
        out["notes"] = report.notes;
        print_json(out);
        return flush_output(kSuccess);
    }
    std::cout << report.headline << '\n';
    if (certificate) {
        std::cout << "Subject: " << certificate.subject_text()
                  << "\nValid until: " << certs::utc_text(certificate.not_after())
                  << "\nSHA-256 fingerprint: " << to_hex(certificate.fingerprint()) << '\n';
    }
    for (const auto& note : report.notes)
        std::cout << "Note: " << note << '\n';
    if (!report.entered) {
        std::cout << "The configuration has comments, so it was left alone. Put under 'cas':\n\n\""
                  << report.ca << "\": " << report.entry.dump(2) << "\n\n";
    }
    if (!report.next.empty()) std::cout << report.next << '\n';
    return flush_output(kSuccess);
}

}  // namespace scepgate::server::cli

// scepgate ca crl
#include <iostream>

#include "certs/clock.hpp"
#include "server/cli/ca_commands.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/config_edit.hpp"
#include "server/cli/describe_parts.hpp"
#include "server/cli/operator_act.hpp"
#include "server/cli/store_access.hpp"
#include "server/cli/support.hpp"
#include "server/published_file.hpp"
#include "server/runtime_publishing.hpp"

namespace scepgate::server::cli {
namespace {

using ca_backend::CrlKind;
using Json = nlohmann::ordered_json;

struct CrlOptions {
    std::string config;
    std::string ca;
    std::string out;
    std::string above;
    bool delta = false;
    bool publish = false;
    bool der = false;
    bool json = false;
};

Json crl_json(const certs::Crl& crl, const std::string& ca) {
    Json revoked = Json::array();
    for (const auto entry : crl.entries()) {
        Json one{{"serial", to_hex(entry.serial)},
                 {"revoked_at", certs::utc_text(entry.revoked_at)},
                 {"reason", to_text(entry.reason)}};
        if (entry.invalidity_date) one["invalidity_date"] = certs::utc_text(*entry.invalidity_date);
        revoked.push_back(std::move(one));
    }
    Json json{{"ca", ca}, {"number", to_hex(crl.number())}};
    if (crl.base_number()) json["base_number"] = to_hex(*crl.base_number());
    json["this_update"] = certs::utc_text(crl.this_update());
    json["next_update"] = certs::utc_text(crl.next_update());
    json["revoked"] = std::move(revoked);
    json["pem"] = crl.pem();
    return json;
}

/// The number of a CRL that this CA has signed: with scepgate before, or with another program.
Result<std::int64_t> number_of_earlier(const std::string& file, const certs::Certificate& ca) {
    const auto content = read_whole_file(file);
    if (!content) return content.error();
    const auto pem = first_pem_block(*content);
    const auto der = pem ? from_base64(without_blanks(pem->body)) : to_bytes(as_bytes(*content));
    if (!der) return in_context(file, der.error());
    const auto crl = certs::Crl::from_der(*der, certs::CrlScope::kAny);
    if (!crl) return in_context(file, crl.error());
    const auto key = ca.public_key();
    if (!key || !equal(crl->issuer_der(), ca.subject_der()) || !crl->signed_by(*key)) {
        return Error{Errc::kDenied, file + " is not a CRL of " + ca.subject_text()};
    }
    constexpr std::size_t kMostOctets = 7;
    const ByteView number = crl->number();
    if (number.empty() || number.size() > kMostOctets) {
        return Error{Errc::kUnsupported, file + (number.empty() ? " has no CRL number"
                                                                : " has a CRL number of more than "
                                                                  "7 octets, which none here "
                                                                  "can follow")};
    }
    std::int64_t value = 0;
    for (const std::uint8_t octet : number)
        value = (value << 8) | octet;
    return value;
}

int lift(const CrlOptions& options, const std::string& name, const certs::Certificate& ca,
         Records& records) {
    const auto above = number_of_earlier(options.above, ca);
    if (!above) return complain(kFailed, above.error().detail);
    const auto facts = [&](AuditRecord& line) { line.add("ca", name).add("above", *above); };
    const auto lifted = audited(*records.audit, "crl_number", facts, [&] {
        return wait_for(
            records.store->lift_crl_number(ca_backend::issuer_hash(ca.subject_der()), *above));
    });
    if (!lifted) return complain(kFailed, lifted.error().detail);
    return kSuccess;
}

int publish(const CaConfig& config, const std::string& name, const ca_backend::CaBackend& ca,
            CrlKind kind, const certs::Crl& crl) {
    const auto& certificate = ca.chain().front();
    const auto files = crl_files(config, certificate, kind);
    if (files.empty()) {
        return complain(kUsage, "CA \"" + name + "\" has no crl.publish_to in the configuration");
    }
    for (const auto& file : files) {
        if (const auto done = publish_file(file, crl.der()); !done)
            return complain(kFailed, done.error().detail);
    }
    for (const auto& file : certificate_files(config, certificate)) {
        if (const auto done = publish_file(file, certificate.der()); !done)
            return complain(kFailed, done.error().detail);
    }
    return kSuccess;
}

int print(const CrlOptions& options, const std::string& name, const certs::Crl& crl) {
    const std::string pem = crl.pem();
    if (!options.out.empty()) {
        const auto content = options.der ? crl.der() : as_bytes(pem);
        const auto written = replace_file(options.out, content, false);
        if (!written) return complain(kFailed, written.error().detail);
    }
    if (options.json) {
        print_json(crl_json(crl, name));
    } else if (!options.out.empty() || options.publish) {
        std::cout << (crl.base_number() ? "Delta CRL " : "CRL ") << to_hex(crl.number()) << " of "
                  << name << ", " << crl.entries().size() << " revoked, until "
                  << certs::utc_text(crl.next_update())
                  << (options.out.empty() ? " was published" : ": " + options.out) << '\n';
    } else if (options.der) {
        std::cout << as_text(crl.der());
    } else {
        std::cout << pem;
    }
    return flush_output(kSuccess);
}

int make(const CrlOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const auto name = choose_ca(*config, options.ca);
    if (!name) return kUsage;
    auto records = open_records(*config);
    if (!records) return kUsage;
    const auto ca = load_ca(*config, *name, records->audit);
    if (!ca) return kUsage;
    if (const auto lifted = lift_crl_number(*config, *name, *records->store); !lifted)
        return complain(kFailed, lifted.error().detail);
    if (!options.above.empty()) {
        const int lifted = lift(options, *name, ca->chain().front(), *records);
        if (lifted != kSuccess) return lifted;
    }
    const CrlKind kind = options.delta ? CrlKind::kDelta : CrlKind::kComplete;
    const auto current = wait_for(ca->crl(*records->store, {kind, ca_backend::CrlDemand::kNewest}));
    if (!current) {
        std::string fault = current.error().detail;
        if (current.error().code == Errc::kUnsupported && options.delta)
            fault += "; add crl.delta to it (docs/revocation.md)";
        return complain(kFailed, fault);
    }
    if (options.publish) {
        const int published = publish(config->cas.at(*name), *name, *ca, kind, *current);
        if (published != kSuccess) return published;
    }
    return print(options, *name, *current);
}

}  // namespace

void add_ca_crl(CLI::App& ca, int& status) {
    auto options = std::make_shared<CrlOptions>();
    CLI::App* command = ca.add_subcommand(
        "crl",
        "Print or write a CA's current CRL, made anew when a certificate was revoked since; "
        "the server may be running");
    add_config_option(*command, options->config);
    command->add_option("--ca", options->ca, "The CA's name, where there are several");
    command->add_flag("--delta", options->delta,
                      "The delta CRL: what has changed since a complete one");
    command->add_option("--out", options->out, "Where to write it")->type_name("FILE");
    command->add_flag("--publish", options->publish,
                      "Write it, and the CA's certificate, where crl.publish_to and "
                      "crl.publish_certificate_to say");
    command
        ->add_option("--above", options->above,
                     "First go on with a greater number than this CRL of the same CA has, as "
                     "after a restore, or when a CA is taken over")
        ->type_name("FILE");
    command->add_flag("--der", options->der, "DER instead of PEM");
    command->add_flag("--json", options->json, "Print what it says as JSON");
    command->callback([&status, options] { status = make(*options); });
}

}  // namespace scepgate::server::cli

#include "server/cli/cert.hpp"

#include <iostream>

#include <nlohmann/json.hpp>
#include <openssl/x509.h>

#include "certs/clock.hpp"
#include "certs/ossl.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/store_access.hpp"
#include "server/cli/support.hpp"
#include "server/config_reader.hpp"

namespace scepgate::server::cli {
namespace {

using ca_backend::CertificateRow;
using Json = nlohmann::ordered_json;

struct Options {
    std::string config;
    std::string serial;
    std::string subject, transaction, expiring;
    std::size_t limit = 1000;
    bool revoked = false;
    bool json = false;
};

}  // namespace

Json to_json(const CertificateRow& row) {
    Json json = {{"serial", row.serial},
                 {"subject", row.subject},
                 {"subject_alt_name", row.subject_alt_name},
                 {"issuer", row.issuer},
                 {"not_before", certs::utc_text(row.not_before)},
                 {"not_after", certs::utc_text(row.not_after)},
                 {"issued_at", certs::utc_text(row.issued_at)},
                 {"endpoint", row.endpoint},
                 {"transaction_id", row.transaction_id},
                 {"ca", row.ca},
                 {"template", row.template_name},
                 {"policy", row.policy},
                 {"device_id", row.device_id},
                 {"user_id", row.user_id}};
    if (row.revocation) {
        json["revoked_at"] = certs::utc_text(row.revocation->at);
        json["revocation_reason"] = to_text(row.revocation->reason);
    }
    return json;
}

namespace {

std::string_view status_of(const CertificateRow& row) {
    if (!row.revocation) return "";
    return row.revocation->on_hold() ? "on hold  " : "revoked  ";
}

int list(const Options& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const auto store = open_store_to_read(*config);
    if (!store) return kUsage;
    ca_backend::CertificateFilter filter;
    if (!options.subject.empty()) filter.subject_contains = options.subject;
    if (!options.transaction.empty()) filter.transaction_id = options.transaction;
    filter.revoked = options.revoked;
    if (!options.expiring.empty()) {
        const auto within = parse_duration(options.expiring);
        if (!within) return complain(kUsage, "--expiring: " + within.error().detail);
        filter.expires_after = certs::SystemClock().now();
        filter.expires_until = *filter.expires_after + *within;
    }
    filter.limit = options.limit;
    const auto rows = store->list(filter);
    if (!rows) return complain(kFailed, rows.error().detail);
    if (options.json) {
        Json all = Json::array();
        for (const auto& row : *rows)
            all.push_back(to_json(row));
        print_json(all);
        return kSuccess;
    }
    for (const auto& row : *rows) {
        std::cout << row.serial << "  " << certs::utc_text(row.issued_at) << "  until "
                  << certs::utc_text(row.not_after) << "  " << status_of(row) << row.template_name
                  << "  " << (row.subject.empty() ? row.subject_alt_name : row.subject) << '\n';
    }
    return kSuccess;
}

int show(const Options& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const auto store = open_store_to_read(*config);
    if (!store) return kUsage;
    const auto row = store->find_serial(options.serial);
    if (!row) {
        return complain(row.error().code == Errc::kMalformed ? kUsage : kFailed,
                        row.error().detail);
    }
    if (!*row) return complain(kFailed, "there is no certificate with serial " + options.serial);
    const auto certificate = certs::Certificate::from_der((*row)->der);
    if (!certificate) return complain(kFailed, certificate.error().detail);
    if (options.json) {
        Json json = to_json(**row);
        json["fingerprint_sha256"] = to_hex(certificate->fingerprint());
        json["pem"] = certificate->pem();
        print_json(json);
        return kSuccess;
    }
    const Json fields = to_json(**row);
    for (const auto& [key, value] : fields.items()) {
        if (!value.get<std::string>().empty())
            std::cout << key << ": " << value.get<std::string>() << '\n';
    }
    std::cout << "fingerprint_sha256: " << to_hex(certificate->fingerprint()) << '\n';
    const auto* at = (*row)->der.data();
    const certs::X509Ptr parsed(d2i_X509(nullptr, &at, static_cast<long>((*row)->der.size())));
    const certs::BioPtr text(BIO_new(BIO_s_mem()));
    if (parsed && text && X509_print(text.get(), parsed.get()) == 1) {
        char* data = nullptr;
        const long size = BIO_get_mem_data(text.get(), &data);
        std::cout.write(data, size);
    }
    std::cout << certificate->pem();
    return kSuccess;
}

}  // namespace

void add_cert(CLI::App& app, int& status) {
    CLI::App* cert = app.add_subcommand("cert", "Look at issued certificates, and revoke them");
    cert->require_subcommand(1);
    auto options = std::make_shared<Options>();
    const auto common = [options](CLI::App* command) {
        add_config_option(*command, options->config);
        command->add_flag("--json", options->json, "Print JSON");
    };
    CLI::App* list_command = cert->add_subcommand(
        "list", "List issued certificates, newest first; the server may be running");
    common(list_command);
    list_command->add_option("--subject", options->subject, "Only subjects that contain this text");
    list_command->add_option("--transaction", options->transaction, "Only this transactionID");
    list_command->add_flag("--revoked", options->revoked, "Only revoked ones, or on hold");
    list_command
        ->add_option("--expiring", options->expiring,
                     "Only those that expire within this time (30d), the soonest first")
        ->check(a_duration());
    list_command->add_option("--limit", options->limit, "At most this many")->capture_default_str();
    list_command->callback([&status, options] { status = list(*options); });

    CLI::App* show_command = cert->add_subcommand("show", "Show one certificate");
    common(show_command);
    show_command->add_option("SERIAL", options->serial, "The serial number in hex")->required();
    show_command->callback([&status, options] { status = show(*options); });
    add_cert_revoke(*cert, status);
}

}  // namespace scepgate::server::cli

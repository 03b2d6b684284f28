#include "server/cli/cert.hpp"

#include <iostream>

#include <nlohmann/json.hpp>
#include <openssl/x509.h>

#include "certs/clock.hpp"
#include "certs/ossl.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/store_access.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

using ca_backend::CertificateRow;
using Json = nlohmann::ordered_json;

struct CertOptions {
    std::string config;
    std::string serial;
    std::string ca;
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

std::string cas_of(const std::vector<CertificateRow>& rows) {
    std::string text;
    for (const CertificateRow& row : rows)
        text += (text.empty() ? "'" : ", '") + row.ca + "' (" + row.issuer + ")";
    return text;
}

}  // namespace

Result<CertificateRow> find_certificate(ca_backend::Store& store, const std::string& serial,
                                        const std::string& ca) {
    auto rows = store.with_serial(serial);
    if (!rows) return rows.error();
    if (rows->empty())
        return Error{Errc::kNotFound, "there is no certificate with serial " + serial};
    const std::string all = cas_of(*rows);
    // Two CAs may have had one name, one after the other.
    if (!ca.empty())
        std::erase_if(*rows, [&](const auto& row) { return row.ca != ca && row.issuer != ca; });
    if (rows->size() == 1) return std::move(rows->front());
    if (rows->empty()) {
        return Error{Errc::kConflict, "certificate " + serial + " is of " + all + ", and not of '" +
                                          ca + "': name the CA as it is there"};
    }
    return Error{Errc::kConflict, "there are several certificates with serial " + serial + ", of " +
                                      all + "; name one CA, or its subject, with --ca"};
}

int complain_of(const Error& error) {
    const bool asked_wrong = error.code == Errc::kMalformed || error.code == Errc::kConflict;
    return complain(asked_wrong ? kUsage : kFailed, error.detail);
}

namespace {

int show(const CertOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const auto store = open_store_to_read(*config);
    if (!store) return kUsage;
    const auto row = find_certificate(*store, options.serial, options.ca);
    if (!row) return complain_of(row.error());
    const auto certificate = certs::Certificate::from_der(row->der);
    if (!certificate) return complain(kFailed, certificate.error().detail);
    if (options.json) {
        Json json = to_json(*row);
        json["fingerprint_sha256"] = to_hex(certificate->fingerprint());
        json["pem"] = certificate->pem();
        print_json(json);
        return kSuccess;
    }
    const Json fields = to_json(*row);
    for (const auto& [key, value] : fields.items()) {
        if (!value.get<std::string>().empty())
            std::cout << key << ": " << value.get<std::string>() << '\n';
    }
    std::cout << "fingerprint_sha256: " << to_hex(certificate->fingerprint()) << '\n';
    const auto* at = row->der.data();
    const certs::X509Ptr parsed(d2i_X509(nullptr, &at, static_cast<long>(row->der.size())));
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
    auto options = std::make_shared<CertOptions>();
    add_cert_list(*cert, status);
    CLI::App* show_command = cert->add_subcommand("show", "Show one certificate");
    add_config_option(*show_command, options->config);
    show_command->add_flag("--json", options->json, "Print JSON");
    show_command->add_option("SERIAL", options->serial, "The serial number in hex")->required();
    show_command->add_option("--ca", options->ca, "Its CA, where several have such a one");
    show_command->callback([&status, options] { status = show(*options); });
    add_cert_revoke(*cert, status);
}

}  // namespace scepgate::server::cli

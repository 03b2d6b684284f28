#include <iostream>

#include <nlohmann/json.hpp>

#include "certs/clock.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/scep_session.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

struct Options {
    std::string url, out, fingerprint;
    WebSettings web;
    bool json = false;
};

int getca(const Options& options) {
    WebClient web(options.url, options.web);
    const auto ca = fetch_ca(web, options.fingerprint, certs::SystemClock().now());
    if (!ca) return complain(kFailed, ca.error().detail);

    std::error_code error;
    std::filesystem::create_directories(options.out, error);
    const std::filesystem::path out = options.out;
    const std::pair<const char*, std::string> files[] = {
        {"ca.pem", ca->ca.pem()},
        {"chain.pem", pem_of(ca->chain)},
        {"ra-signing.pem", ca->signing.pem()},
        {"ra-encryption.pem", ca->encryption.pem()}};
    for (const auto& [name, pem] : files) {
        const auto written = replace_file(out / name, as_bytes(pem), false);
        if (!written) return complain(kFailed, written.error().detail);
    }
    const std::pair<const char*, const certs::Certificate*> roles[] = {
        {"ca", &ca->ca}, {"ra-signing", &ca->signing}, {"ra-encryption", &ca->encryption}};
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (const auto& [role, certificate] : roles) {
        json[role] = {{"subject", certificate->subject_text()},
                      {"not_after", certs::utc_text(certificate->not_after())},
                      {"fingerprint_sha256", to_hex(certificate->fingerprint())}};
        if (options.json) continue;
        std::cout << role << ".pem: " << certificate->subject_text() << "\n  until "
                  << certs::utc_text(certificate->not_after()) << ", SHA-256 "
                  << to_hex(certificate->fingerprint()) << '\n';
    }
    if (options.json) print_json(json);
    return kSuccess;
}

}  // namespace

void add_getca(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand(
        "getca",
        "Fetch and verify a server's CA and RA certificates. Writes DIR/ca.pem (issuing CA), "
        "chain.pem, ra-signing.pem and ra-encryption.pem. Compare the CA's fingerprint with one "
        "from its operator, or give it as --fingerprint.");
    auto options = std::make_shared<Options>();
    command->add_option("--url", options->url, "The SCEP URL: http://HOST/PATH")->required();
    command->add_option("--out", options->out, "The folder to write to")
        ->required()
        ->type_name("DIR");
    command->add_option("--fingerprint", options->fingerprint,
                        "SHA-256 of a CA certificate that must be among them");
    command->add_option("--tls-ca", options->web.ca_file, "PEM to trust for https")
        ->type_name("FILE");
    command->add_flag("--json", options->json, "Print the result as JSON");
    command->callback([&status, options] { status = getca(*options); });
}

}  // namespace scepgate::server::cli

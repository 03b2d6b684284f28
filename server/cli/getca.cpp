#include <iostream>

#include "certs/algorithms.hpp"
#include "certs/clock.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/explain.hpp"
#include "server/cli/scep_session.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;
using Role = std::pair<const char*, const certs::Certificate*>;

struct GetcaOptions {
    ConnectionOptions connection;
    std::string in, out;
    bool json = false;
};

int write_all(const fs::path& out, const std::vector<std::pair<std::string, std::string>>& files) {
    std::error_code error;
    fs::create_directories(out, error);
    for (const auto& [name, pem] : files) {
        const auto written = replace_file(out / name, as_bytes(pem), false);
        if (!written) return complain(kFailed, written.error().detail);
    }
    return kSuccess;
}

/// What Windows compares and shows ("thumbprint").
std::string sha1_of(const certs::Certificate& certificate) {
    return to_hex(certs::digest_of(certs::Digest::kSha1, certificate.der()));
}

/// Whether it is its own issuer, and so one for lists of trusted CAs.
bool is_root(const certs::Certificate& certificate) {
    return equal(certificate.subject_der(), certificate.issuer_der());
}

void print_roles(const std::vector<Role>& roles, bool as_json) {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (const auto& [role, certificate] : roles) {
        json[role] = {{"subject", certificate->subject_text()},
                      {"not_before", certs::utc_text(certificate->not_before())},
                      {"not_after", certs::utc_text(certificate->not_after())},
                      {"fingerprint_sha256", to_hex(certificate->fingerprint())},
                      {"fingerprint_sha1", sha1_of(*certificate)}};
        if (as_json) continue;
        std::cout << role << ".pem: " << certificate->subject_text() << "\n  until "
                  << certs::utc_text(certificate->not_after()) << ", SHA-256 "
                  << to_hex(certificate->fingerprint()) << "\n  SHA-1 " << sha1_of(*certificate)
                  << '\n';
    }
    if (as_json) print_json(json);
}

int getca(const GetcaOptions& options) {
    const auto session = ScepSession::open(options.connection, certs::SystemClock().now());
    if (!session) return complain(session.error());
    const auto& ca = (*session)->ca();
    std::vector<std::pair<std::string, std::string>> files{
        {"ca.pem", ca.ca.pem()},
        {"chain.pem", pem_of(ca.chain)},
        {"ra-signing.pem", ca.signing.pem()},
        {"ra-encryption.pem", ca.encryption.pem()}};
    std::vector<Role> roles{
        {"ca", &ca.ca}, {"ra-signing", &ca.signing}, {"ra-encryption", &ca.encryption}};
    const certs::Certificate& last = ca.chain.back();
    if (is_root(last)) {
        files.emplace_back("root.pem", last.pem());
        roles.insert(roles.begin(), {"root", &last});
    } else {
        std::cerr << "note: the server sends no root: its chain ends at '" << last.subject_text()
                  << "', below '" << last.issuer_text()
                  << "'; ask whoever runs that for its certificate\n";
    }
    const int status = write_all(options.out, files);
    if (status != kSuccess) return status;
    print_roles(roles, options.json);
    return kSuccess;
}

int getnextca(GetcaOptions& options) {
    if (!options.in.empty()) {
        trust_known_ca(options.connection, options.in);
        if (options.connection.fingerprint.empty() && options.connection.ca_files.empty()) {
            return complain(kUsage,
                            "--in: there is no " + (fs::path(options.in) / "ca.pem").string());
        }
    }
    const auto session = ScepSession::open(options.connection, certs::SystemClock().now());
    if (!session) return complain(session.error());
    const auto body = (*session)->next_ca();
    if (!body) {
        return complain({body.error().code,
                         body.error().detail + " (a server without a next CA answers so, too)"});
    }
    const auto next = scep::parse_next_ca_certificates(*body, (*session)->ca());
    if (!next) return complain(explain_reply(next.error(), (*session)->url()));
    const int status = write_all(
        options.out, {{"next-ca.pem", next->front().pem()}, {"next-chain.pem", pem_of(*next)}});
    if (status != kSuccess) return status;
    print_roles({{"next-ca", &next->front()}}, options.json);
    return kSuccess;
}

}  // namespace

void add_getca(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand(
        "getca",
        "Fetch and verify a server's CA and RA certificates. Writes DIR/ca.pem (issuing CA), "
        "root.pem (what it ends at; the same without a CA between), chain.pem (from one to the "
        "other), ra-signing.pem and ra-encryption.pem. Compare the CA's fingerprint with one "
        "from its operator, or give that as --ca-fingerprint.");
    auto options = std::make_shared<GetcaOptions>();
    options->connection.add_to(*command);
    command->add_option("--out", options->out, "The folder to write to")
        ->required()
        ->type_name("DIR");
    command->add_flag("--json", options->json, "Print the result as JSON");
    command->callback([&status, options] { status = getca(*options); });
}

void add_getnextca(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand(
        "getnextca",
        "Fetch the CA certificate that will follow the current one, before it does. The answer "
        "must be signed by the current CA or its RA; with --in that CA is the one already known "
        "there. Writes DIR/next-ca.pem and next-chain.pem (all that came, in its order).");
    auto options = std::make_shared<GetcaOptions>();
    options->connection.add_to(*command);
    command
        ->add_option("--in", options->in, "A folder of 'enroll' or 'getca': its ca.pem is trusted")
        ->type_name("DIR");
    command->add_option("--out", options->out, "The folder to write to")
        ->required()
        ->type_name("DIR");
    command->add_flag("--json", options->json, "Print the result as JSON");
    command->callback([&status, options] { status = getnextca(*options); });
}

}  // namespace scepgate::server::cli

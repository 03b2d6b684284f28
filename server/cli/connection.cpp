#include "server/cli/connection.hpp"

#include <algorithm>
#include <sstream>

#include "certs/asn1_string.hpp"
#include "server/http_address.hpp"

namespace scepgate::server::cli {
namespace {

constexpr std::string_view kDefaultPath = "/cgi-bin/pkiclient.exe";

/// Where the host begins, or npos.
std::size_t host_of(std::string_view url) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (certs::equal_ignoring_ascii_case(url.substr(0, scheme.size()), scheme)) {
            return scheme.size();
        }
    }
    return std::string_view::npos;
}

/// Whether it leads to this machine, where nobody is in between.
bool stays_here(std::string_view url) {
    std::string_view host = url.substr(std::min(host_of(url), url.size()));
    host = host.substr(0, host.find_first_of("/?#"));
    if (host.find('@') != std::string_view::npos) return false;  // what stands before it is no host
    if (host.starts_with('[')) {
        host = host.substr(1, std::min(host.find(']'), host.size()) - 1);
    } else {
        host = host.substr(0, host.find(':'));
    }
    if (certs::equal_ignoring_ascii_case(host, std::string_view("localhost"))) return true;
    const auto address = parse_address(host);
    return address && address->is_loopback();
}

/// "" when it is sound; then it has a path, by default that of RFC 8894 section 4.1.
std::string complete(std::string& url) {
    const std::size_t host = host_of(url);
    const bool plain =
        std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (host == std::string::npos || !plain) {
        return "'" + url + "' is not a URL such as http://HOST/scep";
    }
    const std::size_t end = std::min(url.find_first_of("/?#", host), url.size());
    if (end == host || url[host] == ':') return "'" + url + "' names no host";
    if (url.find('#') != std::string::npos) return "a SCEP URL has no '#': '" + url + "'";
    if (url.find("operation=") != std::string::npos) {
        return "leave 'operation=' out of '" + url + "': each request has its own";
    }
    if (end == url.size() || url[end] == '?') url.insert(end, kDefaultPath);
    return "";
}

std::string bare_fingerprint(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c != ':' && c != ' ')
            out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return out;
}

CLI::Validator a_fingerprint() {
    return {[](std::string& text) {
                const auto octets = from_hex(bare_fingerprint(text));
                return octets && octets->size() == Sha256().size()
                           ? std::string()
                           : std::string("a SHA-256 fingerprint has 64 hexadecimal digits");
            },
            "SHA256"};
}

/// Makes lines of a list with commas or blanks; a word that nobody knows is a slip of the keyboard.
std::string list_capabilities(std::string& text) {
    std::replace(text.begin(), text.end(), ',', '\n');
    std::replace(text.begin(), text.end(), ' ', '\n');
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        if (word != "none" && scep::parse_capabilities(word) == scep::ServerCapabilities{}) {
            return "'" + word +
                   "' is no capability; known are AES, DES3, SHA-1, SHA-256, SHA-512, "
                   "POSTPKIOperation, Renewal, GetNextCACert, SCEPStandard, and none";
        }
    }
    return "";
}

}  // namespace

CLI::Validator a_scep_url() {
    return {complete, "URL"};
}

void ConnectionOptions::add_to(CLI::App& command) {
    command
        .add_option("--url", url,
                    "The SCEP URL: http://HOST/PATH; without a path /cgi-bin/pkiclient.exe "
                    "(RFC 8894 section 4.1)")
        ->required()
        ->transform(a_scep_url())
        ->type_name("");
    auto* by_fingerprint =
        command
            .add_option("--ca-fingerprint,--fingerprint", fingerprint,
                        "SHA-256 of a CA certificate that the server must have (colons allowed)")
            ->check(a_fingerprint());
    command
        .add_option("--ca-file", ca_files,
                    "PEM with CA certificates of which the server must have one")
        ->type_name("FILE")
        ->excludes(by_fingerprint);
    command.add_option("--tls-ca", web.ca_file, "PEM to trust for https")->type_name("FILE");
    command
        .add_option("--trace", trace,
                    "Write every exchange to numbered files in DIR: as sent and received, and in "
                    "words; no secrets")
        ->type_name("DIR");
}

void ConnectionOptions::add_messages_to(CLI::App& command) {
    command.add_option("--method", method, "auto (POST when the server offers it), get or post")
        ->check(CLI::IsMember({"auto", "get", "post"}))
        ->capture_default_str();
    auto* assume =
        command
            .add_option("--assume-caps", assumed,
                        "What the server can, with commas between (AES,SHA-256,POSTPKIOperation; "
                        "SCEPStandard for all three; none), instead of asking GetCACaps")
            ->transform(CLI::Validator(list_capabilities, "LIST"))
            ->type_name("");
    command
        .add_flag("--require-scepstandard", require_standard,
                  "Stop when the server does not list SCEPStandard: for servers that are known to, "
                  "so that nobody in between can talk the client into 3DES and SHA-1")
        ->excludes(assume);
}

Result<std::vector<certs::Certificate>> ConnectionOptions::known_certificates() const {
    std::vector<certs::Certificate> known;
    for (const std::string& file : ca_files) {
        auto certificates = certs::Certificate::all_from_file(file);
        if (!certificates) return Error{Errc::kConfig, certificates.error().detail};
        if (certificates->empty()) return Error{Errc::kConfig, file + " holds no certificate"};
        known.insert(known.end(), certificates->begin(), certificates->end());
    }
    return known;
}

Result<std::vector<std::string>> ConnectionOptions::trusted_fingerprints() const {
    if (!fingerprint.empty()) return std::vector{bare_fingerprint(fingerprint)};
    const auto known = known_certificates();
    if (!known) return known.error();
    std::vector<std::string> trusted;
    for (const auto& certificate : *known)
        trusted.push_back(to_hex(certificate.fingerprint()));
    return trusted;
}

bool ConnectionOptions::blind() const {
    const bool tls = certs::equal_ignoring_ascii_case(std::string_view(url).substr(0, 6), "https:");
    return fingerprint.empty() && ca_files.empty() && !tls && !stays_here(url);
}

Result<Identity> load_identity(const std::string& directory) {
    const std::filesystem::path folder = directory;
    auto certificate = certs::Certificate::from_file(folder / "cert.pem");
    if (!certificate) return certificate.error();
    auto key = certs::PrivateKey::from_file(folder / "key.pem");
    if (!key) return key.error();
    const auto certified = certificate->public_key();
    if (!certified || *certified != key->public_key()) {
        return Error{Errc::kConfig, directory + ": cert.pem is not the certificate of key.pem"};
    }
    return Identity{std::move(*certificate), std::move(*key)};
}

void trust_known_ca(ConnectionOptions& options, const std::string& directory) {
    if (!options.fingerprint.empty() || !options.ca_files.empty()) return;
    for (const char* name : {"ca.pem", "next-ca.pem"}) {
        const std::filesystem::path file = std::filesystem::path(directory) / name;
        std::error_code error;
        if (std::filesystem::status(file, error).type() != std::filesystem::file_type::not_found)
            options.ca_files.push_back(file);
    }
}

}  // namespace scepgate::server::cli

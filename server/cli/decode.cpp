#include <fstream>
#include <iostream>
#include <iterator>

#include "server/cli/commands.hpp"
#include "server/cli/describe.hpp"
#include "server/cli/describe_parts.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

constexpr std::size_t kLargestMessage = 8 << 20;

struct DecodeOptions {
    std::string file, key, certificate;
    bool json = false;
};

Result<Bytes> read_all(const std::string& file) {
    std::ifstream opened;
    if (file != "-") opened.open(file, std::ios::binary);
    std::istream& stream = file == "-" ? std::cin : opened;
    Bytes content;
    if (stream) {
        content.resize(kLargestMessage + 1);
        stream.read(reinterpret_cast<char*>(content.data()),
                    static_cast<std::streamsize>(content.size()));
        content.resize(static_cast<std::size_t>(stream.gcount()));
    }
    if (stream.bad() || (content.empty() && !stream.eof())) {
        return Error{Errc::kUnavailable, "cannot read " + file};
    }
    if (content.size() > kLargestMessage) return malformed("more than 8 MiB: no SCEP message");
    return content;
}

Result<std::optional<scep::RecipientKey>> opener(const DecodeOptions& options) {
    if (options.key.empty()) return std::optional<scep::RecipientKey>{};
    auto certificate = certs::Certificate::from_file(options.certificate);
    if (!certificate) return certificate.error();
    auto key = certs::PrivateKey::from_file(options.key, {}, wide_key_limits());
    if (!key) return key.error();
    const auto certified = certificate->public_key(wide_key_limits());
    if (!certified || *certified != key->public_key()) {
        return Error{Errc::kConfig,
                     options.certificate + " is not the certificate of " + options.key};
    }
    return std::optional(scep::RecipientKey{std::move(*certificate), std::move(*key)});
}

int decode(const DecodeOptions& options) {
    const auto key = opener(options);
    if (!key) return complain(kUsage, key.error().detail);
    const auto content = read_all(options.file);
    if (!content) return complain(kFailed, content.error().detail);
    const auto facts = describe_file(*content, *key ? &**key : nullptr);
    if (!facts) return complain(kFailed, options.file + ": " + facts.error().detail);
    if (options.json) {
        print_json(*facts);
    } else {
        std::cout << to_text(*facts);
    }
    return kSuccess;
}

}  // namespace

void add_decode(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand(
        "decode",
        "Say in words what a file of SCEP holds: a request or reply (pkiMessage), GetCACert's or "
        "GetCACaps's answer, a CSR, certificate, CRL or challenge blob. It may be DER, BER, PEM, "
        "base64, or a URL with 'message='. Checks signatures, trusts nothing. Secrets are not "
        "shown: of a challengePassword only its length.\n"
        "To look into a request, give the RA's encryption key and certificate; into a reply, the "
        "device's key and the certificate that signed the request.");
    auto options = std::make_shared<DecodeOptions>();
    command->add_option("FILE", options->file, "The file, or - for standard input")->required();
    auto* key = command->add_option("--key", options->key, "Private key (PEM) to open it with")
                    ->type_name("FILE");
    auto* certificate =
        command->add_option("--cert", options->certificate, "The certificate of --key (PEM)")
            ->type_name("FILE");
    key->needs(certificate);
    certificate->needs(key);
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([&status, options] { status = decode(*options); });
}

}  // namespace scepgate::server::cli

// scepgate ca csr
#include "server/cli/ca_request.hpp"

#include <algorithm>
#include <iostream>

#include "certs/clock.hpp"
#include "certs/csr.hpp"
#include "server/ca_chain.hpp"
#include "server/cli/ca_commands.hpp"
#include "server/cli/ca_setup.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;

struct CsrOptions {
    CaOptions common;
    CaNameOptions name;
    std::string out;
    std::optional<int> path_length;
};

fs::path request_file(const CaConfig& ca) {
    return fs::path(ca.certificate).replace_extension(".csr");
}

Result<certs::Name> name_for_request(const CsrOptions& options, const CaConfig& ca) {
    if (options.name.given()) return options.name.name();
    if (const auto certificate = certs::Certificate::from_file(ca.certificate))
        return certs::Name::from_der(certificate->subject_der());
    auto name = requested_name(ca);
    if (name) return name;
    return Error{Errc::kConfig, "the CA has no certificate yet (" + ca.certificate.string() +
                                    ") and no earlier request: name it with --ca-name or "
                                    "--subject"};
}

/// As it is asked for, or as it was: CAs may be below this one.
Result<std::optional<int>> wanted_path_length(const CsrOptions& options,
                                              const Result<certs::Certificate>& present) {
    if (options.path_length || !present) return std::optional(options.path_length.value_or(0));
    const auto length = path_length(*present);
    if (!length) return length.error();
    if (!*length) return std::optional<int>();
    return std::optional(static_cast<int>(std::min<std::int64_t>(**length, 10)));
}

int csr(const CsrOptions& options) {
    int status = kUsage;
    const auto setup = CaSetup::open(options.common.config, status);
    if (!setup) return status;
    const auto ca = setup->find(options.common.ca);
    if (!ca) return complain(ca.error());
    const auto key = setup->load_key(**ca);
    if (!key) return complain(key.error());
    const auto name = name_for_request(options, **ca);
    if (!name) return complain(name.error());
    const auto present = certs::Certificate::from_file((*ca)->certificate);
    const auto path_length = wanted_path_length(options, present);
    if (!path_length) return complain(path_length.error());
    const auto request =
        make_ca_request(*name, *key, *path_length, present ? *present : certs::Certificate());
    if (!request) return complain(request.error());
    const std::string pem = pem_text("CERTIFICATE REQUEST", *request);
    const auto done = setup->perform("ca_csr", options.common.ca, {}, [&]() -> Result<void> {
        if (options.out.empty()) return {};
        return replace_file(options.out, as_bytes(pem), false);
    });
    if (!done) return complain(done.error());
    warn_of_name(*name);
    if (options.common.json) {
        print_json({{"ca", options.common.ca}, {"subject", name->text()}, {"pem", pem}});
    } else if (options.out.empty()) {
        std::cout << pem;
    } else {
        std::cout << "Request of '" << name->text() << "': " << options.out << '\n';
    }
    return flush_output(kSuccess);
}

}  // namespace

Result<Bytes> make_ca_request(const certs::Name& subject, const certs::PrivateKey& key,
                              std::optional<int> path_length, const certs::Certificate& present) {
    Bytes identifier = key.public_key().key_identifier();
    if (present) {
        const auto certified = present.public_key();
        auto own = key_identifier_of(present);
        if (certified && own && *certified == key.public_key()) identifier = *std::move(own);
    }
    certs::CsrContents contents;
    contents.subject = subject;
    contents.more_extensions = ca_extensions(identifier, ca_usage(), path_length);
    return certs::build_csr(contents, key);
}

Result<certs::Name> requested_name(const CaConfig& ca) {
    const fs::path file = request_file(ca);
    const auto text = read_whole_file(file);
    if (!text) return text.error();
    constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE REQUEST-----";
    const auto begin = text->find(kBegin);
    const auto end = text->find("-----END CERTIFICATE REQUEST-----");
    if (begin == std::string::npos || end == std::string::npos || end < begin)
        return Error{Errc::kConfig, file.string() + " holds no request in PEM"};
    std::string base64 = text->substr(begin + kBegin.size(), end - begin - kBegin.size());
    std::erase_if(base64, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
    const auto der = from_base64(base64);
    if (!der) return Error{Errc::kConfig, file.string() + ": " + der.error().detail};
    const auto csr = certs::Csr::from_der(*der);
    if (!csr) return Error{Errc::kConfig, file.string() + ": " + csr.error().detail};
    return csr->subject();
}

void add_ca_csr(CLI::App& ca, int& status) {
    CLI::App* command = ca.add_subcommand(
        "csr",
        "Make a request for a CA's certificate, for the CA above it: the first one, or one "
        "that renews it with the same key. Nothing else is changed.");
    auto options = std::make_shared<CsrOptions>();
    options->common.add_to(*command, "The CA's name in the configuration");
    options->name.add_to(*command);
    command->add_option("--out", options->out, "Where to write it; else it is printed")
        ->type_name("FILE");
    command
        ->add_option("--path-length", options->path_length,
                     "How many CAs may be below it. Default: as its present certificate has it, "
                     "else 0")
        ->check(CLI::Range(0, 10));
    command->callback([&status, options] { status = csr(*options); });
}

}  // namespace scepgate::server::cli

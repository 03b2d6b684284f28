// scepgate ca csr, scepgate ca install
#include "server/cli/ca_request.hpp"

#include <iostream>

#include "certs/clock.hpp"
#include "certs/csr.hpp"
#include "server/cli/ca_commands.hpp"
#include "server/cli/ca_setup.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/support.hpp"
#include "server/shell_word.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct CsrOptions {
    CaOptions common;
    CaNameOptions name;
    std::string out;
    int path_length = 0;
};

fs::path request_file(const CaConfig& ca) {
    return fs::path(ca.certificate).replace_extension(".csr");
}

/// The name that was asked for when the CA was made.
Result<certs::Name> requested_name(const fs::path& file) {
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

Result<certs::Name> name_for_request(const CsrOptions& options, const CaConfig& ca) {
    if (options.name.given()) return options.name.name();
    if (const auto certificate = certs::Certificate::from_file(ca.certificate))
        return certs::Name::from_der(certificate->subject_der());
    auto name = requested_name(request_file(ca));
    if (name) return name;
    return Error{Errc::kConfig, "the CA has no certificate yet (" + ca.certificate.string() +
                                    ") and no earlier request: name it with --ca-name or "
                                    "--subject"};
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
    const auto request = make_ca_request(*name, *key, options.path_length);
    if (!request) return complain(request.error());
    const std::string pem = pem_text("CERTIFICATE REQUEST", *request);
    if (!options.out.empty()) {
        const auto written = replace_file(options.out, as_bytes(pem), false);
        if (!written) return complain(written.error());
    }
    const auto recorded = setup->record("ca_csr", options.common.ca, {});
    if (!recorded) return complain(recorded.error());
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

struct InstallOptions {
    CaOptions common;
    std::vector<std::string> files;
};

class Installer {
public:
    Installer(const InstallOptions& options, const CaSetup& setup)
        : options_(options), setup_(setup) {}

    Result<CaReport> install() {
        const auto ca = setup_.find(options_.common.ca);
        if (!ca) return ca.error();
        ca_ = *ca;
        const auto key = setup_.load_key(*ca_);
        if (!key) return key.error();
        auto given = read_files();
        if (!given) return given.error();
        auto chain = order_ca_chain(key->public_key(), *given, setup_.now);
        if (!chain) return chain.error();
        if (const auto same = check_name(chain->certificates.front()); !same) return same.error();
        report_.ca = options_.common.ca;
        report_.certificate = chain->certificates.front();
        report_.notes = std::move(chain->notes);
        if (const auto put = put_in_place(pem_of(chain->certificates)); !put) return put.error();
        report_.headline = "The certificate of '" + report_.ca + "' is installed.";
        report_.next =
            "Judge it (scepgate config check --config " + shell_path(options_.common.config) +
            ") and send a running server SIGHUP. RA certificates for an endpoint: scepgate ca ra "
            "--config " +
            shell_path(options_.common.config) + " --ca " + shell_word(report_.ca);
        return std::move(report_);
    }

private:
    Result<std::vector<certs::Certificate>> read_files() const {
        std::vector<certs::Certificate> all;
        for (const auto& file : options_.files) {
            const auto some = read_any_certificates(file);
            if (!some) return some.error();
            all.insert(all.end(), some->begin(), some->end());
        }
        return all;
    }

    /// CRLs and what was issued before belong to the name.
    [[nodiscard]] Result<void> check_name(const certs::Certificate& fresh) const {
        const auto before = certs::Certificate::from_file(ca_->certificate);
        if (!before || certs::same_name(before->subject_der(), fresh.subject_der())) return {};
        return Error{Errc::kDenied,
                     "the certificate is of '" + fresh.subject_text() + "', the CA's name is '" +
                         before->subject_text() +
                         "': a CA with another name is another CA ('scepgate ca import')"};
    }

    Result<void> put_in_place(const std::string& pem) {
        const auto recorded = setup_.record("ca_install", options_.common.ca, report_.certificate);
        if (!recorded) return recorded.error();
        if (ca_->chain) return beside(pem);
        // One rename; the configuration names the file already.
        std::error_code ignored;
        if (fs::exists(ca_->certificate, ignored)) {
            const fs::path old = ca_->certificate.string() + ".bak";
            if (!fs::copy_file(ca_->certificate, old, fs::copy_options::overwrite_existing,
                               ignored))
                return Error{Errc::kUnavailable, "cannot write " + old.string()};
            report_.notes.push_back("the old certificate is " + old.string());
        }
        return replace_file(ca_->certificate, as_bytes(pem), false);
    }

    /// Certificate and chain are two files, which cannot be replaced in one step: a new file takes
    /// the place of both, and the configuration goes over to it at once.
    Result<void> beside(const std::string& pem) {
        if (has_inner_comments(setup_.lock)) {
            return Error{Errc::kDenied,
                         "the configuration has comments, so it cannot be changed: "
                         "leave out " +
                             ca_->json_path + ".chain, which the certificate's file will hold"};
        }
        const fs::path file =
            setup_.folder() /
            (options_.common.ca + "-" + report_.certificate.serial_hex().substr(0, 8) + ".pem");
        if (const auto written = write_new_file(file, as_bytes(pem), false); !written)
            return written.error();
        NewFiles files;
        files.add(file);
        const auto edited = edit_config(setup_.lock, [&](Json& config) -> Result<void> {
            Json& entry = config.at("cas").at(options_.common.ca);
            entry["certificate"] = name_in_config(file, setup_.folder());
            entry.erase("chain");
            return {};
        });
        if (!edited) return edited.error();
        files.keep();
        report_.notes.push_back("certificate and chain are in " + file.string() + " now");
        return {};
    }

    const InstallOptions& options_;
    const CaSetup& setup_;
    const CaConfig* ca_ = nullptr;
    CaReport report_;
};

int install(const InstallOptions& options) {
    int status = kUsage;
    const auto setup = CaSetup::open(options.common.config, status);
    if (!setup) return status;
    const auto report = Installer(options, *setup).install();
    if (!report) return complain(report.error());
    return print(*report, options.common.json);
}

}  // namespace

Result<Bytes> make_ca_request(const certs::Name& subject, const certs::PrivateKey& key,
                              int path_length) {
    certs::CsrContents contents;
    contents.subject = subject;
    contents.more_extensions = ca_extensions(key.public_key(), ca_usage(), path_length);
    return certs::build_csr(contents, key);
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
    command->add_option("--path-length", options->path_length, "How many CAs may be below it")
        ->check(CLI::Range(0, 10))
        ->capture_default_str();
    command->callback([&status, options] { status = csr(*options); });
}

void add_ca_install(CLI::App& ca, int& status) {
    CLI::App* command = ca.add_subcommand(
        "install",
        "Install a CA's certificate that the CA above it has issued, with the whole chain up to "
        "the root, in any order: key, signatures, usages, path lengths and validity are checked, "
        "and nothing is changed when something is wrong or missing.");
    auto options = std::make_shared<InstallOptions>();
    options->common.add_to(*command, "The CA's name in the configuration");
    command
        ->add_option("FILE", options->files, "Certificates: PEM, DER, or a PKCS#7 (.p7b) in either")
        ->required();
    command->callback([&status, options] { status = install(*options); });
}

}  // namespace scepgate::server::cli

// scepgate ca install
#include "certs/clock.hpp"
#include "server/ca_names.hpp"
#include "server/cli/ca_commands.hpp"
#include "server/cli/ca_request.hpp"
#include "server/cli/ca_setup.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/support.hpp"
#include "server/shell_word.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

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
        report_.notes = std::move(chain->notes);
        setup_.note_policies(*chain, report_.notes);
        if (const auto same = check_name(chain->certificates.front()); !same) return same.error();
        report_.ca = options_.common.ca;
        report_.certificate = chain->certificates.front();
        const auto put = setup_.perform("ca_install", report_.ca, report_.certificate,
                                        [&] { return put_in_place(pem_of(chain->certificates)); });
        if (!put) return put.error();
        if (!kept_.empty()) name_before(setup_, report_.ca, kept_, report_.notes);
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

    /// CRLs and what was issued before belong to the name, octet by octet.
    [[nodiscard]] Result<void> check_name(const certs::Certificate& fresh) {
        const auto before = certs::Certificate::from_file(ca_->certificate);
        if (!before) {
            const auto free = setup_.check_subject(options_.common.ca, fresh.subject_der());
            return free ? note_name(fresh) : free;
        }
        if (equal(before->subject_der(), fresh.subject_der())) {
            note_what_is_less(*before, fresh);
            return check_key_identifier(*before, fresh);
        }
        if (certs::same_name(before->subject_der(), fresh.subject_der())) {
            return Error{Errc::kDenied,
                         "the certificate has the CA's name encoded otherwise than " +
                             ca_->certificate.string() + ": " +
                             name_difference(fresh.subject_der(), before->subject_der()) +
                             ". Every revocation would be lost, because CRL and OCSP go by the "
                             "name as it is encoded: have the CA above keep the request's subject "
                             "as it is (docs/ca.md, Renewal), and install that"};
        }
        return Error{Errc::kDenied,
                     "the certificate is of '" + fresh.subject_text() + "', the CA's name is '" +
                         before->subject_text() +
                         "': a CA with another name is another CA ('scepgate ca import')"};
    }

    /// The wrong file is easily taken, and nothing else says so.
    void note_what_is_less(const certs::Certificate& before, const certs::Certificate& fresh) {
        if (fresh.not_after() < before.not_after()) {
            report_.notes.push_back("it ends at " + certs::utc_text(fresh.not_after()) +
                                    ", and the one before at " +
                                    certs::utc_text(before.not_after()) +
                                    ": what is issued from now on ends no later than that");
        }
        const auto was = path_length(before);
        const auto is = path_length(fresh);
        if (was && is && *is && (!*was || **was > **is)) {
            report_.notes.push_back("it allows " + std::to_string(**is) +
                                    " CAs below it (pathlen), and the one before " +
                                    (*was ? std::to_string(**was) : std::string("any number")) +
                                    ": what CAs below it have issued may not verify any more");
        }
    }

    /// Certificates, CRLs and OCSP answers of before say by which identifier to find the key.
    [[nodiscard]] static Result<void> check_key_identifier(const certs::Certificate& before,
                                                           const certs::Certificate& fresh) {
        if (!equal(before.spki(), fresh.spki())) return {};
        const auto was = key_identifier_of(before);
        if (!was) return was.error();
        const auto is = key_identifier_of(fresh);
        if (!is) return is.error();
        if (*was == *is) return {};
        return Error{
            Errc::kDenied,
            "the certificate has " +
                (fresh.subject_key_identifier() ? "the subjectKeyIdentifier " + to_hex(*is)
                                                : std::string("no subjectKeyIdentifier")) +
                " for the key that had " + to_hex(*was) +
                ", which stands in all that was issued (authorityKeyIdentifier): verifiers "
                "would not find this certificate for it. Have the CA above take the "
                "identifier from the request ('scepgate ca csr' asks for the present "
                "one), and install that"};
    }

    /// The first certificate: nothing goes by its name yet.
    Result<void> note_name(const certs::Certificate& fresh) {
        const auto asked = requested_name(*ca_);
        if (asked && !equal(asked->der(), fresh.subject_der())) {
            report_.notes.push_back(
                "the CA above has not kept the request's name, which stays as "
                "it is in this certificate from now on: " +
                name_difference(fresh.subject_der(), asked->der()));
        }
        return {};
    }

    Result<void> put_in_place(const std::string& pem) {
        const auto before = certs::Certificate::from_file(ca_->certificate);
        if (before && !(*before == report_.certificate)) {
            if (const auto kept = keep_before(*before, ca_->certificate); !kept)
                return kept.error();
            kept_ = file_of_before(ca_->certificate, *before);
        }
        if (ca_->chain) return beside(pem);
        // One rename; the configuration names the file already.
        std::error_code ignored;
        if (!fs::exists(ca_->certificate, ignored)) {
            return write_new_file(ca_->certificate, as_bytes(pem), false,
                                  owner_beside(setup_.config));
        }
        const fs::path old = ca_->certificate.string() + ".bak";
        if (const auto kept = copy_file_like(ca_->certificate, old); !kept) return kept.error();
        report_.notes.push_back("the old certificate is " + old.string());
        return replace_file_like(ca_->certificate, ca_->certificate, as_bytes(pem));
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
        NewFiles files(owner_beside(setup_.config));
        if (const auto written = files.write(file, as_bytes(pem), false); !written)
            return written.error();
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
    fs::path kept_;  ///< the certificate of before; empty: there was none
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

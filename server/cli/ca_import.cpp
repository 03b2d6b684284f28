// scepgate ca import
#include "certs/encrypted_key.hpp"
#include "certs/pkcs12.hpp"
#include "server/ca_name_advice.hpp"
#include "server/cli/ca_commands.hpp"
#include "server/cli/ca_setup.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/support.hpp"
#include "server/shell_word.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;

struct ImportOptions {
    CaOptions common;
    std::string pkcs12;
    std::vector<std::string> certificates;
    KeyOptions key;
};

class Importer {
public:
    Importer(const ImportOptions& options, const CaSetup& setup)
        : options_(options), setup_(setup), files_(owner_beside(setup.config)) {}

    Result<CaReport> import() {
        const std::string& ca = options_.common.ca;
        if (const auto sound = check_new_name(setup_.config, ca); !sound) return sound.error();
        for (const auto& file : options_.certificates) {
            const auto some = read_any_certificates(file);
            if (!some) return some.error();
            given_.insert(given_.end(), some->begin(), some->end());
        }
        const auto taken = options_.pkcs12.empty() ? take_key() : take_pkcs12();
        if (!taken) return taken.error();
        auto chain = order_ca_chain(key_.key.public_key(), given_, setup_.now);
        if (!chain) return chain.error();

        const certs::Certificate& imported = chain->certificates.front();
        const auto key = key_.key.public_key();
        if (const auto free = setup_.check_subject(ca, imported.subject_der(), &key); !free)
            return free.error();

        CaReport report;
        report.ca = ca;
        report.certificate = chain->certificates.front();
        report.notes = std::move(chain->notes);
        setup_.note_policies(*chain, report.notes);
        report.entry = {{"type", "embedded"}, {"certificate", ca + ".pem"}, {"key", key_.json}};
        add_publication(report, setup_);
        const fs::path file = setup_.folder() / (ca + ".pem");
        const auto written = files_.write(file, as_bytes(pem_of(chain->certificates)), false);
        if (!written) return written.error();
        const auto entered = setup_.perform("ca_import", ca, report.certificate, [&] {
            auto done = enter_ca(setup_.lock, ca, report.entry);
            if (done) files_.keep();
            return done;
        });
        if (!entered) return entered.error();
        report.entered = *entered;
        report.headline = "The CA '" + ca + "' is imported: " + file.string();
        report.next = "RA certificates for an endpoint: scepgate ca ra --config " +
                      shell_path(options_.common.config) + " --ca " + shell_word(ca);
        return report;
    }

private:
    /// The key stays where it is.
    Result<void> take_key() {
        if (options_.key.key.empty())
            return Error{Errc::kConfig, "give --pkcs12, or --certificate and --key"};
        auto key = obtain_key(options_.key, {setup_.folder(), options_.common.ca}, files_);
        if (!key) return key.error();
        key_ = std::move(*key);
        return {};
    }

    /// Its key is written as PEM, under the same passphrase.
    Result<void> take_pkcs12() {
        const auto source = options_.key.passphrase();
        Secret passphrase;
        if (source) {
            auto read = read_secret(*source);
            if (!read) return read.error();
            passphrase = std::move(*read);
        }
        const auto octets = read_whole_file(options_.pkcs12);
        if (!octets) return octets.error();
        const Secret content{std::string_view(*octets)};
        auto read = certs::read_pkcs12(content.view(), passphrase);
        if (!read) return in_context(options_.pkcs12, read.error());
        if (read->certificate) given_.push_back(read->certificate);
        given_.insert(given_.end(), read->more.begin(), read->more.end());
        key_.key = read->key;
        const auto pem = passphrase.empty() ? read->key.to_pem()
                                            : certs::to_encrypted_pem(read->key, passphrase);
        if (!pem) return pem.error();
        const fs::path file = setup_.folder() / (options_.common.ca + ".key");
        if (const auto written = files_.write(file, pem->view(), true); !written)
            return written.error();
        key_.json = {{"file", file.filename().string()}};
        if (source) key_.json["passphrase"] = to_json(*source, setup_.folder());
        return {};
    }

    const ImportOptions& options_;
    const CaSetup& setup_;
    std::vector<certs::Certificate> given_;
    OrderedKey key_;
    NewFiles files_;
};

int import_ca(const ImportOptions& options) {
    int status = kUsage;
    const auto setup = CaSetup::open(options.common.config, status);
    if (!setup) return status;
    const auto report = Importer(options, *setup).import();
    if (!report) return complain(report.error());
    if (const auto name = certs::Name::from_der(report->certificate.subject_der()))
        warn_of_name(*name);
    return print(*report, options.common.json);
}

}  // namespace

void add_ca_import(CLI::App& ca, int& status) {
    CLI::App* command = ca.add_subcommand(
        "import",
        "Take over a CA that exists: from a PKCS#12 file, or certificate and key. The chain up to "
        "the root is checked. NAME.pem, and NAME.key from a PKCS#12, are written beside the "
        "configuration, which names them from then on.");
    auto options = std::make_shared<ImportOptions>();
    options->common.add_to(*command, "What the configuration is to call it");
    auto* pkcs12 = command->add_option("--pkcs12", options->pkcs12, "A PKCS#12 file (.p12, .pfx)")
                       ->type_name("FILE");
    command
        ->add_option("--certificate", options->certificates,
                     "The CA's certificate and those above it; may come several times")
        ->type_name("FILE");
    options->key.add_to(*command, "The CA's key", "none");
    command->get_option("--key")->excludes(pkcs12);
    command->callback([&status, options] { status = import_ca(*options); });
}

}  // namespace scepgate::server::cli

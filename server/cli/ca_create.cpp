// scepgate ca create
#include <algorithm>

#include "certs/clock.hpp"
#include "certs/csr.hpp"
#include "server/cli/ca_commands.hpp"
#include "server/cli/ca_parent.hpp"
#include "server/cli/ca_request.hpp"
#include "server/cli/ca_setup.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/support.hpp"
#include "server/config_reader.hpp"
#include "server/shell_word.hpp"

namespace scepgate::server::cli {
namespace {

struct CreateOptions {
    CaOptions common;
    CaNameOptions name;
    KeyOptions key;
    bool root = false;
    bool subordinate = false;
    std::string parent;
    std::string validity;
    std::optional<int> path_length;
};

constexpr std::int64_t kYear = 365 * std::int64_t{86'400};

class Creator {
public:
    Creator(const CreateOptions& options, const CaSetup& setup)
        : options_(options), setup_(setup), files_(owner_beside(setup.config)) {}

    Result<CaReport> create() {
        if (const auto sound = check_new_name(setup_.config, options_.common.ca); !sound)
            return sound.error();
        auto name = options_.name.name();
        if (!name) return name.error();
        subject_ = std::move(*name);
        // Before a key is made, which in a token would stay.
        if (const auto free = setup_.check_subject(options_.common.ca, subject_.der()); !free)
            return free.error();
        if (!options_.parent.empty()) {
            if (const auto read = read_parent(); !read) return read.error();
        }
        auto key = obtain_key(options_.key, {setup_.folder(), options_.common.ca}, files_);
        if (!key) return key.error();
        key_ = std::move(*key);
        const auto made = options_.subordinate ? make_request() : make_certificate();
        if (!made) return made.error();
        if (const auto entered = enter(); !entered) return entered.error();
        return std::move(report_);
    }

private:
    Result<void> read_parent() {
        const auto ca = setup_.find(options_.parent);
        if (!ca) return ca.error();
        auto party = setup_.load(**ca);
        if (!party) return party.error();
        parent_ = std::move(*party);
        auto pointers = pointers_of(**ca, parent_->certificate);
        if (!pointers) return pointers.error();
        pointers_ = std::move(*pointers);
        auto chain = CaSetup::chain_of(**ca);
        if (!chain) return chain.error();
        parents_ = std::move(*chain);
        return {};
    }

    [[nodiscard]] std::filesystem::path file(const std::string& ending) const {
        return setup_.folder() / (options_.common.ca + ending);
    }

    Result<void> make_certificate() {
        PartySettings order;
        order.subject = subject_;
        order.usage = ca_usage();
        order.ca = true;
        order.path_length = options_.path_length;
        order.existing_key = key_.key;
        // Backdated as device certificates are, for clocks that are behind.
        order.not_before = setup_.now - 600;
        order.not_after = setup_.now + validity();
        if (parent_) {
            const auto& above = parent_->certificate;
            if (!order.path_length) order.path_length = 0;
            order.pointers = pointers_;
            order.not_before = std::max(order.not_before, above.not_before());
            if (above.not_after() < order.not_after) {
                order.not_after = above.not_after();
                report_.notes.push_back("cut to the end of '" + above.subject_text() + "', " +
                                        certs::utc_text(above.not_after()));
            }
        }
        auto party = make_party(order, parent_ ? &*parent_ : nullptr);
        if (!party) return party.error();
        std::vector<certs::Certificate> all{party->certificate};
        all.insert(all.end(), parents_.begin(), parents_.end());
        const auto chain = order_ca_chain(key_.key.public_key(), all, setup_.now);
        if (!chain) return chain.error();
        report_.certificate = party->certificate;
        return write(file(".pem"), pem_of(chain->certificates));
    }

    [[nodiscard]] std::int64_t validity() const {
        if (!options_.validity.empty()) return parse_duration(options_.validity).value();
        return (parent_ ? 10 : 20) * kYear;
    }

    Result<void> make_request() {
        const auto csr = make_ca_request(subject_, key_.key, options_.path_length.value_or(0));
        if (!csr) return csr.error();
        return write(file(".csr"), pem_text("CERTIFICATE REQUEST", *csr));
    }

    Result<void> write(const std::filesystem::path& path, const std::string& content) {
        return files_.write(path, as_bytes(content), false);
    }

    Result<void> enter() {
        const std::string& ca = options_.common.ca;
        report_.ca = ca;
        report_.entry = {{"type", "embedded"}, {"certificate", ca + ".pem"}, {"key", key_.json}};
        add_publication(report_, setup_);
        const auto entered = setup_.perform("ca_create", ca, report_.certificate, [&] {
            auto done = enter_ca(setup_.lock, ca, report_.entry);
            if (done) files_.keep();
            return done;
        });
        if (!entered) return entered.error();
        report_.entered = *entered;
        const std::string at =
            " --config " + shell_path(options_.common.config) + " --ca " + shell_word(ca);
        if (options_.subordinate) {
            report_.headline = "The CA '" + ca + "' has a key, and waits for its certificate.";
            report_.next = "Have its request certified (" + file(".csr").string() +
                           "; again: scepgate ca csr" + at + "), then run: scepgate ca install" +
                           at + " FILE…";
        } else {
            report_.headline = "The CA '" + ca + "' is made: " + file(".pem").string();
            report_.next = setup_.config.signer
                               ? "Send a running signer SIGHUP. What the server needs: "
                                 "docs/signer.md (Renewal and rollover)"
                               : "RA certificates for an endpoint: scepgate ca ra" + at;
        }
        return {};
    }

    const CreateOptions& options_;
    const CaSetup& setup_;
    certs::Name subject_;
    std::optional<Party> parent_;
    std::vector<certs::Certificate> parents_;
    std::vector<Bytes> pointers_;
    OrderedKey key_;
    NewFiles files_;
    CaReport report_;
};

int create(const CreateOptions& options) {
    const int kinds =
        (options.root ? 1 : 0) + (options.subordinate ? 1 : 0) + (options.parent.empty() ? 0 : 1);
    if (kinds != 1)
        return complain(kUsage, "give one of --root, --subordinate and --subordinate-of");
    if (!options.name.given()) return complain(kUsage, "name it with --ca-name or --subject");
    int status = kUsage;
    const auto setup = CaSetup::open(options.common.config, status);
    if (!setup) return status;
    const auto report = Creator(options, *setup).create();
    if (!report) return complain(report.error());
    warn_of_name(options.name.name().value());
    return print(*report, options.common.json);
}

}  // namespace

void add_ca_create(CLI::App& ca, int& status) {
    CLI::App* command = ca.add_subcommand(
        "create",
        "Make a CA: a root, one below another CA of the configuration, or one whose request goes "
        "to a CA elsewhere. Its key is made, or taken from a file or a token; its files are "
        "NAME.key, NAME.pem and NAME.csr beside the configuration, which names it from then on.");
    auto options = std::make_shared<CreateOptions>();
    options->common.add_to(*command, "What the configuration is to call it");
    command->add_flag("--root", options->root, "Self-signed");
    command->add_flag("--subordinate", options->subordinate,
                      "Below a CA elsewhere: makes the request for that");
    command->add_option("--subordinate-of", options->parent, "Below this CA of the configuration")
        ->type_name("NAME");
    options->name.add_to(*command);
    options->key.add_to(*command, "The CA's key", "rsa:3072");
    command
        ->add_option("--validity", options->validity,
                     "How long; else 20 years for a root, 10 below another")
        ->check(a_duration());
    command
        ->add_option("--path-length", options->path_length,
                     "How many CAs may be below it; else any below a root, none below others")
        ->check(CLI::Range(0, 10));
    command->callback([&status, options] { status = create(*options); });
}

}  // namespace scepgate::server::cli

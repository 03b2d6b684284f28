// scepgate ca
#include <iostream>

#include "certs/clock.hpp"
#include "server/cli/ca_commands.hpp"
#include "server/cli/ca_rollover.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/store_access.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
    std::string config;
    std::string ca;
    std::string out;
    bool der = false;
    bool json = false;
};

Json to_json(const certs::Crl& crl, const std::string& ca) {
    Json revoked = Json::array();
    for (const auto entry : crl.entries()) {
        revoked.push_back({{"serial", to_hex(entry.serial)},
                           {"revoked_at", certs::utc_text(entry.revoked_at)},
                           {"reason", to_text(entry.reason)}});
    }
    return {{"ca", ca},
            {"number", to_hex(crl.number())},
            {"this_update", certs::utc_text(crl.this_update())},
            {"next_update", certs::utc_text(crl.next_update())},
            {"revoked", std::move(revoked)},
            {"pem", crl.pem()}};
}

/// The CA that --ca names, or the only one.
std::optional<std::string> choose(const Config& config, const Options& options) {
    if (!options.ca.empty()) return options.ca;
    if (config.cas.size() == 1) return config.cas.begin()->first;
    std::string all;
    for (const auto& [name, ca] : config.cas)
        all += (all.empty() ? "" : ", ") + name;
    complain(kUsage, "there are several CAs; choose one with --ca: " + all);
    return std::nullopt;
}

int crl(const Options& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const auto name = choose(*config, options);
    if (!name) return kUsage;
    const auto ca = load_ca(*config, *name);
    if (!ca) return kUsage;
    auto records = open_records(*config);
    if (!records) return kUsage;
    const auto before =
        records->store->find_crl(ca_backend::issuer_hash(ca->chain().front().subject_der()));
    if (!before) return complain(kFailed, before.error().detail);
    const auto current = wait_for(ca->crl(*records->store));
    if (!current) return complain(kFailed, current.error().detail);
    if (!*before || !equal((*before)->der, current->der())) {
        AuditRecord line("crl", certs::SystemClock().now());
        line.add("ca", *name)
            .add("number", to_hex(current->number()))
            .add("revoked", static_cast<std::int64_t>(current->entries().size()))
            .add("next_update", certs::utc_text(current->next_update()))
            .add("by", operator_name());
        if (const auto written = records->audit->write(line); !written) {
            return complain(kFailed, written.error().detail);
        }
    }
    const std::string pem = current->pem();
    if (!options.out.empty()) {
        const auto content = options.der ? current->der() : as_bytes(pem);
        const auto written = replace_file(options.out, content, false);
        if (!written) return complain(kFailed, written.error().detail);
    }
    if (options.json) {
        print_json(to_json(*current, *name));
    } else if (!options.out.empty()) {
        std::cout << "CRL " << to_hex(current->number()) << " of " << *name << ", "
                  << current->entries().size() << " revoked, until "
                  << certs::utc_text(current->next_update()) << ": " << options.out << '\n';
    } else if (options.der) {
        std::cout << as_text(current->der());
    } else {
        std::cout << pem;
    }
    return flush_output(kSuccess);
}

}  // namespace

void add_ca(CLI::App& app, int& status) {
    CLI::App* ca = app.add_subcommand("ca", "Work with the CAs of a configuration");
    ca->require_subcommand(1);
    add_ca_create(*ca, status);
    add_ca_import(*ca, status);
    add_ca_csr(*ca, status);
    add_ca_install(*ca, status);
    add_ca_ra(*ca, status);
    add_ca_renew(*ca, status);
    auto options = std::make_shared<Options>();
    CLI::App* command = ca->add_subcommand(
        "crl",
        "Print or write a CA's current CRL, made anew when a certificate was revoked since; "
        "the server may be running");
    add_config_option(*command, options->config);
    command->add_option("--ca", options->ca, "The CA's name, where there are several");
    command->add_option("--out", options->out, "Where to write it")->type_name("FILE");
    command->add_flag("--der", options->der, "DER instead of PEM");
    command->add_flag("--json", options->json, "Print what it says as JSON");
    command->callback([&status, options] { status = crl(*options); });
    add_ca_rollover(*ca, status);
}

}  // namespace scepgate::server::cli

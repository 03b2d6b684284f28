// scepgate ca
#include "server/cli/ca_commands.hpp"
#include "server/cli/ca_rollover.hpp"
#include "server/cli/commands.hpp"

namespace scepgate::server::cli {
void add_ca(CLI::App& app, int& status) {
    CLI::App* ca = app.add_subcommand("ca", "Work with the CAs of a configuration");
    ca->require_subcommand(1);
    add_ca_create(*ca, status);
    add_ca_import(*ca, status);
    add_ca_csr(*ca, status);
    add_ca_install(*ca, status);
    add_ca_ra(*ca, status);
    add_ca_renew(*ca, status);
    add_ca_crl(*ca, status);
    add_ca_rollover(*ca, status);
}

}  // namespace scepgate::server::cli

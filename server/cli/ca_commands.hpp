// The subcommands of "scepgate ca".
#pragma once

#include <CLI/CLI.hpp>

namespace scepgate::server::cli {

void add_ca_create(CLI::App& ca, int& status);
void add_ca_import(CLI::App& ca, int& status);
void add_ca_csr(CLI::App& ca, int& status);
void add_ca_install(CLI::App& ca, int& status);
void add_ca_renew(CLI::App& ca, int& status);
void add_ca_ra(CLI::App& ca, int& status);
void add_ca_crl(CLI::App& ca, int& status);

}  // namespace scepgate::server::cli

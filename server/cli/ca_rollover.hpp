// 'scepgate ca rollover'.
#pragma once

#include <CLI/CLI.hpp>

namespace scepgate::server::cli {

void add_ca_rollover(CLI::App& ca, int& status);

}  // namespace scepgate::server::cli

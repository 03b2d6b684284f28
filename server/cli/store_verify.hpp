// scepgate store verify
#pragma once

#include <CLI/CLI.hpp>

namespace scepgate::server::cli {

void add_store_verify(CLI::App& store, int& status);

}  // namespace scepgate::server::cli

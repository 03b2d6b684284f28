// 'scepgate ca rollover'.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace scepgate::server::cli {

/// What "scepgate ca rollover" does, with its usual settings; the exit status.
int roll_over(const std::string& config, const std::string& ca, const std::string& from, bool json);

void add_ca_rollover(CLI::App& ca, int& status);

}  // namespace scepgate::server::cli

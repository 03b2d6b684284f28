// 'scepgate policy rotate'.
#pragma once

#include <CLI/CLI.hpp>

namespace scepgate::server::cli {

void add_policy_rotate(CLI::App& policy, int& status);

}  // namespace scepgate::server::cli

// The challenges that the store has.
#pragma once

#include <CLI/CLI.hpp>

namespace scepgate::server::cli {

/// "list" and "withdraw" of `challenge`, for add_challenge().
void add_challenge_records(CLI::App& challenge, int& status);

}  // namespace scepgate::server::cli

// What --help says, beside what each command says of itself.
#pragma once

#include <CLI/CLI.hpp>

namespace scepgate::server::cli {

/// For `app` and every command that is added to it from then on: one sentence for a command in a
/// list, examples, exit statuses.
void set_up_help(CLI::App& app);
/// Lists the commands of `app` by what they are for; after all are added.
void group_commands(CLI::App& app);

}  // namespace scepgate::server::cli

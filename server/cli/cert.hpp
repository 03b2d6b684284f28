// What the cert subcommands share.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "ca_backend/certificate_record.hpp"

namespace scepgate::server::cli {

[[nodiscard]] nlohmann::ordered_json to_json(const ca_backend::CertificateRow& row);

/// cert revoke, hold and release
void add_cert_list(CLI::App& cert, int& status);
void add_cert_revoke(CLI::App& cert, int& status);

}  // namespace scepgate::server::cli

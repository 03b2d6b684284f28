// What the cert subcommands share.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "ca_backend/store.hpp"

namespace scepgate::server::cli {

[[nodiscard]] nlohmann::ordered_json to_json(const ca_backend::CertificateRow& row);

/// The one certificate with this serial number. `ca`: as the configuration called its CA, or the
/// CA's subject, or empty. kMalformed; kNotFound; kConflict: several CAs have such a one, or not
/// this one.
[[nodiscard]] Result<ca_backend::CertificateRow> find_certificate(ca_backend::Store& store,
                                                                  const std::string& serial,
                                                                  const std::string& ca);
/// The exit status for what could not be found.
[[nodiscard]] int complain_of(const Error& error);

/// cert revoke, hold and release
void add_cert_list(CLI::App& cert, int& status);
void add_cert_revoke(CLI::App& cert, int& status);

}  // namespace scepgate::server::cli

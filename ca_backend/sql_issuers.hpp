// Whose certificates the store has, by one of each.
#pragma once

#include <string>
#include <vector>

#include "ca_backend/sql.hpp"
#include "certs/certificate.hpp"

namespace scepgate::ca_backend::sql {

/// A certificate of each issuer of which one is revoked, and the newest of each of `cas` (as
/// the configuration named it then) among those that were recorded last. Costs no more with a store
/// that has grown.
[[nodiscard]] Result<std::vector<certs::Certificate>> certificates_of_issuers(
    Connection& connection, const std::vector<std::string>& cas);

}  // namespace scepgate::ca_backend::sql

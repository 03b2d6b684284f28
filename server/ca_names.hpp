// The names of CAs: what belongs to one goes by its octets, and verifiers compare it loosely.
#pragma once

#include <string>
#include <vector>

#include "certs/certificate.hpp"
#include "server/config.hpp"

namespace scepgate::server {

/// How `name` is written otherwise than `before`, for people: the first difference. Both are DER.
[[nodiscard]] std::string name_difference(ByteView name, ByteView before);

/// An error for each two CAs of one name (RFC 5280 section 7.1), other than certificates for one
/// key: serial numbers, revocations and CRLs belong to a name, so they would share them.
void judge_ca_names(const Config& config, ConfigFaults& faults);

/// By which the store knows the CAs of the configuration.
[[nodiscard]] std::vector<std::string> names_of_cas(const Config& config);

/// An error where a CA's certificate has another name than one that the CA has issued, as it is
/// encoded: revocations, CRLs and OCSP of before would be lost. `known`:
/// Store::certificates_of_issuers().
void judge_cas_by_store(const Config& config, const std::vector<certs::Certificate>& known,
                        ConfigFaults& faults);

}  // namespace scepgate::server

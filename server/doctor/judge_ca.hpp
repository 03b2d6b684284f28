// GetCACaps and GetCACert as devices judge them.
#pragma once

#include "scep/client.hpp"
#include "server/doctor/exchange.hpp"
#include "server/doctor/finding.hpp"

namespace scepgate::server::doctor {

/// capabilities-type: a 200 whose type is text/plain alone.
[[nodiscard]] Finding judge_capabilities_type(const Reply& reply);
/// capabilities: lines of words, and those that devices look for.
[[nodiscard]] Finding judge_capabilities(const Reply& reply);

/// ca-type: the type that belongs to one certificate, or to several.
[[nodiscard]] Finding judge_ca_type(const Reply& reply);
/// ca-bundle: readable, signatures right, in use and valid. `parsed` is of the reply's body.
[[nodiscard]] Finding judge_ca_bundle(const Reply& reply,
                                      const Result<scep::CaCertificates>& parsed);
/// ca-root: the chain ends with a root.
[[nodiscard]] Finding judge_ca_root(const Reply& reply, const scep::CaCertificates& ca);
/// ca-usages: RA certificates beside the CA's in a list, and usages that say what each is for.
[[nodiscard]] Finding judge_ca_usages(const Reply& reply, const scep::CaCertificates& ca);
/// ca-validity: a warning within 30 days of the end of one.
[[nodiscard]] Finding judge_ca_validity(const scep::CaCertificates& ca, std::int64_t now);

}  // namespace scepgate::server::doctor

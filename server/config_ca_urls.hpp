// Where a CA's certificates, CRLs and OCSP answers are: the URLs that certificates carry.
#pragma once

#include "ca_backend/ca_url.hpp"
#include "certs/certificate.hpp"
#include "server/config_reader.hpp"

namespace scepgate::server {

/// Reads the URLs of a CA and what their variables need. They go into every certificate, so a slip
/// would stay for years: only those that can be used are kept, so that nobody reports the others
/// again.
void read_ca_urls(ConfigReader& reader, CaConfig& ca, ConfigFaults& faults);

/// Warns of URLs that lead whoever reads a certificate to himself or nowhere (loopback, 0.0.0.0),
/// where the server is there for others: it listens elsewhere, or trusts proxies elsewhere.
void judge_ca_url_hosts(const Config& config, ConfigFaults& faults);

/// What the variables stand for with this CA certificate; `delta` is false.
[[nodiscard]] ca_backend::CaUrlNames ca_url_names(const CaConfig& ca,
                                                  const certs::Certificate& certificate);

/// `urls` with their variables replaced; for delta CRLs with `delta` set in `names`. What cannot
/// be is a fault at `path`.
[[nodiscard]] std::vector<std::string> expand_ca_urls(const std::vector<std::string>& urls,
                                                      const ca_backend::CaUrlNames& names,
                                                      const std::string& path,
                                                      ConfigFaults& faults);

}  // namespace scepgate::server

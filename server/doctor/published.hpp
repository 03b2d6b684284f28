// Whether what certificates point to is there: the CA's certificate, CRLs, OCSP answers.
#pragma once

#include <array>

#include "certs/certificate.hpp"
#include "server/config.hpp"
#include "server/doctor/examination.hpp"

namespace scepgate::server::doctor {

/// Each is made once for every URL of its kind. docs/doctor.md says of each what it finds.
inline constexpr std::array<std::string_view, 4> kUrlChecks = {"url-ca", "url-crl", "url-delta-crl",
                                                               "url-ocsp"};

/// A CA, and the places that its certificates name.
struct PublishingCa {
    std::string name;
    certs::Certificate certificate;
    std::vector<std::string> ca_issuers_urls, crl_urls, freshest_crl_urls, ocsp_urls;
};

/// Those of a server's or a signer's configuration. What cannot be asked about is added to
/// `findings`: a CA without a certificate, or one whose URLs the signer has.
[[nodiscard]] std::vector<PublishingCa> publishing_cas(const Config& config, ConfigFaults& faults,
                                                       std::vector<Finding>& findings);

/// Asks for each; all over http, nothing else.
[[nodiscard]] std::vector<Finding> examine_urls(const std::vector<PublishingCa>& cas,
                                                const ExaminationSettings& settings,
                                                std::int64_t now);

}  // namespace scepgate::server::doctor

// What an app registration in Entra ID and a tenant of Intune are told apart by.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "certs/certificate.hpp"
#include "certs/private_key.hpp"
#include "certs/secret.hpp"

namespace scepgate::policy::intune {

/// RFC 7518 section 3.1.
enum class AssertionAlgorithm { kPs256, kRs256 };

/// The app's certificate, in place of a client secret.
struct AppCertificate {
    certs::Certificate certificate;
    certs::PrivateKey key;  ///< RSA
    AssertionAlgorithm algorithm = AssertionAlgorithm::kPs256;
};

struct Settings {
    std::string name;  ///< the policy's
    std::string tenant;
    std::string app_id;
    Secret client_secret;  ///< empty with app_certificate
    std::optional<AppCertificate> app_certificate;
    std::string provider;  ///< callerInfo and the field UserAgent: name and version of the product
    std::string authority = "https://login.microsoftonline.com";
    std::string graph = "https://graph.microsoft.com";
    std::string graph_version = "v1.0";
    std::string resource = "https://api.manage.microsoft.com/";
    std::string intune_app_id = "0000000a-0000-0000-c000-000000000000";
    std::string validation_version = "2018-02-20";
    std::string revocation_version = "5019-05-05";  // sic
    std::chrono::milliseconds call_timeout{10'000};
};

}  // namespace scepgate::policy::intune

// A working lab in one folder: CA, RA, challenge keys, database and configuration.
#pragma once

#include <filesystem>
#include <string>

#include "certs/private_key.hpp"

namespace scepgate::server::cli {

struct LabSettings {
    std::filesystem::path directory;
    certs::KeySpec ca_key;
    std::string ca_name = "scepgate Lab CA";
    std::string policy = "challenge_blob";  ///< or "static", "one_time", "none"
    std::string listen = "127.0.0.1:8080";
    std::string url;  ///< "": http://LISTEN/scep
    /// The CA's key in a folder "signer" of its own, with a configuration for 'scepgate signer'.
    bool separate_signer = false;
};

/// Where certificates of the lab say that CRL and OCSP are: as the URL, without its path. Never
/// https, which would need a certificate to judge a certificate: then at the port of http.
[[nodiscard]] std::string publication_origin(const LabSettings& settings);

/// Makes the folder (0700) and everything in it, whole or not at all: an attempt that was broken
/// off is finished or cleared away by the next. kDenied when the folder holds a configuration or
/// other files already; nothing existing is overwritten.
Result<void> make_lab(const LabSettings& settings, std::int64_t now);

}  // namespace scepgate::server::cli

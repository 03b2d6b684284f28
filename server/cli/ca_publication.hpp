// Where a new CA's CRL and OCSP responder are to be, after another CA of the configuration.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "server/cli/config_edit.hpp"

namespace scepgate::server::cli {

struct CaPublication {
    nlohmann::ordered_json members;  ///< crl, ocsp, crl_urls, ocsp_urls …; empty: no model
    std::vector<std::string> notes;  ///< what is left to people
};

/// What `model` publishes, under the new CA's name: the same periods and responder, a CRL beside
/// the model's with a name of its own, and the URLs that lead to both. A URL that is neither under
/// the model's name nor its `crl.path` leads elsewhere, and is left out with a note. Without a
/// `model` ("") it is the first CA that has crl_urls.
[[nodiscard]] CaPublication publication_like(const ConfigLock& lock, std::string model,
                                             const std::string& name);

}  // namespace scepgate::server::cli

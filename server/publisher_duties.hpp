// What a CrlPublisher keeps current.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ca_backend/ca_backend.hpp"

namespace scepgate::server {

/// One kind of CRL of one CA, and the files that it stands in.
struct CrlDuty {
    std::string ca_name;
    std::shared_ptr<ca_backend::CaBackend> ca;
    ca_backend::CrlKind kind = ca_backend::CrlKind::kComplete;
    std::vector<std::filesystem::path> files;
};

/// The CA's certificate, for AIA.
struct CertificateDuty {
    std::string ca_name;
    certs::Certificate certificate;
    std::vector<std::filesystem::path> files;
};

struct PublisherDuties {
    std::vector<CrlDuty> crls;
    std::vector<CertificateDuty> certificates;
};

}  // namespace scepgate::server

// The name constraints that a chain of CAs puts on what it may certify (RFC 5280 section 4.2.1.10).
#pragma once

#include <memory>

#include <openssl/x509v3.h>

#include "certs/certificate.hpp"
#include "certs/general_name.hpp"

namespace scepgate::ca_backend {

/// Judges names before a certificate with them is signed, so that no certificate leaves that every
/// verifier must refuse. Immutable, safe for concurrent use; cheap to copy.
class NameConstraints {
public:
    /// Those of all certificates in `chain`; kConfig when one cannot be read.
    static Result<NameConstraints> of_chain(const std::vector<certs::Certificate>& chain);

    [[nodiscard]] bool empty() const noexcept { return constraints_.empty(); }

    /// kDenied: a name is not permitted, or excluded, or cannot be judged.
    [[nodiscard]] Result<void> permit(ByteView subject_der, const certs::GeneralNames& alt_names,
                                      const certs::PublicKey& key) const;

private:
    std::vector<std::shared_ptr<NAME_CONSTRAINTS>> constraints_;
};

}  // namespace scepgate::ca_backend

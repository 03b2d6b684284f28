// Whether a signer may put its CA's name under a CRL that the network process made.
#pragma once

#include <functional>
#include <optional>

#include "certs/algorithms.hpp"
#include "certs/crl.hpp"

namespace scepgate::server::signer {

/// What a CRL is held against.
struct CrlRules {
    ByteView issuer_der;                     ///< the CA's Name
    std::optional<ByteView> key_identifier;  ///< of the CA's certificate
    certs::KeyType key_type = certs::KeyType::kRsa;
    std::int64_t now = 0;
    std::int64_t longest_validity = 0;  ///< seconds from thisUpdate to nextUpdate
    /// Seconds after which a certificate of this CA has expired for certain.
    std::int64_t longest_certificate = 0;
    /// notAfter of a certificate that was signed here; empty: it was not.
    std::function<std::optional<std::int64_t>(ByteView serial)> not_after;
};

/// A CRL that may be signed.
struct JudgedCrl {
    certs::Crl crl;  ///< as it will be, but for its signature
    certs::Digest digest = certs::Digest::kSha256;
};

/// `to_be_signed`: one TBSCertList. kMalformed, kUnsupported: it is none, or has what no CRL of
/// ours has. kDenied: it speaks for another issuer, lies in the past or future, lasts too long,
/// names a weak digest, or has a lower number than the last; or it leaves out a certificate that
/// stood on `last_complete` (a TBSCertList; empty: there is none), was not on hold there, and has
/// not expired: what was revoked stays revoked.
[[nodiscard]] Result<JudgedCrl> judge_crl(ByteView to_be_signed, ByteView last_number,
                                          ByteView last_complete, const CrlRules& rules);

}  // namespace scepgate::server::signer

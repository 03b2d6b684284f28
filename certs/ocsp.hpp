// The Online Certificate Status Protocol: reading requests and making responses (RFC 6960).
#pragma once

#include <optional>
#include <vector>

#include "certs/certificate.hpp"
#include "certs/crl.hpp"
#include "certs/private_key.hpp"

namespace scepgate::certs {

/// Limits on what strangers send.
inline constexpr std::size_t kLargestOcspRequest = std::size_t{16} * 1024;  ///< octets
inline constexpr std::size_t kMostOcspCertificates = 16;
inline constexpr std::size_t kLongestOcspNonce = 128;  ///< octets (RFC 9654 section 2.1)

/// Which certificate is asked about. The views lie in the request.
struct OcspCertId {
    Digest digest = Digest::kSha1;  ///< SHA-1 or SHA-256
    ByteView issuer_name_hash;
    ByteView issuer_key_hash;
    ByteView serial;  ///< INTEGER content octets, not negative
    ByteView whole;   ///< the CertID's DER, which a response repeats
};

struct OcspRequest {
    std::vector<OcspCertId> certificates;  ///< one at least
    std::optional<ByteView> nonce;         ///< 1 to 128 octets (RFC 9654)
};

/// Reads `der` strictly. A signature on a request is not looked at: whoever asks is answered.
/// kMalformed, and kUnsupported for another digest, version or a critical extension; also over the
/// limits above, and for a nonce that is not 1 to 128 octets.
[[nodiscard]] Result<OcspRequest> parse_ocsp_request(ByteView der);

/// OCSPResponseStatus (RFC 6960 section 4.2.1).
enum class OcspStatus : std::uint8_t {
    kSuccessful = 0,
    kMalformedRequest = 1,
    kInternalError = 2,
    kTryLater = 3,
    kUnauthorized = 6,
};

/// A response that says why there is none; unsigned, as the RFC has it.
[[nodiscard]] Bytes build_ocsp_error(OcspStatus status);

/// What is known of one certificate.
struct OcspCertificateStatus {
    enum class Kind { kGood, kRevoked, kUnknown };
    Kind kind = Kind::kUnknown;
    std::int64_t revoked_at = 0;  ///< seconds since the epoch; with kRevoked
    RevocationReason reason = RevocationReason::kUnspecified;

    friend bool operator==(const OcspCertificateStatus&, const OcspCertificateStatus&) = default;
};

/// All that stands in a signed response.
struct OcspAnswer {
    struct Single {
        Bytes cert_id;  ///< DER, as asked
        OcspCertificateStatus status;
    };
    std::vector<Single> certificates;
    std::int64_t produced_at = 0;  ///< when it is signed; seconds since the epoch, as the others
    std::int64_t this_update = 0;
    std::int64_t next_update = 0;
    std::optional<Bytes> nonce;
};

/// A successful response by the responder whose key and certificate these are; the certificate
/// goes with it. The signature is verified before it is given out (certificate_builder.hpp says
/// why).
[[nodiscard]] Result<Bytes> build_ocsp_response(const OcspAnswer& answer, const PrivateKey& signer,
                                                Digest digest, const Certificate& certificate);

/// The hashes that a CertID names an issuer by: of its Name's DER and of its key's bits.
struct OcspIssuerHashes {
    Bytes name, key;
};
[[nodiscard]] Result<OcspIssuerHashes> ocsp_issuer_hashes(const Certificate& issuer, Digest digest);

/// id-pkix-ocsp-nocheck: nobody needs to ask whether the responder's certificate is revoked.
[[nodiscard]] Bytes ocsp_no_check_extension();

}  // namespace scepgate::certs

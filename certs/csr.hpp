// PKCS#10 certification requests (RFC 2986), with the attributes that SCEP uses.
#pragma once

#include <memory>
#include <optional>

#include "certs/extensions.hpp"
#include "certs/general_name.hpp"
#include "certs/key_usage.hpp"
#include "certs/name.hpp"
#include "certs/private_key.hpp"
#include "certs/public_key.hpp"
#include "certs/requested_validity.hpp"
#include "certs/secret.hpp"

namespace scepgate::certs {

/// How much a request may hold.
struct CsrLimits {
    std::size_t octets = 256 * 1024;  ///< the whole request
    std::size_t attributes = 32;
    std::size_t challenge_octets = 64 * 1024;
    KeyLimits key;
};

/// What the extension request asks for. All three spellings count (PKCS#9, Microsoft, VeriSign);
/// more than one in a request is refused.
struct RequestedExtensions {
    std::optional<KeyUsage> key_usage;
    std::optional<ExtendedKeyUsage> extended_key_usage;
    GeneralNames subject_alt_name;
    std::optional<std::string> sid;   ///< 1.3.6.1.4.1.311.25.2
    bool ca = false;                  ///< basicConstraints cA
    std::vector<std::string> others;  ///< OIDs of everything else, for the audit record
};

/// A request whose structure is sound and whose own signature verifies: proof of possession of the
/// key. There is no way to have one without.
///
/// Immutable, shared, safe for concurrent use.
class Csr {
public:
    /// Reads strict DER and verifies the signature with the request's own key. Versions 0 to 2 are
    /// taken (Apple's clients send 2 where RFC 2986 has 0). kMalformed: the structure.
    /// kUnsupported: key or signature algorithm. kBadSignature: the signature. kDenied: the
    /// signature verifies, but the key is weak (weak_keys.hpp), or a name, attribute or extension
    /// cannot be taken; among them an
    /// attribute of one type that comes twice (but for enrollment name-value pairs), or a
    /// challengePassword or extension request with other than one value. SHA-1 signatures are taken
    /// only with `allow_sha1`; MD5 never. `known_key`: a key found sound under the same limits;
    /// when the request's is the same one it is shared instead of decoded again (which costs more
    /// than checking the signature).
    static Result<Csr> from_der(ByteView der, const CsrLimits& limits = {}, bool allow_sha1 = true,
                                const PublicKey* known_key = nullptr);

    /// The same request as if it carried this challenge; der() is unchanged. For judging a request
    /// that somebody is asking about, never for one that came in.
    [[nodiscard]] Csr with_challenge(Secret challenge) const;

    [[nodiscard]] ByteView der() const noexcept;
    [[nodiscard]] const Name& subject() const noexcept;
    [[nodiscard]] const PublicKey& public_key() const noexcept;
    [[nodiscard]] SignatureAlgorithm signature_algorithm() const noexcept;
    /// PKCS#9 challengePassword as octets of its string (any string type; a BMPString is turned to
    /// UTF-8); no upper bound but the limit. Absent and empty are the same: nullopt.
    [[nodiscard]] const std::optional<Secret>& challenge() const noexcept;
    [[nodiscard]] const RequestedExtensions& requested() const noexcept;
    /// Microsoft's request attributes. What says nothing clear is as if it were absent.
    [[nodiscard]] const std::optional<RequestedValidity>& requested_validity() const noexcept;

private:
    struct State;
    explicit Csr(std::shared_ptr<const State> state) noexcept;
    std::shared_ptr<const State> state_;
};

/// What a client puts into a request.
struct CsrContents {
    Name subject;
    GeneralNames subject_alt_name;
    std::optional<KeyUsage> key_usage;
    ExtendedKeyUsage extended_key_usage;   ///< empty: no extension
    std::string_view challenge;            ///< empty: no attribute
    std::vector<Bytes> more_extensions;    ///< DER Extensions to append
    std::vector<Bytes> more_attributes{};  ///< DER Attributes to append
};

/// Makes a DER request signed by `key`.
Result<Bytes> build_csr(const CsrContents& contents, const PrivateKey& key,
                        Digest digest = Digest::kSha256);

}  // namespace scepgate::certs

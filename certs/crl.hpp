// Certificate revocation lists, version 2 (RFC 5280 section 5): reading and making.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "certs/extensions.hpp"
#include "certs/private_key.hpp"

namespace scepgate::certs {

/// CRLReason (RFC 5280 section 5.3.1), by its number.
enum class RevocationReason : int {
    kUnspecified = 0,
    kKeyCompromise = 1,
    kCaCompromise = 2,
    kAffiliationChanged = 3,
    kSuperseded = 4,
    kCessationOfOperation = 5,
    kCertificateHold = 6,
    kRemoveFromCrl = 8,  ///< ends a hold; stands in no complete CRL
    kPrivilegeWithdrawn = 9,
    kAaCompromise = 10,
};

[[nodiscard]] std::string_view to_text(RevocationReason reason) noexcept;  ///< "keyCompromise"
/// The names of RFC 5280, without case; kMalformed names the choice.
[[nodiscard]] Result<RevocationReason> revocation_reason_from_text(std::string_view text);
/// kMalformed for a number without a meaning.
[[nodiscard]] Result<RevocationReason> revocation_reason_from_number(std::int64_t number);

/// One certificate to put on a CRL.
struct RevokedCertificate {
    Bytes serial;                 ///< unsigned big-endian
    std::int64_t revoked_at = 0;  ///< seconds since the epoch
    RevocationReason reason = RevocationReason::kUnspecified;
};

/// An immutable, complete CRL; cheap to copy (shared), safe for concurrent use.
///
/// Strict: version 2 with nextUpdate, the two signature algorithms equal, each serial number once,
/// no removeFromCRL, no critical extension that changes what the list covers. Delta, partitioned
/// and indirect CRLs are kUnsupported: taken for complete ones they would call revoked certificates
/// good.
class Crl {
public:
    /// Empty: no octets, lists nothing, signed by nobody.
    Crl() = default;

    struct Entry {
        ByteView serial;  ///< unsigned big-endian, without a sign octet
        std::int64_t revoked_at = 0;
        RevocationReason reason = RevocationReason::kUnspecified;
    };

    /// `der`: exactly one CRL.
    static Result<Crl> from_der(ByteView der);

    [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
    [[nodiscard]] ByteView der() const noexcept;
    [[nodiscard]] std::string pem() const;
    [[nodiscard]] ByteView issuer_der() const noexcept;  ///< Name, whole DER
    [[nodiscard]] std::int64_t this_update() const noexcept;
    [[nodiscard]] std::int64_t next_update() const noexcept;
    /// CRL number, unsigned big-endian; empty when the CRL has none.
    [[nodiscard]] ByteView number() const noexcept;
    [[nodiscard]] std::optional<ByteView> authority_key_identifier() const noexcept;
    [[nodiscard]] const std::vector<Entry>& entries() const noexcept;  ///< by serial number
    /// The entry of this serial number (content octets, with or without a sign octet), or nullptr.
    [[nodiscard]] const Entry* find(ByteView serial) const noexcept;

    /// Whether `issuer_key` signed this CRL.
    [[nodiscard]] bool signed_by(const PublicKey& issuer_key) const;

private:
    struct State;
    explicit Crl(std::shared_ptr<const State> state) noexcept;
    [[nodiscard]] const State& state() const noexcept;
    std::shared_ptr<const State> state_;
};

/// All that stands in a new CRL.
struct CrlContents {
    Bytes issuer_der;                ///< Name
    Bytes authority_key_identifier;  ///< the issuer's key identifier
    std::int64_t number = 0;         ///< greater than that of every earlier CRL of this issuer
    std::int64_t this_update = 0;    ///< seconds since the epoch
    std::int64_t next_update = 0;
    std::vector<RevokedCertificate> revoked;  ///< each serial number once
};

/// Builds a CRL, signs it, and checks the signature before giving it out (certificate_builder.hpp
/// says why). kMalformed when the contents do not make a sound CRL.
Result<Crl> build_crl(const CrlContents& contents, const PrivateKey& signer, Digest digest);

}  // namespace scepgate::certs

// Making CRLs: the TBSCertList, entry after entry, and its signature (RFC 5280 section 5.1).
#pragma once

#include <array>

#include "certs/crl.hpp"
#include "certs/private_key.hpp"

namespace scepgate::certs {

/// One certificate to put on a CRL.
struct RevokedCertificate {
    Bytes serial;                 ///< unsigned big-endian, not zero
    std::int64_t revoked_at = 0;  ///< seconds since the epoch
    RevocationReason reason = RevocationReason::kUnspecified;
    /// When the key is known or feared to have been compromised; seconds since the epoch.
    std::optional<std::int64_t> invalidity_date = std::nullopt;
};

/// All that stands in a new CRL beside its entries.
struct CrlContents {
    Bytes issuer_der;                ///< Name
    Bytes authority_key_identifier;  ///< the issuer's key identifier
    std::int64_t number = 0;         ///< greater than that of every earlier CRL of this issuer
    std::int64_t this_update = 0;    ///< seconds since the epoch
    std::int64_t next_update = 0;
    /// Makes it a delta: what changed since the complete CRL of this number, which is lower than
    /// `number` (deltaCRLIndicator, section 5.2.4).
    std::optional<std::int64_t> base_number = std::nullopt;
    std::optional<IssuingDistributionPoint> issuing_distribution_point = std::nullopt;
    /// Where the deltas to this CRL are (section 5.2.6); none in a delta.
    std::vector<std::string> freshest_crl_urls = {};
};

/// Builds one CRL. Each entry is encoded at once where it will stand, so that all there is in
/// memory is the CRL itself.
class CrlBuilder {
public:
    /// `expected`: about how many entries there will be; room for them is made at once.
    explicit CrlBuilder(CrlContents contents, std::size_t expected = 0);

    /// Ascending serial numbers save sorting them when the CRL is read back. kMalformed: no or a
    /// zero serial number, a reason without a meaning, a time that X.509 cannot write, or
    /// removeFromCRL in a complete CRL.
    /// kUnsupported: the CRL grows over 2^31 octets. What failed was not added.
    Result<void> add(const RevokedCertificate& revoked);
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// Signs the CRL, reads it back, and checks the signature before giving it out
    /// (certificate_builder.hpp says why). kMalformed when the contents do not make a sound CRL, or
    /// a serial number was added twice; else the signer's error.
    Result<Crl> sign(const PrivateKey& signer, Digest digest) &&;

private:
    [[nodiscard]] bool is_as_wanted(const Crl& made) const;

    CrlContents contents_;
    std::array<Bytes, 11> reasons_;  ///< an entry's extensions when it has a reason alone
    std::size_t room_;               ///< octets kept free before the first entry
    Bytes octets_;
    std::size_t size_ = 0;
};

}  // namespace scepgate::certs

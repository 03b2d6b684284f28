// Whether a signer may put its CA's name under a CRL that the network process made.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "ca_backend/crl_maker.hpp"
#include "certs/algorithms.hpp"
#include "certs/crl.hpp"

namespace scepgate::server::signer {

/// What a CRL is held against, whatever was signed before.
struct CrlRules {
    ByteView issuer_der;                     ///< the CA's Name
    std::optional<ByteView> key_identifier;  ///< of the CA's certificate
    certs::KeyType key_type = certs::KeyType::kRsa;
    /// The only ones that a CRL may name: a delta that is looked for elsewhere hides revocations.
    ca_backend::CrlUrls urls;
    std::int64_t now = 0;
    std::int64_t longest_validity = 0;  ///< seconds from making it to nextUpdate
    /// Seconds after which a certificate of this CA has expired for certain.
    std::int64_t longest_certificate = 0;
    /// notAfter of a certificate that was signed here; empty: it was not.
    std::function<std::optional<std::int64_t>(ByteView serial)> not_after;
};

/// A CRL, complete or delta, in a form that may be signed.
struct JudgedCrl {
    certs::Crl crl;  ///< as it will be, but for its signature
    certs::Digest digest = certs::Digest::kSha256;
    std::int64_t number = 0;
    std::optional<std::int64_t> base;  ///< a delta's
};

/// `to_be_signed`: one TBSCertList. kMalformed, kUnsupported: it is none, or has what no CRL of
/// ours has. kDenied: it speaks for another issuer or for some certificates alone, names other
/// URLs, lies in the past or future, lasts too long, or names a weak digest.
[[nodiscard]] Result<JudgedCrl> judge_crl(ByteView to_be_signed, const CrlRules& rules);

/// Whether its number leaves the next ones room: an order with the highest there is would be the
/// last. `last`: the highest that was signed; empty: none was, and the first sets the number, as
/// where another program's were higher. kDenied.
[[nodiscard]] Result<void> judge_number(const JudgedCrl& judged, std::optional<std::int64_t> last,
                                        const CrlRules& rules);

/// A certificate that a CRL which was signed here called revoked.
struct RevocationOnRecord {
    Bytes serial;  ///< unsigned big-endian
    std::int64_t revoked_at = 0;
    std::int64_t number = 0;   ///< of the first CRL that said so
    bool on_hold = false;      ///< it may be taken back
    bool compromised = false;  ///< for its key's sake
};

/// The next one, ascending by serial number; empty: there are no more.
using RevokedOnRecord = std::function<Result<std::optional<RevocationOnRecord>>()>;

/// How the records differ from what a CRL says.
struct CrlChanges {
    std::vector<certs::Crl::Entry> revoked;  ///< to be added, or changed; they lie in the CRL
    std::vector<Bytes> released;             ///< serial numbers to be left out from now on
};

/// Holds a CRL against all that was signed before: whoever has this CRL, or the delta and its base,
/// knows of every certificate that was ever revoked for ever and has not expired. kDenied: one is
/// left out, put on hold, or taken back; else the records' own error. One pass over both.
[[nodiscard]] Result<CrlChanges> compare_with_records(const JudgedCrl& judged,
                                                      const RevokedOnRecord& revoked,
                                                      const CrlRules& rules);

/// The CRL with a signature that is none, so that the one strict reader of CRLs reads it.
[[nodiscard]] Result<certs::Crl> read_unsigned_crl(ByteView to_be_signed);
/// A CRL number of at most 63 bits, as those of ours are.
[[nodiscard]] Result<std::int64_t> crl_number(ByteView octets);

}  // namespace scepgate::server::signer

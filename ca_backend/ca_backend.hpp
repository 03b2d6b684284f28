// The plug-in point of CAs: who signs what policy has granted.
#pragma once

#include <variant>

#include <boost/asio/awaitable.hpp>

#include "certs/crl.hpp"
#include "certs/enrollment.hpp"

namespace scepgate::ca_backend {

class Store;

/// RFC 5280 section 5: all that is revoked, or what has changed since an earlier complete one.
enum class CrlKind : int { kComplete = 0, kDelta = 1 };
[[nodiscard]] std::string_view to_text(CrlKind kind) noexcept;  ///< "complete", "delta"

/// How much somebody wants the newest CRL.
enum class CrlDemand {
    kNewest,  ///< whatever the last one cost: for a person who asks
    kPaced,   ///< makes a new one when it is time
    /// Where somebody else asks with kPaced, again and again: what there is, as long as it is
    /// valid, when making another takes long.
    kAtHand,
};

struct CrlWanted {
    CrlKind kind = CrlKind::kComplete;
    CrlDemand demand = CrlDemand::kPaced;
};

/// Where the order comes from.
struct IssueContext {
    std::string endpoint;
    std::string
        template_name;  ///< chosen: the Grant's, else the endpoint's for the Grant's purpose
    std::string transaction_id;
    /// DER, as the device sent it: the proof of possession, for a CA that checks it itself.
    Bytes csr{};
    /// TransactionKey: the same in every attempt at this certificate.
    Sha256 request{};
};

struct IssuedCertificate {
    certs::Certificate certificate;
    std::vector<std::string> notes;  ///< for the log: "notAfter clamped to the CA's"
};

/// A certificate as it would be issued.
struct IssuePreview {
    std::int64_t not_before = 0, not_after = 0;  ///< seconds since the epoch
    std::vector<std::string> notes;              ///< as IssuedCertificate's
    std::string subject{};                       ///< RFC 4514; empty: the Grant's
    std::string key_usage{}, extended_key_usage{};
};

/// Accepted, not decided yet: ask again with poll().
struct PendingCertificate {
    std::string upstream_id;
};

using IssueOutcome = std::variant<IssuedCertificate, PendingCertificate>;

/// A CA. It takes a Grant and never a request, so that nothing reaches it around policy. An issued
/// certificate is not released before the store has it.
/// Calls may overlap; what is given by reference stays alive until the coroutine ends.
class CaBackend {
public:
    virtual ~CaBackend() = default;

    [[nodiscard]] virtual const std::string& name() const noexcept = 0;

    /// Refused: by template or key (badRequest), or because the CA cannot now (`temporary`).
    virtual boost::asio::awaitable<Result<IssueOutcome, Refusal>> issue(
        const Grant& grant, const IssueContext& context) = 0;

    /// The subject that this template writes in place of the Grant's; empty: it leaves the Grant's.
    /// Refused as by issue(): "SubjectClaimMissing", "SubjectPatternUnfit". A template that the CA
    /// does not have is for issue() to refuse.
    [[nodiscard]] virtual Result<std::optional<certs::Name>, Refusal> built_subject(
        const Grant& grant, const std::string& template_name) const = 0;

    /// What issue() would come to, as far as it is known beforehand; nothing is signed. Empty: not
    /// known.
    virtual Result<std::optional<IssuePreview>, Refusal> preview(const Grant& grant,
                                                                 const IssueContext& context);

    /// The issuing CA's certificate first, then up to the root as far as known.
    [[nodiscard]] virtual const std::vector<certs::Certificate>& chain() const noexcept = 0;

    /// Makes the CA take back a certificate of its own, hold it (kCertificateHold) or release it
    /// (kRemoveFromCrl), and records that. Errors: those of Store::revoke(), or the CA's;
    /// kUnsupported from a CA that cannot be told.
    virtual boost::asio::awaitable<Result<void>> revoke(Store& store, Bytes serial,
                                                        certs::RevocationReason reason);

    /// The CA's current CRL: made anew after a revocation, and long before its nextUpdate.
    /// kUnsupported when the CA makes none of this kind; kUnavailable when it cannot now.
    virtual boost::asio::awaitable<Result<certs::Crl>> crl(Store& store, CrlWanted wanted);
};

}  // namespace scepgate::ca_backend

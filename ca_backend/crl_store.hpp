// What CRLs are made from, and those that were made.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "ca_backend/ca_backend.hpp"
#include "ca_backend/certificate_record.hpp"

namespace scepgate::ca_backend {

/// Seconds for which a revoked certificate stays on CRLs after it expired, at the least. RFC 5280
/// section 3.3: it is on one that is made when due after that, so where CRLs last for longer it
/// stays for as long as one lasts.
inline constexpr std::int64_t kListedAfterExpiry = std::int64_t{30} * 86400;

/// A complete CRL that deltas refer to (RFC 5280 section 5.2.4): it was given out.
struct CrlBase {
    std::int64_t number = 0;
    std::int64_t revision = 0;
};

/// What needs to be listed no more, on complete CRLs and on deltas alike: what had expired and was
/// revoked at `since` already, and a complete CRL has said what was changed of it since.
struct CrlHorizon {
    std::int64_t since = 0;
    std::int64_t revision = 0;  ///< of the last complete CRL; 0: there was none
};

/// The revocations of one issuer as they stood at one moment, whatever is written meanwhile. Has a
/// connection of its own until it goes. Used by one thread at a time; the store outlives it.
class RevocationList {
public:
    virtual ~RevocationList() = default;

    /// The next of all that a complete CRL lists, by serial number, at most so many; empty at the
    /// end.
    virtual Result<std::vector<certs::RevokedCertificate>> next(const CrlHorizon& horizon,
                                                                std::size_t most) = 0;
    /// The next of what has changed after `base`, in the order in which it did; kRemoveFromCrl:
    /// good again. No revocation that a complete CRL would not list; but what was released all the
    /// same, however long ago it expired: the base may have it.
    virtual Result<std::vector<certs::RevokedCertificate>> next_change(const CrlBase& base,
                                                                       const CrlHorizon& horizon,
                                                                       std::size_t most) = 0;
};

/// Asks for the right to make CRLs: a complete one, perhaps with the delta that says the same, or
/// a delta alone. Where there is no base for it, a complete one is granted, too.
struct CrlOrder {
    IssuerHash issuer{};
    Bytes key;  ///< the issuer's key identifier: a base is of the same key
    bool complete = true;
    bool delta = false;
    std::int64_t now = 0;
    std::int64_t until = 0;       ///< when others may take over from who has not ended
    std::string maker;            ///< nobody else's name
    std::int64_t least_base = 0;  ///< no complete CRL of a lower number will do as a base
};

/// Neither `complete` nor `delta`: others are making what was asked for.
struct CrlBegun {
    bool complete = false;
    bool delta = false;
    std::int64_t number = 0;
    std::int64_t revision = 0;    ///< of the issuer's revocations in `list`
    std::optional<CrlBase> base;  ///< the oldest complete CRL that somebody may still use
    std::shared_ptr<RevocationList> list;
};

/// About a CRL that is kept.
struct CrlState {
    std::int64_t number = 0;
    std::int64_t revision = 0;
    std::int64_t base = 0;  ///< number of the complete CRL that a delta refers to
    std::int64_t this_update = 0;
    std::int64_t took_ms = 0;  ///< making and keeping it
};

struct KeptCrl {
    CrlState state;
    Bytes der;
};

struct CrlToKeep {
    CrlKind kind = CrlKind::kComplete;
    CrlState state;
    certs::Crl crl;
    std::chrono::steady_clock::time_point begun;  ///< what took_ms is counted from
    std::int64_t made = 0;  ///< when, in seconds since 1970; what it says itself lies before
    /// Of a complete one that is to be a base of deltas: seconds until the next base. 0: it is not.
    std::int64_t base_period = 0;
    std::int64_t least_base = 0;    ///< of CrlOrder: bases before it do not count
    std::int64_t listed_since = 0;  ///< of a complete one: CrlHorizon::since
};

/// CRL numbers, and what is given out under them.
///
/// A number is the time in seconds since 1970, or one more than the last where that is not greater:
/// a store that was restored knows nothing of the numbers since its backup, and none may come twice
/// (RFC 5280 section 5.2.3).
///
/// Number and list belong together: begin_crl() takes the number and opens the list while nobody
/// else can write, in whatever process. So of two numbers of one issuer, complete or delta, the
/// greater one's list knows of every change that the smaller one's does, however long each of them
/// is made and whoever is faster. Only what keep_crl() kept is given out, and it keeps no number
/// below one of its kind that was kept before: what is given out never loses a revocation. The
/// lease only saves work: when it has run out and two make CRLs at once, nothing is wrong with
/// either.
class CrlStore {
public:
    virtual ~CrlStore() = default;

    /// Grows with every change of a revocation of this issuer; 0: there was none yet.
    virtual Result<std::int64_t> revocation_revision(const IssuerHash& issuer) = 0;
    /// Of a certificate, recorded here or not.
    virtual Result<std::optional<Revocation>> find_revocation(const CertificateId& id) = 0;

    /// The next CRL number with its list, and the right to make the CRLs, as one short write.
    virtual boost::asio::awaitable<Result<CrlBegun>> begin_crl(CrlOrder order) = 0;
    /// Still at it.
    virtual boost::asio::awaitable<Result<void>> extend_crl(IssuerHash issuer, std::string maker,
                                                            std::int64_t until) = 0;
    /// Keeps a CRL for the next start and for other processes, in parts, so that nobody waits
    /// behind a large one; it is there when the last part is. False: one with a greater number of
    /// its kind is kept already, and this one must not be given out.
    virtual boost::asio::awaitable<Result<bool>> keep_crl(IssuerHash issuer, CrlToKeep crl) = 0;
    /// Gives back what is left of the right to make CRLs.
    virtual boost::asio::awaitable<Result<void>> end_crl(IssuerHash issuer, std::string maker) = 0;

    virtual Result<std::optional<CrlState>> find_crl_state(const IssuerHash& issuer,
                                                           CrlKind kind) = 0;
    virtual Result<std::optional<KeptCrl>> find_crl(const IssuerHash& issuer, CrlKind kind) = 0;
    /// From now on numbers are greater than this one. True: they would not have been without it,
    /// and the CRLs that are kept are made anew.
    virtual boost::asio::awaitable<Result<bool>> lift_crl_number(IssuerHash issuer,
                                                                 std::int64_t above) = 0;
};

}  // namespace scepgate::ca_backend

// The current CRLs of a CA whose key is here.
#pragma once

#include <array>
#include <functional>
#include <mutex>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include "ca_backend/ca_backend.hpp"
#include "ca_backend/store.hpp"
#include "certs/private_key.hpp"

namespace scepgate::ca_backend {

/// Seconds that thisUpdate lies before the moment at which a CRL is made, at most: verifiers whose
/// clocks are late refuse one from the future, as they do certificates.
inline constexpr std::int64_t kCrlBackdate = 600;

/// How long CRLs of one kind are valid, from the moment at which they are made.
struct CrlTimes {
    std::int64_t validity = 0;  ///< seconds until nextUpdate
    std::int64_t period = 0;    ///< seconds until the next is made
};

/// A CRL that was signed and is about to be kept.
struct MadeCrl {
    std::string ca;
    CrlKind kind = CrlKind::kComplete;
    std::int64_t number = 0;
    std::int64_t base = 0;  ///< of a delta
    certs::Crl crl;
    /// Why a revocation of the store is not in it; the others must not go without a CRL for it.
    std::vector<std::string> left_out = {};
};

/// Where a CA publishes its CRLs. All URLs of one kind name the same CRL.
struct CrlUrls {
    std::vector<std::string> complete;
    std::vector<std::string> freshest;  ///< of the delta
};

/// What whoever has the CA's key in another process says of its CRLs.
struct CrlTerms {
    CrlUrls urls;
    std::int64_t least_base = 0;  ///< no delta is signed whose base has a lower number
};

/// What a CRL says of where CRLs are, and what a delta may refer to.
struct CrlPointers {
    std::optional<certs::IssuingDistributionPoint> issuing_distribution_point;
    std::vector<std::string> freshest_crl_urls;  ///< in complete CRLs
    std::int64_t least_base = 0;                 ///< see CrlTerms
};

struct CrlSettings {
    std::string ca;  ///< its name, for messages
    Bytes issuer_der;
    Bytes key_identifier;
    certs::PrivateKey key;
    certs::Digest digest = certs::Digest::kSha256;
    CrlTimes complete;
    std::optional<CrlTimes> delta;  ///< empty: there are none
    std::int64_t not_before = 0;    ///< of the CA: no CRL says that it is older
    /// Asked before a CRL is made, and before one from the store is given out, which is no more of
    /// use when it says something else. When it fails none is made; kUnavailable: a kept one is
    /// given out.
    std::function<Result<CrlPointers>()> pointers;
    /// Told before a CRL is kept and given out; when it fails the CRL is thrown away.
    std::function<Result<void>(const MadeCrl&)> record;
};

/// Gives the same CRL until a revocation was recorded or its period has passed, then makes the
/// next. It is kept in the store, so that a restart and other processes give it too.
///
/// After a revocation the next one is made at once when the last took less than a second; else no
/// sooner than five times as long as it took after it was begun, so that revocations that come fast
/// do not keep a core busy. With a complete CRL the delta is made that says the same since the base
/// before (RFC 5280 section 5.2.3: both under one number); between two complete ones, deltas have
/// numbers of their own. When that delta cannot be made, the complete one is made all the same;
/// when it is its base that is refused, the next base is tried, and in the end a complete one is
/// made.
///
/// Of several processes on one store one makes a CRL, and the others wait for it (CrlStore).
class CrlMaker {
public:
    explicit CrlMaker(CrlSettings settings);

    [[nodiscard]] const IssuerHash& issuer() const noexcept { return issuer_; }
    [[nodiscard]] bool makes_deltas() const noexcept { return settings_.delta.has_value(); }

    /// One caller at a time makes a new one; those who come meanwhile wait for it and share it, or
    /// its failure: a crowd of them does not make a crowd of signatures, and unless it is paced
    /// none of them gets a CRL from before a revocation that was recorded when it asked.
    /// kUnsupported: deltas that are not made. Safe for concurrent use.
    boost::asio::awaitable<Result<certs::Crl>> current(Store& store, std::int64_t now,
                                                       CrlWanted wanted);

private:
    struct Current {
        certs::Crl crl;
        CrlState state{.revision = -1};
    };
    using Waiting = boost::asio::any_completion_handler<void(Result<Current>)>;
    struct Waiter {
        Waiting handler;
        boost::asio::executor_work_guard<boost::asio::any_io_executor> guard;
    };
    /// By whoever has the key, in another process.
    struct Refused {
        Error error;
        std::int64_t revision = 0;
        std::chrono::steady_clock::time_point until;  ///< it is not tried again before
    };
    /// Of one kind.
    struct Desk {
        Current current;
        std::optional<Refused> refused;
        bool making = false;
        std::vector<Waiter> waiting;  ///< for the one that is being made
    };
    struct Dates {
        std::int64_t this_update = 0;
        CrlHorizon horizon = {};
    };
    struct Occasion {
        CrlWanted wanted;
        std::int64_t revision = 0;
        std::int64_t now = 0;
        CrlPointers pointers = {};  ///< once one is to be made …
        Dates dates = {};           ///< … and what it says then
    };
    class Turn;
    class Lease;

    [[nodiscard]] Desk& desk(CrlKind kind) { return desks_[static_cast<std::size_t>(kind)]; }
    [[nodiscard]] const CrlTimes& times(CrlKind kind) const;
    [[nodiscard]] std::int64_t made_at(const certs::Crl& crl, CrlKind kind) const;
    [[nodiscard]] bool is_valid(const Current& current, std::int64_t now, CrlKind kind) const;
    [[nodiscard]] bool is_fresh(const Current& current, const Occasion& occasion) const;
    /// Not the newest, but what has to do.
    [[nodiscard]] bool will_do(const Current& current, const Occasion& occasion) const;

    boost::asio::awaitable<Result<Current>> join(CrlKind kind);
    void end_turn(CrlKind kind, const Result<Current>& outcome);
    boost::asio::awaitable<Result<Current>> renew(Store& store, Occasion occasion);
    Result<Current> newest_kept(Store& store, const Occasion& occasion);
    [[nodiscard]] Result<Dates> dates(Store& store, std::int64_t now) const;
    boost::asio::awaitable<Result<std::optional<Current>>> make(Store& store, Occasion occasion);
    boost::asio::awaitable<Result<std::optional<Current>>> make_one(Store& store, CrlKind kind,
                                                                    CrlBegun& begun, Lease& lease,
                                                                    const Occasion& occasion);
    [[nodiscard]] bool is_as_settled(const certs::Crl& crl, CrlKind kind) const;
    [[nodiscard]] std::int64_t usable_base();
    void refuse_base(std::int64_t number);
    void note_refusal(const Occasion& occasion, const Error& error);
    /// Adds to `left_out` what could not be put in.
    boost::asio::awaitable<Result<certs::Crl>> build(CrlKind kind, CrlBegun& begun, Lease& lease,
                                                     const Occasion& occasion,
                                                     std::vector<std::string>& left_out) const;

    CrlSettings settings_;
    IssuerHash issuer_;
    std::mutex mutex_;
    // Guarded by mutex_:
    std::array<Desk, 2> desks_;
    /// No delta to a lower number was signed by whoever has the key: of several nodes' signers each
    /// knows its own complete CRLs alone.
    std::int64_t usable_base_ = 0;
};

}  // namespace scepgate::ca_backend

// The plug-in point of policy: who may have which certificate.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "certs/enrollment.hpp"
#include "certs/secret.hpp"
#include "policy/verdict.hpp"

namespace scepgate::policy {

/// What a new challenge should allow (`scepgate challenge create`, the admin API).
struct ChallengeParameters {
    certs::Name subject;
    certs::GeneralNames subject_alt_name;
    std::optional<certs::KeyUsage> key_usage;
    certs::ExtendedKeyUsage extended_key_usage;  ///< empty: the template's
    std::optional<std::int64_t> lifetime;        ///< seconds; empty: the policy's own
    std::optional<std::string> template_name;
    std::optional<certs::Purpose> purpose;
    std::optional<std::int64_t> max_validity;  ///< seconds
    std::string device_id;
    std::string user_id;
    std::optional<std::string> sid;
    std::vector<std::string> endpoints{};  ///< names of those where it is good; empty: of all
    /// What the templates that it can lead to would write in the subject's place: limits for the
    /// subject hold for these, too.
    std::vector<certs::Name> built_subjects{};
};

/// A challenge to hand to a device.
struct Challenge {
    Secret text;               ///< one line
    std::string scope;         ///< Redemption::policy and token: what is redeemed with it; no
    Bytes token;               ///< token: it can be used any number of times
    std::int64_t expires = 0;  ///< seconds since the epoch; 0: never, which needs no token
    /// It is good only when the store has it: what stands here is what it is bound to (claims,
    /// JSON). Empty: the challenge says it all itself.
    std::optional<std::string> recorded_claims;
    std::size_t maximum_outstanding = 0;  ///< of this scope; 0: no limit
};

/// How a transaction ended: one of `issued` and `refused`.
struct TransactionOutcome {
    const EnrollmentRequest* request = nullptr;  ///< alive until notify() ends
    std::optional<certs::Certificate> issued;
    /// By this module, by the CA, or (then `temporary`) because something failed on the way; the
    /// same request may come again after that.
    std::optional<Refusal> refused;
    /// Grant::policy() of what was granted; empty: policy refused. Inside a composition: only what
    /// this module had a part in, by its own name.
    std::string granted_by{};
};

/// One rule about who may have which certificate; NDES's INDESPolicy in C++ (construction and
/// destruction are its Initialize and Uninitialize).
///
/// Calls may overlap: an implementation must be safe to use from many threads. What a call is given
/// by reference stays alive until its coroutine ends. A module that fails, throws or takes too long
/// has refused.
class PolicyModule {
public:
    virtual ~PolicyModule() = default;

    /// The name it has in the configuration; stands in logs, audit records and redemptions.
    [[nodiscard]] virtual const std::string& name() const noexcept = 0;

    /// Makes a challenge. kUnsupported from a module that cannot; kDenied: not for these
    /// parameters, or not now (a full cache); kUnavailable: the store is down.
    virtual boost::asio::awaitable<Result<Challenge>> generate_challenge(
        const ChallengeParameters& parameters);

    /// Every Challenge::scope under which it takes what can be counted, also of keys that make no
    /// new ones any more; none when there is nothing to count.
    [[nodiscard]] virtual std::vector<std::string> challenge_scopes() const { return {}; }

    /// What new challenges have to be encrypted to now, by whoever makes them.
    [[nodiscard]] virtual std::optional<certs::Certificate> encryption_certificate() const {
        return std::nullopt;
    }

    /// Whether calls may wait for something outside of this process. When not, no time limit is put
    /// around them.
    [[nodiscard]] virtual bool may_wait() const noexcept { return true; }

    /// Decides. Nothing is used up here: the Grant names what to redeem with the issuance.
    virtual boost::asio::awaitable<Result<Grant, Refusal>> verify_request(
        const EnrollmentRequest& request) = 0;

    /// Every check on a request, not only the first that fails, and what verify_request() would
    /// decide; nothing is used up, counted or told to anybody. By default one verdict, from
    /// verify_request(); skipped offline where the module may wait.
    virtual boost::asio::awaitable<Explanation> explain(const EnrollmentRequest& request,
                                                        Reach reach);

    /// Whether its Grants can have a Redemption. Only one policy of a composition that must all
    /// agree may.
    [[nodiscard]] virtual bool uses_up_challenges() const noexcept { return false; }

    /// Whether this stands for it in Grant::policy(), or for a part of it.
    [[nodiscard]] virtual bool is_named(std::string_view part) const { return part == name(); }

    /// Whether notify() does anything. When not, it is never called, and the store need not keep
    /// track of who was told.
    [[nodiscard]] virtual bool hears_outcomes() const noexcept { return false; }

    /// Hears how it ended, for each request that verify_request() was asked about; before the reply
    /// is delivered.
    ///
    /// Issued: the certificate is recorded, and is delivered only once this has succeeded. After a
    /// failure the device is told to come again (HTTP 503); its retry is not verified anew, but
    /// this is called again. So it hears of each issued certificate at least once, and of one more
    /// than once when an answer was lost: an implementation goes by the certificate's serial. After
    /// kDenied the certificate is revoked and the request refused for good.
    ///
    /// Refused: heard at most once for each attempt; a failure is logged and changes nothing.
    virtual boost::asio::awaitable<Result<void>> notify(const TransactionOutcome& outcome);
};

}  // namespace scepgate::policy

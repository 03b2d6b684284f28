// From a message to its answer.
#pragma once

#include <chrono>

#include "server/enrollment.hpp"
#include "server/lookup.hpp"
#include "server/poll.hpp"
#include "server/repeat_bounds.hpp"

namespace scepgate::server {

/// How a PKIOperation ends.
struct OperationReply {
    enum class Kind {
        kCertRep,      ///< `body` is a signed CertRep
        kMalformed,    ///< nobody to answer: HTTP 400
        kUnavailable,  ///< try again: HTTP 503
        kInternal,     ///< HTTP 500
    };
    Kind kind = Kind::kInternal;
    Bytes body;
    /// FAILURE: the moment before our private key was used; see failure_release().
    std::optional<std::chrono::steady_clock::time_point> failed_since;
};

/// Runs PKIOperations: reads and opens the message, hands it to what answers its type, and writes
/// the CertRep. Safe for concurrent use.
class PkiOperations {
public:
    explicit PkiOperations(ServiceParts parts);
    PkiOperations(const PkiOperations&) = delete;
    PkiOperations& operator=(const PkiOperations&) = delete;

    /// See Store::clock_is_wrong().
    [[nodiscard]] bool clock_is_wrong() const noexcept;

    /// How many "refuse" and "retry" are recorded a second: RefusalBounds for strangers' refusals,
    /// RepeatBounds for retries, and for refusals of whoever has a valid challenge or renews a
    /// valid certificate. 0, as at first: all.
    void bound_refusals(std::size_t rate);
    /// Records how many were not. Blocks.
    void tell_refusals(RefusalBounds::Which which);

    /// `routed`: by the path; before a rollover a message can be for its successor all the same.
    /// `record` is filled in for the request log; both stay alive until the end.
    boost::asio::awaitable<OperationReply> process(const Endpoint& routed, const Bytes& message,
                                                   std::string client_address,
                                                   RequestRecord& record);

private:
    [[nodiscard]] bool is_recorded(const RequestRecord& record, std::string_view client_address,
                                   const Refusal& refusal);
    Result<scep::PkiMessage, Refusal> open(const Endpoint& endpoint,
                                           const scep::SignedRequest& request) const;
    boost::asio::awaitable<Outcome> dispatch(const Operation& operation);
    OperationReply reply(const Endpoint& endpoint, const scep::ReplySigner& signer,
                         const scep::ReplyAddress& address, const Answer& answer,
                         RequestRecord& record) const;

    ServiceParts parts_;
    AuditTrail trail_;
    RefusalBounds refusals_;
    RepeatBounds known_refusals_;  ///< of each transaction and code
    Enrollment enrollment_;
    Poll poll_;
    LookUp look_up_;
};

}  // namespace scepgate::server

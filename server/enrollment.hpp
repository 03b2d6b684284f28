// PKCSReq and RenewalReq (RFC 8894 sections 3.3.1, 4.3).
#pragma once

#include "server/approval.hpp"

namespace scepgate::server {

/// Classify, look for a recorded answer, ask policy, then let the CA issue or an operator decide.
class Enrollment {
public:
    explicit Enrollment(const ServiceParts& parts)
        : parts_(parts), issuance_(parts), approval_(parts) {}

    boost::asio::awaitable<Outcome> answer(const Operation& operation);

private:
    boost::asio::awaitable<Outcome> decide(const Operation& operation, EnrollmentRequest& request);
    /// This very request, or the same CSR by the same key under the same transactionID that had to
    /// wait: some clients sign it anew instead of polling. Empty: none that answers this one; where
    /// its certificate is over, `key` becomes the one to record the next under.
    Result<std::optional<ca_backend::StoredTransaction>, Refusal> recorded_before(
        const Operation& operation, const EnrollmentRequest& request,
        ca_backend::TransactionKey& key);
    /// A renewal becomes one for its template (set_template()).
    boost::asio::awaitable<Result<Grant, Refusal>> authorise(const Operation& operation,
                                                             EnrollmentRequest& request);
    boost::asio::awaitable<Result<Grant, Refusal>> ask_module(const Operation& operation,
                                                              const EnrollmentRequest& request);
    Result<Grant, Refusal> judge_renewal(const Operation& operation, EnrollmentRequest& request);

    const ServiceParts& parts_;
    Issuance issuance_;
    Approval approval_;
};

}  // namespace scepgate::server

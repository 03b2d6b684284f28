// Every check that a request for a certificate would meet, for an administrator who asks why.
#pragma once

#include "ca_backend/store.hpp"
#include "server/runtime.hpp"

namespace scepgate::server {

struct EnrollmentExplanation {
    std::vector<policy::Verdict> verdicts;  ///< in the order of judgement
    /// What it comes to; empty: it depends on what was not asked.
    std::optional<Result<Grant, Refusal>> outcome;
    std::string template_name;
    bool needs_approval = false;
    std::optional<ca_backend::IssuePreview> preview;
};

/// Judges as Enrollment does, but all of it, and without a trace: nothing is signed, recorded, used
/// up, counted or told to anybody. `store` null: what stands in it is skipped. A request that was
/// answered before would get that answer again; that is not looked at. A renewal needs an endpoint
/// with a renewal rule.
boost::asio::awaitable<EnrollmentExplanation> explain_enrollment(const Endpoint& endpoint,
                                                                 const EnrollmentRequest& request,
                                                                 ca_backend::Store* store,
                                                                 std::int64_t now,
                                                                 policy::Reach reach);

}  // namespace scepgate::server

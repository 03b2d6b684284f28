// CertPoll (RFC 8894 section 3.3.3).
#pragma once

#include "server/approval.hpp"

namespace scepgate::server {

/// Answers who polls for a request of theirs: the same key signed both. The names inside the
/// message are not looked at (C09): transactionID and key say which request is meant.
class Poll {
public:
    explicit Poll(const ServiceParts& parts) : parts_(parts), approval_(parts) {}

    /// Refused: "PollUnknown" (badCertId), the same for no request and for somebody else's (T02);
    /// "PollOver" (badCertId), when its certificate has expired or was revoked; else as
    /// Approval::answer().
    boost::asio::awaitable<Outcome> answer(const Operation& operation);

private:
    const ServiceParts& parts_;
    Approval approval_;
};

}  // namespace scepgate::server

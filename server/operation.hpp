// One PKIOperation on its way through the service: what all message types share.
#pragma once

#include <variant>

#include "ca_backend/store.hpp"
#include "certs/clock.hpp"
#include "scep/message_content.hpp"
#include "server/audit_log.hpp"
#include "server/reasons.hpp"
#include "server/request_record.hpp"
#include "server/runtime.hpp"

namespace scepgate::server {

/// What the steps work with; the same for all requests.
class Notifier;
class RepeatBounds;

struct ServiceParts {
    std::shared_ptr<ca_backend::Store> store;
    std::shared_ptr<AuditLog> audit;
    std::shared_ptr<Log> log;
    std::shared_ptr<const certs::Clock> clock;
    std::shared_ptr<Notifier> notifier{};     ///< null: nobody is told of refusals
    std::shared_ptr<RepeatBounds> retries{};  ///< that are recorded; null: all
};

/// A message that was opened, and where it came in. Stays alive until its answer is made.
struct Operation {
    const Endpoint& endpoint;
    RequestRecord& record;
    const std::string& client_address;
    const scep::PkiMessage& message;
};

/// SUCCESS with a certificate, for this recipient alone.
struct ReleasedCertificate {
    certs::Certificate certificate;
    scep::ReplyRecipient recipient;
};
/// SUCCESS with a CRL.
struct ReleasedCrl {
    certs::Crl crl;
    scep::ReplyRecipient recipient;
};
/// PENDING.
struct StillPending {};

using Answer = std::variant<StillPending, ReleasedCertificate, ReleasedCrl>;
using Outcome = Result<Answer, Refusal>;

}  // namespace scepgate::server

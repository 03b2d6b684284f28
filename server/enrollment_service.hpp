// The steps from a message to its answer.
#pragma once

#include "ca_backend/store.hpp"
#include "certs/clock.hpp"
#include "server/audit_log.hpp"
#include "server/request_record.hpp"
#include "server/runtime.hpp"

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
    bool failure = false;  ///< the CertRep says FAILURE
};

/// Runs one PKIOperation: read and open the message, classify it, look for a recorded answer, ask
/// policy, let the CA issue, record durably, tell policy, audit, answer; in this order.
/// What is released was recorded first. Safe for concurrent use.
class EnrollmentService {
public:
    EnrollmentService(std::shared_ptr<ca_backend::Store> store, std::shared_ptr<AuditLog> audit,
                      std::shared_ptr<Log> log, std::shared_ptr<const certs::Clock> clock);

    /// `record` is filled in for the request log; it and `endpoint` stay alive until the end.
    boost::asio::awaitable<OperationReply> process(const Endpoint& endpoint, const Bytes& message,
                                                   std::string client_address,
                                                   RequestRecord& record);

private:
    struct Transaction;

    boost::asio::awaitable<Result<certs::Certificate, Refusal>> enroll(Transaction& transaction);
    /// A retry is answered from the record, without asking anybody again. Nothing: it is none.
    std::optional<Result<certs::Certificate, Refusal>> recorded_answer(Transaction& transaction);
    boost::asio::awaitable<Result<certs::Certificate, Refusal>> issue(Transaction& transaction,
                                                                      const Grant& grant);
    boost::asio::awaitable<Result<certs::Certificate, Refusal>> store_issued(
        Transaction& transaction, const Grant& grant, certs::Certificate certificate);
    Result<void> audit_issue(const Transaction& transaction, const certs::Certificate& certificate,
                             std::string_view event, const Grant* grant);
    void audit_refusal(const Transaction& transaction, const Refusal& refusal);

    std::shared_ptr<ca_backend::Store> store_;
    std::shared_ptr<AuditLog> audit_;
    std::shared_ptr<Log> log_;
    std::shared_ptr<const certs::Clock> clock_;
};

}  // namespace scepgate::server

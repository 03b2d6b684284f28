// The audit file's lines about requests.
#pragma once

#include "server/operation.hpp"
#include "server/refusal_bounds.hpp"

namespace scepgate::server {

/// What a recorded request was granted, and by whom; the same keys in every line about it. `row`: a
/// StoredTransaction or a PendingRecord.
template <class Row>
void add_grant(AuditRecord& line, const Row& row) {
    line.add("ca", row.ca)
        .add_if("template", row.template_name)
        .add("policy", row.policy)
        .add("subject_alt_name", row.subject_alt_name.empty() ? "none" : row.subject_alt_name)
        .add_if("device_id", row.device_id)
        .add_if("user_id", row.user_id);
}

/// "reject": a renewal that ended with its certificate, which was revoked (Store::revoke) or
/// superseded.
[[nodiscard]] AuditRecord ended_renewal(const ca_backend::StoredTransaction& rejected);

/// Writes what was decided about one request. What is released with SUCCESS or PENDING is written
/// first: where that fails, it is not released. Of what it is given nothing is used after the call,
/// only the record is, while it waits for others.
class AuditTrail {
public:
    explicit AuditTrail(const ServiceParts& parts) : parts_(parts) {}

    /// "sign" before a certificate is recorded, "issue" when it is and leaves. `challenge`: the
    /// token that was used up for it.
    boost::asio::awaitable<Result<void>> certificate(AuditEvent event, const Operation& operation,
                                                     const certs::Certificate& certificate,
                                                     const Grant& grant, ByteView challenge) const;
    /// "retry": a certificate that was recorded before leaves again.
    boost::asio::awaitable<Result<void>> retry(
        const Operation& operation, const ca_backend::StoredTransaction& transaction) const;
    /// "pending": the request is about to be recorded for an operator to decide.
    boost::asio::awaitable<Result<void>> pending(const Operation& operation,
                                                 const ca_backend::PendingRecord& row) const;
    /// "revoke": policy will not have what was issued. A failure is logged: "refuse" follows.
    boost::asio::awaitable<void> withdrawn(const Operation& operation,
                                           const certs::Certificate& certificate,
                                           std::string_view reason) const;
    /// ended_renewal(). A failure is logged: it has ended.
    boost::asio::awaitable<void> ended(const ca_backend::StoredTransaction& rejected) const;
    /// "refuse". Nothing is released with it, so a failure is logged and changes nothing.
    boost::asio::awaitable<void> refusal(const Endpoint& endpoint, const RequestRecord& record,
                                         std::string_view client_address,
                                         const Refusal& refusal) const;
    /// "refuse_more", "retry_more": what was only counted. Waits for the file, unlike the others.
    void counted(AuditEvent event, const UntoldRefusals& untold) const;

private:
    boost::asio::awaitable<void> write_or_log(AuditRecord line) const;
    [[nodiscard]] AuditRecord begin(AuditEvent event, const Endpoint& endpoint,
                                    const RequestRecord& record,
                                    std::string_view client_address) const;

    const ServiceParts& parts_;
};

}  // namespace scepgate::server

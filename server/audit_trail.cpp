#include "server/audit_trail.hpp"

namespace scepgate::server {

namespace asio = boost::asio;

namespace {

void add_certificate(AuditRecord& line, const certs::Certificate& certificate) {
    line.add("serial", certificate.serial_hex())
        .add("subject", certificate.subject_text())
        .add("fingerprint", to_hex(certificate.fingerprint()))
        .add("not_after", certs::utc_text(certificate.not_after()));
}

}  // namespace

AuditRecord ended_renewal(const ca_backend::StoredTransaction& rejected) {
    AuditRecord line("reject", rejected.pending->decided_at);
    line.add("endpoint", rejected.endpoint)
        .add("transaction_id", rejected.transaction_id)
        .add("request", rejected.id)
        .add("subject", rejected.subject);
    add_grant(line, rejected);
    line.add("reason", rejected.pending->reason).add("by", rejected.pending->decided_by);
    return line;
}

asio::awaitable<void> AuditTrail::write_or_log(AuditRecord line) const {
    auto writing = parts_.audit->write_with_others(std::move(line));
    const auto written = co_await std::move(writing);
    if (!written) parts_.log->error(written.error().detail);
}

AuditRecord AuditTrail::begin(AuditEvent event, const Endpoint& endpoint,
                              const RequestRecord& record, std::string_view client_address) const {
    AuditRecord line(event, parts_.clock->now());
    line.add("endpoint", endpoint.name)
        .add("client", client_address)
        .add("transaction_id", record.transaction_id)
        .add("message_type", record.message_type);
    return line;
}

asio::awaitable<Result<void>> AuditTrail::certificate(AuditEvent event, const Operation& operation,
                                                      const certs::Certificate& certificate,
                                                      const Grant& grant,
                                                      ByteView challenge) const {
    AuditRecord line = begin(event, operation.endpoint, operation.record, operation.client_address);
    add_certificate(line, certificate);
    line.add("ca", operation.endpoint.ca->name())
        .add_if("template", operation.record.template_name)
        .add("policy", grant.policy())
        .add("subject_alt_name", certs::to_text(grant.subject_alt_name()))
        .add_if("device_id", grant.device_id())
        .add_if("user_id", grant.user_id())
        .add_if("challenge", to_hex(challenge));
    if (!grant.stripped().empty()) line.add("left_out", grant.stripped());
    return parts_.audit->write_with_others(std::move(line));
}

asio::awaitable<Result<void>> AuditTrail::retry(
    const Operation& operation, const ca_backend::StoredTransaction& transaction) const {
    AuditRecord line =
        begin("retry", operation.endpoint, operation.record, operation.client_address);
    if (transaction.certificate) add_certificate(line, *transaction.certificate);
    add_grant(line, transaction);
    line.add_if("challenge", to_hex(transaction.challenge));
    return parts_.audit->write_with_others(std::move(line));
}

asio::awaitable<Result<void>> AuditTrail::pending(const Operation& operation,
                                                  const ca_backend::PendingRecord& row) const {
    AuditRecord line =
        begin("pending", operation.endpoint, operation.record, operation.client_address);
    line.add("subject", row.subject);
    add_grant(line, row);
    line.add("expires", certs::utc_text(row.details.expires));
    if (row.redemption) line.add("challenge", to_hex(row.redemption->token));
    return parts_.audit->write_with_others(std::move(line));
}

asio::awaitable<void> AuditTrail::withdrawn(const Operation& operation,
                                            const certs::Certificate& certificate,
                                            std::string_view reason) const {
    AuditRecord line =
        begin("revoke", operation.endpoint, operation.record, operation.client_address);
    add_certificate(line, certificate);
    line.add("ca", operation.endpoint.ca->name())
        .add("policy", operation.record.policy)
        .add("reason", reason);
    return write_or_log(std::move(line));
}

asio::awaitable<void> AuditTrail::ended(const ca_backend::StoredTransaction& rejected) const {
    return write_or_log(ended_renewal(rejected));
}

asio::awaitable<void> AuditTrail::refusal(const Endpoint& endpoint, const RequestRecord& record,
                                          std::string_view client_address,
                                          const Refusal& refusal) const {
    AuditRecord line = begin("refuse", endpoint, record, client_address);
    line.add("policy", record.policy)
        .add("code", refusal.code)
        .add_if("check", refusal.check)
        .add("reason", refusal.text)
        .add("fail_info", refusal.temporary ? "none (503)" : to_text(refusal.fail_info))
        .add_if("expected", refusal.expected)
        .add_if("found", refusal.found)
        .add_if("hint", refusal.hint);
    if (record.subject) {
        line.add("subject", *record.subject).add("subject_alt_name", record.subject_alt_name);
    }
    return write_or_log(std::move(line));
}

void AuditTrail::counted(AuditEvent event, const UntoldRefusals& untold) const {
    const std::int64_t now = parts_.clock->now();
    AuditRecord line(event, now);
    line.add("client", untold.client)
        .add("code", untold.code)
        .add("count", static_cast<std::int64_t>(untold.count))
        .add("since", certs::utc_text(now - untold.ago.count()));
    if (auto written = parts_.audit->write(line); !written)
        parts_.log->error(written.error().detail);
}

}  // namespace scepgate::server

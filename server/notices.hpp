// The messages of notifiers (docs/webhook.md): who wants to hear what, and what it says.
#pragma once

#include <functional>
#include <set>

#include "ca_backend/outbox.hpp"
#include "server/config.hpp"
#include "server/request_record.hpp"

namespace scepgate::server {

/// What one notifier wants to hear.
struct Subscription {
    std::string target;
    std::set<std::string, std::less<>> kinds;
    std::set<std::string, std::less<>> endpoints;  ///< empty: all
    bool certificate = false;

    [[nodiscard]] bool wants(std::string_view kind, const std::string& endpoint) const;
};

[[nodiscard]] std::vector<Subscription> subscriptions(const Config& config);

/// A refusal, as it is told. No text of it holds a secret.
struct RefusedRequest {
    const std::string& endpoint;
    const RequestRecord& record;
    const std::string& client_address;
    const Refusal& refusal;
};

/// Immutable; the body of a message is made once, when it is recorded.
class Notices final : public ca_backend::Announcer {
public:
    /// `wake`: called when messages have become durable; may be empty.
    explicit Notices(std::vector<Subscription> subscriptions, std::function<void()> wake = {});

    [[nodiscard]] std::vector<ca_backend::OutboxEvent> issued(
        const ca_backend::IssuanceRecord& record) const override;
    [[nodiscard]] std::vector<ca_backend::OutboxEvent> pending(
        const ca_backend::PendingRecord& record) const override;
    [[nodiscard]] std::vector<ca_backend::OutboxEvent> revoked(
        const ca_backend::CertificateRow& row, std::int64_t at) const override;
    void added() const override;

    [[nodiscard]] std::vector<ca_backend::OutboxEvent> refused(const RefusedRequest& request,
                                                               std::int64_t now) const;

private:
    /// `write` adds the message's own members; true: with the certificate.
    template <class Write>
    [[nodiscard]] std::vector<ca_backend::OutboxEvent> tell(std::string_view kind,
                                                            const std::string& endpoint,
                                                            std::int64_t now, Write write) const;

    const std::vector<Subscription> subscriptions_;
    const std::function<void()> wake_;
};

}  // namespace scepgate::server

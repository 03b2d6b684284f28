#include "ca_backend/sql_store.hpp"

#include <algorithm>

#include "ca_backend/sql_certificate_list.hpp"
#include "ca_backend/sql_issuers.hpp"
#include "ca_backend/sql_store_impl.hpp"

namespace scepgate::ca_backend {
namespace {

namespace asio = boost::asio;

template <class Outcome>
bool is_new(const Result<Outcome>& outcome) {
    return outcome && std::holds_alternative<Recorded>(*outcome);
}

/// What was recorded now is told of in the same transaction.
template <class Outcome>
Result<Outcome> announced(sql::Changes& changes, const std::vector<OutboxEvent>& events,
                          std::int64_t now, Result<Outcome> outcome) {
    if (!is_new(outcome)) return outcome;
    const auto added = changes.outbox.add(events, now);
    if (!added) return added.error();
    return outcome;
}

}  // namespace

SqlStore::SqlStore(std::unique_ptr<sql::Writer> writer, sql::Connect connect_reader,
                   std::size_t most_readers)
    : impl_(std::make_unique<Impl>(std::move(writer), std::move(connect_reader), most_readers)) {}

SqlStore::~SqlStore() = default;

Result<std::optional<StoredTransaction>> SqlStore::find_request(const PollKey& sender,
                                                                const TransactionKey& key,
                                                                std::int64_t now) {
    return impl_->read([&sender, &key, now](sql::Reader& reader) {
        return reader.transactions.find_request(sender, key, now);
    });
}

Result<std::optional<StoredTransaction>> SqlStore::find_pending(const PollKey& sender,
                                                                std::int64_t now) {
    return impl_->read([&sender, now](sql::Reader& reader) {
        return reader.transactions.find_newest(sender, now);
    });
}

Result<bool> SqlStore::is_redeemed(const Redemption& redemption) {
    return impl_->read(
        [&redemption](sql::Reader& reader) { return reader.transactions.is_redeemed(redemption); });
}

Result<bool> SqlStore::is_compromised(const Sha256& key) {
    return impl_->read(
        [&key](sql::Reader& reader) { return reader.compromised_keys.contains(key); });
}

asio::awaitable<Result<RecordOutcome>> SqlStore::record(IssuanceRecord record) {
    const auto announcer = impl_->outbox().announcer();
    const auto events = announcer ? announcer->issued(record) : std::vector<OutboxEvent>();
    auto outcome = co_await impl_->write<RecordOutcome>([&](sql::Changes& changes) {
        changes.now = std::min(changes.now, record.now);
        if (const auto sound = changes.clock.judge(record.now); !sound)
            return Result<RecordOutcome>(sound.error());
        return announced(changes, events, record.now, changes.recorder.record(record));
    });
    if (!events.empty() && is_new(outcome)) announcer->added();
    co_return outcome;
}

asio::awaitable<Result<PendingOutcome>> SqlStore::record_pending(PendingRecord record) {
    const auto announcer = impl_->outbox().announcer();
    const auto events = announcer ? announcer->pending(record) : std::vector<OutboxEvent>();
    auto outcome = co_await impl_->write<PendingOutcome>([&](sql::Changes& changes) {
        changes.now = std::min(changes.now, record.now);
        if (const auto sound = changes.clock.judge(record.now); !sound)
            return Result<PendingOutcome>(sound.error());
        return announced(changes, events, record.now, changes.recorder.record_pending(record));
    });
    if (!events.empty() && is_new(outcome)) announcer->added();
    co_return outcome;
}

asio::awaitable<Result<StoredTransaction>> SqlStore::decide(Decision decision) {
    return impl_->write<StoredTransaction>([decision = std::move(decision)](sql::Changes& changes) {
        return changes.recorder.decide(decision);
    });
}

asio::awaitable<Result<void>> SqlStore::mark_notified(std::int64_t id) {
    return impl_->write<void>(
        [id](sql::Changes& changes) { return changes.recorder.mark_notified(id); });
}

Result<std::vector<StoredTransaction>> SqlStore::list_pending(const PendingFilter& filter) {
    return impl_->read(
        [&filter](sql::Reader& reader) { return sql::list_pending(*reader.connection, filter); });
}

Result<std::optional<CertificateRow>> SqlStore::find_certificate(const CertificateId& id) {
    return impl_->read([&id](sql::Reader& reader) { return reader.certificates.find(id); });
}

Result<std::optional<CertificateRow>> SqlStore::newest_of_identity(const Identity& identity) {
    return impl_->read([&identity](sql::Reader& reader) {
        return reader.certificates.newest_of_identity(identity);
    });
}

Result<CertificatePage> SqlStore::list(const CertificateFilter& filter) {
    return impl_->read([&filter](sql::Reader& reader) {
        return sql::list_certificates(*reader.connection, filter);
    });
}

Result<std::vector<certs::Certificate>> SqlStore::certificates_of_issuers(
    const std::vector<std::string>& cas) {
    return impl_->read([&cas](sql::Reader& reader) {
        return sql::certificates_of_issuers(*reader.connection, cas);
    });
}

Result<std::vector<CertificateRow>> SqlStore::with_serial(std::string_view serial_hex) {
    const auto serial = parse_serial(serial_hex);
    if (!serial) return in_context("serial number", serial.error());
    return impl_->read(
        [&serial](sql::Reader& reader) { return reader.certificates.with_serial(*serial); });
}

asio::awaitable<Result<Revoked>> SqlStore::revoke(RevocationOrder order) {
    const auto announcer = impl_->outbox().announcer();
    auto done = co_await impl_->write<Revoked>([&](sql::Changes& changes) -> Result<Revoked> {
        auto row = changes.revoker.revoke(order);
        if (!row) return row.error();
        Revoked revoked{*std::move(row), {}};
        // Of what is not recorded nobody would know whose certificate it was.
        if (order.not_recorded) return revoked;
        auto ended = changes.recorder.end_renewals(revoked.certificate, order);
        if (!ended) return ended.error();
        revoked.renewals = *std::move(ended);
        if (!announcer) return revoked;
        const auto told =
            changes.outbox.add(announcer->revoked(revoked.certificate, order.at), order.at);
        if (!told) return told.error();
        return revoked;
    });
    if (done && announcer) announcer->added();
    co_return done;
}

Result<void> SqlStore::judge_clock(std::int64_t now) {
    return impl_->read([now](sql::Reader& reader) -> Result<void> {
        auto clock = sql::ClockJudge::prepare(*reader.connection);
        return clock ? clock->judge(now) : clock.error();
    });
}

asio::awaitable<Result<void>> SqlStore::accept_clock() {
    return impl_->write<void>([](sql::Changes& changes) { return changes.clock.accept(); });
}

bool SqlStore::clock_is_wrong() const noexcept {
    return impl_->clock_is_wrong();
}

Outbox& SqlStore::outbox() noexcept {
    return impl_->outbox();
}

}  // namespace scepgate::ca_backend

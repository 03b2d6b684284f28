// A real store that can be switched off, as by a full disk.
#pragma once

#include <functional>

#include "ca_backend/store.hpp"

namespace scepgate::server::testing {

class SwitchedStore final : public ca_backend::Store {
public:
    explicit SwitchedStore(std::unique_ptr<ca_backend::Store> store) : store_(std::move(store)) {}

    bool reads_fail = false;
    bool writes_fail = false;
    bool marks_fail = false;
    bool clock_fails = false;
    /// Asked before each revocation, which fails with what it says.
    std::function<std::optional<Error>()> before_revoking;

    [[nodiscard]] bool clock_is_wrong() const noexcept override { return clock_fails; }
    Result<std::optional<ca_backend::StoredTransaction>> find_request(
        const ca_backend::PollKey& sender, const ca_backend::TransactionKey& key,
        std::int64_t now) override {
        if (reads_fail) return down();
        return store_->find_request(sender, key, now);
    }
    Result<std::optional<ca_backend::StoredTransaction>> find_pending(
        const ca_backend::PollKey& key, std::int64_t now) override {
        if (reads_fail) return down();
        return store_->find_pending(key, now);
    }
    Result<bool> is_compromised(const Sha256& key) override {
        if (reads_fail) return down();
        return store_->is_compromised(key);
    }
    Result<bool> is_redeemed(const Redemption& redemption) override {
        if (reads_fail) return down();
        return store_->is_redeemed(redemption);
    }
    boost::asio::awaitable<Result<ca_backend::RecordOutcome>> record(
        ca_backend::IssuanceRecord record) override {
        if (writes_fail) return failed<ca_backend::RecordOutcome>();
        return store_->record(std::move(record));
    }
    boost::asio::awaitable<Result<ca_backend::PendingOutcome>> record_pending(
        ca_backend::PendingRecord record) override {
        if (writes_fail) return failed<ca_backend::PendingOutcome>();
        return store_->record_pending(std::move(record));
    }
    boost::asio::awaitable<Result<ca_backend::StoredTransaction>> decide(
        ca_backend::Decision decision) override {
        return store_->decide(std::move(decision));
    }
    boost::asio::awaitable<Result<void>> mark_notified(std::int64_t id) override {
        if (marks_fail) return failed<void>();
        return store_->mark_notified(id);
    }
    Result<std::vector<ca_backend::StoredTransaction>> list_pending(
        const ca_backend::PendingFilter& filter) override {
        return store_->list_pending(filter);
    }
    Result<std::optional<ca_backend::CertificateRow>> find_certificate(
        const ca_backend::CertificateId& id) override {
        if (reads_fail) return down();
        return store_->find_certificate(id);
    }
    Result<std::optional<ca_backend::CertificateRow>> newest_of_identity(
        const ca_backend::Identity& identity) override {
        return store_->newest_of_identity(identity);
    }
    Result<ca_backend::CertificatePage> list(const ca_backend::CertificateFilter& filter) override {
        return store_->list(filter);
    }
    Result<std::vector<certs::Certificate>> certificates_of_issuers(
        const std::vector<std::string>& cas) override {
        if (reads_fail) return down();
        return store_->certificates_of_issuers(cas);
    }
    Result<std::vector<ca_backend::CertificateRow>> with_serial(
        std::string_view serial_hex) override {
        return store_->with_serial(serial_hex);
    }
    boost::asio::awaitable<Result<ca_backend::Revoked>> revoke(
        ca_backend::RevocationOrder order) override {
        if (before_revoking) {
            if (auto error = before_revoking())
                return failed<ca_backend::Revoked>(std::move(*error));
        }
        return store_->revoke(std::move(order));
    }
    Result<std::int64_t> revocation_revision(const ca_backend::IssuerHash& issuer) override {
        return store_->revocation_revision(issuer);
    }
    Result<std::optional<ca_backend::Revocation>> find_revocation(
        const ca_backend::CertificateId& id) override {
        if (reads_fail) return down();
        return store_->find_revocation(id);
    }
    boost::asio::awaitable<Result<ca_backend::CrlBegun>> begin_crl(
        ca_backend::CrlOrder order) override {
        return store_->begin_crl(std::move(order));
    }
    boost::asio::awaitable<Result<void>> extend_crl(ca_backend::IssuerHash issuer,
                                                    std::string maker,
                                                    std::int64_t until) override {
        return store_->extend_crl(issuer, std::move(maker), until);
    }
    boost::asio::awaitable<Result<bool>> keep_crl(ca_backend::IssuerHash issuer,
                                                  ca_backend::CrlToKeep crl) override {
        if (writes_fail) return failed<bool>();
        return store_->keep_crl(issuer, std::move(crl));
    }
    boost::asio::awaitable<Result<void>> end_crl(ca_backend::IssuerHash issuer,
                                                 std::string maker) override {
        return store_->end_crl(issuer, std::move(maker));
    }
    Result<std::optional<ca_backend::CrlState>> find_crl_state(const ca_backend::IssuerHash& issuer,
                                                               ca_backend::CrlKind kind) override {
        return store_->find_crl_state(issuer, kind);
    }
    Result<std::optional<ca_backend::KeptCrl>> find_crl(const ca_backend::IssuerHash& issuer,
                                                        ca_backend::CrlKind kind) override {
        return store_->find_crl(issuer, kind);
    }
    boost::asio::awaitable<Result<bool>> lift_crl_number(ca_backend::IssuerHash issuer,
                                                         std::int64_t above) override {
        return store_->lift_crl_number(issuer, above);
    }
    [[nodiscard]] ca_backend::Outbox& outbox() noexcept override { return store_->outbox(); }
    boost::asio::awaitable<Result<ca_backend::AddChallengeOutcome>> add_challenge(
        ca_backend::ChallengeRow row, ca_backend::ChallengeLimits limits) override {
        if (writes_fail) return failed<ca_backend::AddChallengeOutcome>();
        return store_->add_challenge(std::move(row), limits);
    }
    Result<std::optional<ca_backend::StoredChallenge>> find_challenge(std::string_view scope,
                                                                      ByteView token,
                                                                      std::int64_t now) override {
        if (reads_fail) return down();
        return store_->find_challenge(scope, token, now);
    }
    Result<std::vector<ca_backend::StoredChallenge>> list_challenges(
        const ca_backend::ChallengeFilter& filter) override {
        if (reads_fail) return down();
        return store_->list_challenges(filter);
    }
    boost::asio::awaitable<Result<void>> withdraw_challenge(std::string scope, Bytes token,
                                                            std::int64_t now) override {
        if (writes_fail) return failed<void>();
        return store_->withdraw_challenge(std::move(scope), std::move(token), now);
    }

private:
    static Error down() { return {Errc::kUnavailable, "the store is switched off"}; }
    template <class T>
    static boost::asio::awaitable<Result<T>> failed(Error error = down()) {
        co_return error;
    }

    std::unique_ptr<ca_backend::Store> store_;
};

}  // namespace scepgate::server::testing

// The store in a database that speaks SQL, whatever its engine.
#pragma once

#include <limits>
#include <memory>

#include "ca_backend/sql.hpp"
#include "ca_backend/store.hpp"

namespace scepgate::ca_backend {

namespace sql {
class Writer;
}

/// kReadOnly works beside a running server; all writing is kDenied then. Tables of an older version
/// are upgraded by the first two alone: a server of that version may have them open.
enum class StoreMode { kCreateOrOpen, kOpenExisting, kOpenCurrent, kReadOnly };

/// One thread writes: it takes all records that wait and commits them in one transaction, so that a
/// commit (one fsync) serves many requests; one conflict spoils nobody else's (sql_writer.hpp).
/// Reading uses connections of its own. What makes the connections knows the engine.
class SqlStore : public Store {
public:
    /// Finishes what waits, then closes.
    ~SqlStore() override;

    Result<std::optional<StoredTransaction>> find_request(const PollKey& sender,
                                                          const TransactionKey& key,
                                                          std::int64_t now) override;
    Result<std::optional<StoredTransaction>> find_pending(const PollKey& sender,
                                                          std::int64_t now) override;
    Result<bool> is_redeemed(const Redemption& redemption) override;
    Result<bool> is_compromised(const Sha256& key) override;
    boost::asio::awaitable<Result<RecordOutcome>> record(IssuanceRecord record) override;
    boost::asio::awaitable<Result<PendingOutcome>> record_pending(PendingRecord record) override;
    boost::asio::awaitable<Result<StoredTransaction>> decide(Decision decision) override;
    boost::asio::awaitable<Result<void>> mark_notified(std::int64_t id) override;
    Result<std::vector<StoredTransaction>> list_pending(const PendingFilter& filter) override;

    Result<std::optional<CertificateRow>> find_certificate(const CertificateId& id) override;
    Result<std::optional<CertificateRow>> newest_of_identity(const Identity& identity) override;
    Result<CertificatePage> list(const CertificateFilter& filter) override;
    Result<std::vector<certs::Certificate>> certificates_of_issuers(
        const std::vector<std::string>& cas) override;
    Result<std::vector<CertificateRow>> with_serial(std::string_view serial_hex) override;

    boost::asio::awaitable<Result<Revoked>> revoke(RevocationOrder order) override;

    Result<std::int64_t> revocation_revision(const IssuerHash& issuer) override;
    Result<std::optional<Revocation>> find_revocation(const CertificateId& id) override;
    boost::asio::awaitable<Result<CrlBegun>> begin_crl(CrlOrder order) override;
    boost::asio::awaitable<Result<void>> extend_crl(IssuerHash issuer, std::string maker,
                                                    std::int64_t until) override;
    boost::asio::awaitable<Result<bool>> keep_crl(IssuerHash issuer, CrlToKeep crl) override;
    boost::asio::awaitable<Result<void>> end_crl(IssuerHash issuer, std::string maker) override;
    Result<std::optional<CrlState>> find_crl_state(const IssuerHash& issuer, CrlKind kind) override;
    Result<std::optional<KeptCrl>> find_crl(const IssuerHash& issuer, CrlKind kind) override;
    boost::asio::awaitable<Result<bool>> lift_crl_number(IssuerHash issuer,
                                                         std::int64_t above) override;

    [[nodiscard]] Outbox& outbox() noexcept override;
    [[nodiscard]] bool clock_is_wrong() const noexcept override;

    /// kUnavailable: `now` is more than a day before the certificate that was recorded last, so
    /// that nothing is recorded; with what to do.
    Result<void> judge_clock(std::int64_t now);
    /// What is recorded by now is held against no clock any more.
    boost::asio::awaitable<Result<void>> accept_clock();

    boost::asio::awaitable<Result<AddChallengeOutcome>> add_challenge(
        ChallengeRow row, ChallengeLimits limits) override;
    Result<std::optional<StoredChallenge>> find_challenge(std::string_view scope, ByteView token,
                                                          std::int64_t now) override;
    Result<std::vector<StoredChallenge>> list_challenges(const ChallengeFilter& filter) override;
    boost::asio::awaitable<Result<void>> withdraw_challenge(std::string scope, Bytes token,
                                                            std::int64_t now) override;

protected:
    /// Null `writer`: all writing is kDenied.
    SqlStore(std::unique_ptr<sql::Writer> writer, sql::Connect connect_reader,
             std::size_t most_readers = std::numeric_limits<std::size_t>::max());

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace scepgate::ca_backend

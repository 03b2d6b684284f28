#include "ca_backend/sql_recorder.hpp"

#include "ca_backend/certificate_plan.hpp"
#include "ca_backend/certificate_record.hpp"

namespace scepgate::ca_backend::sql {
namespace {

/// As long as a token's redemption is kept when the token is refused for its age anyway: a clock
/// that was set wrong and back must not make old tokens good again. What became of a request is
/// told as long.
constexpr std::int64_t kKept = std::int64_t{30} * 86400;

// Each has its index.
const std::string kExpired =
    "SELECT id FROM transactions WHERE state < 2 AND expires < ? ORDER BY expires LIMIT ?";
const std::string kRejected =
    "SELECT id FROM transactions WHERE state = 2 AND expires < ? ORDER BY expires LIMIT ?";

template <class Record>
PollKey sender_of(const Record& record) {
    return {record.endpoint, record.transaction_id, record.signer_key};
}

/// Renewals that began to wait under schema 2 have used theirs up already.
bool has_used(const StoredTransaction& waited, const std::optional<Redemption>& redemption) {
    return redemption && waited.challenge == redemption->token;
}

Bytes token_of(const std::optional<Redemption>& redemption) {
    return redemption ? redemption->token : Bytes{};
}

}  // namespace

Result<Recorder> Recorder::prepare(Connection& connection) {
    auto transactions = Transactions::prepare(connection);
    if (!transactions) return transactions.error();
    auto certificates = Certificates::prepare(connection);
    if (!certificates) return certificates.error();
    auto revocations = Revocations::prepare(connection);
    if (!revocations) return revocations.error();
    auto compromised_keys = CompromisedKeys::prepare(connection);
    if (!compromised_keys) return compromised_keys.error();
    Recorder made;
    made.compromised_keys_ = *std::move(compromised_keys);
    made.transactions_ = *std::move(transactions);
    made.certificates_ = *std::move(certificates);
    made.revocations_ = *std::move(revocations);
    const auto prepared = prepare_all(
        connection,
        {{made.certificate_,
          "INSERT INTO certificates(serial, issuer, subject, subject_alt_name, not_before, "
          "not_after, issued_at, endpoint, transaction_id, message_type, ca, template, policy, "
          "device_id, user_id, der, issuer_hash, identity, max_validity) "
          "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"},
         {made.name_,
          "INSERT INTO certificate_names(bucket, name, certificate) VALUES(?, ?, ?) "
          "ON CONFLICT DO NOTHING"},
         {made.issued_,
          "INSERT INTO transactions(key, state, endpoint, transaction_id, signer_key, challenge, "
          "recorded_at, expires, notified, certificate) VALUES(?, 3, ?, ?, ?, ?, ?, 0, ?, ?) "
          "RETURNING id"},
         {made.now_issued_,
          "UPDATE transactions SET state = 3, certificate = ?, notified = ?, challenge = ? WHERE "
          "id = ?"},
         {made.waiting_,
          "INSERT INTO transactions(key, state, endpoint, transaction_id, signer_key, challenge, "
          "recorded_at, expires, notified) VALUES(?, 0, ?, ?, ?, ?, ?, ?, 0) "
          "RETURNING id"},
         {made.pending_,
          "INSERT INTO pending(request, message_type, ca, template, policy, device_id, user_id, "
          "subject, subject_alt_name, signer, csr, granted, upstream_id) "
          "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
         {made.redemption_, "INSERT INTO redemptions(policy, token, expires) VALUES(?, ?, ?)"},
         {made.forget_pending_, "DELETE FROM pending WHERE request = ?"},
         {made.forget_, "DELETE FROM transactions WHERE id = ?"},
         {made.state_, "UPDATE transactions SET state = ?, expires = ? WHERE id = ?"},
         {made.decision_,
          "UPDATE pending SET decided_at = ?, decided_by = ?, reason = ? WHERE request = ?"},
         {made.notified_, "UPDATE transactions SET notified = 1 WHERE id = ?"},
         {made.purge_,
          "DELETE FROM redemptions WHERE (policy, token) IN (SELECT policy, token FROM "
          "redemptions WHERE expires < ? ORDER BY expires LIMIT ?)"},
         {made.purge_expired_details_, "DELETE FROM pending WHERE request IN (" + kExpired + ")"},
         {made.purge_expired_, "DELETE FROM transactions WHERE id IN (" + kExpired + ")"},
         {made.purge_rejected_details_, "DELETE FROM pending WHERE request IN (" + kRejected + ")"},
         {made.purge_rejected_, "DELETE FROM transactions WHERE id IN (" + kRejected + ")"}});
    if (!prepared) return prepared.error();
    return made;
}

Result<RecordOutcome> Recorder::record(const IssuanceRecord& record) {
    // An expired one is still issued: it was not when the issuing began.
    constexpr std::int64_t kNeverExpired = 0;
    auto before = transactions_.find(sender_of(record), record.transaction, kNeverExpired);
    if (!before) return before.error();
    if (*before && !is_open(**before)) return RecordOutcome(RecordedBefore{**std::move(before)});
    const bool waited = before->has_value();
    auto against = judge(record, waited ? &**before : nullptr);
    if (!against) return against.error();
    if (*against) return **std::move(against);
    const auto compromised = has_compromised_key(record);
    if (!compromised) return compromised.error();
    if (*compromised) return RecordOutcome(KeyCompromised{});

    const auto certificate = insert_certificate(record);
    if (!certificate) {
        return in_context("certificate with serial " + record.certificate.serial_hex(),
                          certificate.error());
    }
    if (record.renewal && !(waited && has_used(**before, record.renewal->once))) {
        if (const auto used = redeem(record.renewal->once); !used) return used.error();
    }
    if (waited) {
        // Judged anew after its time, it may have another one than it used up in vain.
        if (const auto used = redeem_unless_used(record.redemption); !used) return used.error();
        const Bytes last = record.redemption ? record.redemption->token : (*before)->challenge;
        Query query = now_issued_.run();
        query.bind(*certificate).bind(std::int64_t{record.notified}).bind(last).bind((*before)->id);
        if (const auto done = query.finish(); !done) return done.error();
        return RecordOutcome(Recorded{(*before)->id});
    }
    const Bytes challenge = token_of(record.redemption);
    Recorded recorded;
    {
        Query query = issued_.run();
        query.bind(ByteView(record.transaction))
            .bind(record.endpoint)
            .bind(record.transaction_id)
            .bind(ByteView(record.signer_key))
            .bind(challenge)
            .bind(record.now)
            .bind(std::int64_t{record.notified})
            .bind(*certificate);
        const auto id = query.finish_returning();
        if (!id) return id.error();
        recorded.id = *id;
    }
    if (const auto redeemed = redeem(record.redemption); !redeemed) return redeemed.error();
    return RecordOutcome(recorded);
}

Result<std::optional<RecordOutcome>> Recorder::judge(const IssuanceRecord& record,
                                                     const StoredTransaction* waited) {
    using Against = std::optional<RecordOutcome>;
    if (record.redemption && !(waited && has_used(*waited, record.redemption))) {
        const auto redeemed = transactions_.is_redeemed(*record.redemption);
        if (!redeemed) return redeemed.error();
        if (*redeemed) return Against(AlreadyRedeemed{});
    }
    if (!record.renewal) return Against();
    const auto revocation = revocations_.find(record.renewal->certificate);
    if (!revocation) return revocation.error();
    if (*revocation) return Against(SignerRevoked{});
    const bool own = waited != nullptr && has_used(*waited, record.renewal->once);
    if (record.renewal->once && !own) {
        const auto renewed = transactions_.is_redeemed(*record.renewal->once);
        if (!renewed) return renewed.error();
        if (*renewed) return Against(AlreadyRenewed{});
    }
    const auto newest = is_newest(*record.renewal);
    if (!newest) return newest.error();
    return *newest ? Against() : Against(AlreadyRenewed{});
}

Result<bool> Recorder::is_newest(const Renewal& renewal) {
    if (renewal.newest_of.empty()) return true;
    const auto own = certificates_.find(renewal.certificate);
    if (!own) return own.error();
    // Nobody knows what came after it.
    if (!*own) return false;
    for (const Identity& identity : renewal.newest_of) {
        const auto newest = certificates_.newest_of_identity(identity);
        if (!newest) return newest.error();
        if (*newest && (*newest)->id > (*own)->id) return false;
    }
    return true;
}

Result<bool> Recorder::has_compromised_key(const IssuanceRecord& record) {
    auto found = compromised_keys_.contains(sha256(record.certificate.spki()));
    if (!found || *found || !record.renewal) return found;
    return compromised_keys_.contains(record.signer_key);
}

Result<std::int64_t> Recorder::insert_certificate(const IssuanceRecord& record) {
    const certs::Certificate& certificate = record.certificate;
    const std::string issuer = indexed(certificate.issuer_text());
    const std::string subject = indexed(certificate.subject_text());
    const std::string alt_names =
        record.subject_alt_name.empty() ? "" : certs::to_text(record.subject_alt_name);
    const Bytes serial = without_sign_octet(certificate.serial());
    const IssuerHash by_issuer = issuer_hash(certificate.issuer_der());
    const Identity identity = identity_of(certificate, record.template_name);
    Query query = certificate_.run();
    query.bind(serial)
        .bind(issuer)
        .bind(subject)
        .bind(alt_names)
        .bind(certificate.not_before())
        .bind(certificate.not_after())
        .bind(record.now)
        .bind(record.endpoint)
        .bind(record.transaction_id)
        .bind(std::int64_t{record.message_type})
        .bind(record.ca)
        .bind(record.template_name)
        .bind(record.policy)
        .bind(record.device_id)
        .bind(record.user_id)
        .bind(certificate.der())
        .bind(ByteView(by_issuer))
        .bind(ByteView(identity.hash))
        .bind(record.max_validity.value_or(0));
    const auto id = query.finish_returning();
    if (!id) return id;
    for (const certs::GeneralName& name : record.subject_alt_name) {
        const std::string value = indexed(folded(name.value));
        Query named = name_.run();
        named.bind(bucket_of(*id)).bind(value).bind(*id);
        if (const auto done = named.finish(); !done) return done.error();
    }
    return id;
}

Result<void> Recorder::redeem(const std::optional<Redemption>& redemption) {
    if (!redemption) return {};
    Query query = redemption_.run();
    query.bind(redemption->policy).bind(ByteView(redemption->token)).bind(redemption->expires);
    return query.finish();
}

Result<void> Recorder::redeem_unless_used(const std::optional<Redemption>& redemption) {
    if (!redemption) return {};
    const auto redeemed = transactions_.is_redeemed(*redemption);
    if (!redeemed) return redeemed.error();
    return *redeemed ? Result<void>() : redeem(redemption);
}

Result<PendingOutcome> Recorder::record_pending(const PendingRecord& record) {
    const PollKey sender = sender_of(record);
    auto before = transactions_.find(sender, record.transaction, record.now);
    if (!before) return before.error();
    const bool expired = *before && (*before)->state == TransactionState::kExpired;
    if (*before && !expired) return PendingOutcome(RecordedBefore{**std::move(before)});
    // The token that this very request used up before nobody decided it is its own again.
    const bool own_token =
        expired && record.redemption && (*before)->challenge == record.redemption->token;
    if (record.redemption && !own_token) {
        const auto redeemed = transactions_.is_redeemed(*record.redemption);
        if (!redeemed) return redeemed.error();
        if (*redeemed) return PendingOutcome(AlreadyRedeemed{});
    }
    const auto same_id = transactions_.find_newest(sender, record.now);
    if (!same_id) return same_id.error();
    if (*same_id && is_open(**same_id)) return PendingOutcome(TransactionIdTaken{});
    if (record.renews) {
        const auto revocation = revocations_.find(*record.renews);
        if (!revocation) return revocation.error();
        if (*revocation) return PendingOutcome(SignerRevoked{});
        const auto open = transactions_.has_open(record.endpoint, record.signer_key, record.now);
        if (!open) return open.error();
        if (*open) return PendingOutcome(SignerWaits{});
    }
    if (record.maximum_open != 0) {
        const auto open = transactions_.count_open(record.endpoint, record.now);
        if (!open) return open.error();
        if (static_cast<std::size_t>(*open) >= record.maximum_open) {
            return PendingOutcome(TooManyPending{});
        }
    }
    if (expired) {
        for (Statement* remove : {&forget_pending_, &forget_}) {
            const auto done = remove->run().bind((*before)->id).finish();
            if (!done) return done.error();
        }
    }
    const auto id = insert_pending(record);
    if (!id) return id.error();
    const auto redeemed =
        own_token ? redeem_unless_used(record.redemption) : redeem(record.redemption);
    if (!redeemed) return redeemed.error();
    return PendingOutcome(Recorded{*id});
}

Result<std::int64_t> Recorder::insert_pending(const PendingRecord& record) {
    const Bytes challenge = token_of(record.redemption);
    std::int64_t request = 0;
    {
        Query query = waiting_.run();
        query.bind(ByteView(record.transaction))
            .bind(record.endpoint)
            .bind(record.transaction_id)
            .bind(ByteView(record.signer_key))
            .bind(challenge)
            .bind(record.now)
            .bind(record.details.expires);
        const auto id = query.finish_returning();
        if (!id) return id.error();
        request = *id;
    }
    Query query = pending_.run();
    query.bind(request)
        .bind(std::int64_t{record.message_type})
        .bind(record.ca)
        .bind(record.template_name)
        .bind(record.policy)
        .bind(record.device_id)
        .bind(record.user_id)
        .bind(record.subject)
        .bind(record.subject_alt_name)
        .bind(record.details.signer)
        .bind(record.details.csr)
        .bind(record.details.grant)
        .bind(record.details.upstream_id);
    if (const auto done = query.finish(); !done) return done.error();
    return request;
}

Result<void> Recorder::mark_notified(std::int64_t id) {
    Query query = notified_.run();
    if (const auto done = query.bind(id).finish(); !done) return done.error();
    if (query.changes() == 0) return Error{Errc::kNotFound, "there is no such transaction"};
    return {};
}

Result<void> Recorder::purge_redemptions(std::int64_t now, std::size_t limit) {
    Query query = purge_.run();
    return query.bind(now - kKept).bind(static_cast<std::int64_t>(limit)).finish();
}

Result<bool> Recorder::purge_pending(std::int64_t now, std::size_t limit) {
    const auto most = static_cast<std::int64_t>(limit);
    bool all = true;
    for (Statement* remove :
         {&purge_expired_details_, &purge_expired_, &purge_rejected_details_, &purge_rejected_}) {
        Query query = remove->run();
        const auto done = query.bind(now - kKept).bind(most).finish();
        if (!done) return done.error();
        all = all && query.changes() < most;
    }
    return all;
}

}  // namespace scepgate::ca_backend::sql

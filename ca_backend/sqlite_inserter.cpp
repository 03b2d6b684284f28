#include "ca_backend/sqlite_inserter.hpp"

namespace scepgate::ca_backend::sqlite {
namespace {

/// INTEGER content octets without the sign octet: what people write as the serial in hex.
ByteView without_sign_octet(ByteView serial) {
    if (serial.size() > 1 && serial.front() == 0) return serial.subspan(1);
    return serial;
}

}  // namespace

Result<Inserter> Inserter::prepare(const Database& database) {
    auto lookups = Lookups::prepare(database);
    if (!lookups) return lookups.error();
    Inserter inserter;
    inserter.lookups_ = *std::move(lookups);
    const struct {
        Statement& statement;
        std::string_view sql;
    } statements[] = {
        {inserter.savepoint_, "SAVEPOINT record"},
        {inserter.release_, "RELEASE record"},
        {inserter.roll_back_, "ROLLBACK TO record"},
        {inserter.certificate_,
         "INSERT INTO certificates(serial, issuer, subject, subject_alt_name, not_before, "
         "not_after, issued_at, endpoint, transaction_id, message_type, ca, template, policy, "
         "device_id, user_id, der) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
        {inserter.transaction_, "INSERT INTO transactions(key, certificate) VALUES(?, ?)"},
        {inserter.redemption_,
         "INSERT INTO redemptions(policy, token, certificate, expires) VALUES(?, ?, ?, ?)"},
    };
    for (const auto& [statement, sql] : statements) {
        auto prepared = Statement::prepare(database, sql);
        if (!prepared) return prepared.error();
        statement = *std::move(prepared);
    }
    return inserter;
}

Result<RecordOutcome> Inserter::insert(const Database& database, const IssuanceRecord& record) {
    auto before = lookups_.find_transaction(record.transaction);
    if (!before) return before.error();
    if (*before) {
        RecordedBefore same;
        same.transaction.state = TransactionState::kIssued;
        same.transaction.certificate = **std::move(before);
        return RecordOutcome(std::move(same));
    }
    if (record.redemption) {
        const auto redeemed = lookups_.is_redeemed(*record.redemption);
        if (!redeemed) return redeemed.error();
        if (*redeemed) return RecordOutcome(AlreadyRedeemed{});
    }

    if (const auto begun = savepoint_.run().finish(); !begun) return begun.error();
    const auto inserted = insert_rows(database, record);
    if (!inserted) {
        if (inserted.error().code == Errc::kUnavailable) return inserted.error();
        if (const auto undone = roll_back_.run().finish(); !undone) return undone.error();
    }
    if (const auto ended = release_.run().finish(); !ended) return ended.error();
    if (!inserted) {
        return in_context("certificate with serial " + record.certificate.serial_hex(),
                          inserted.error());
    }
    return RecordOutcome(Recorded{});
}

Result<void> Inserter::insert_rows(const Database& database, const IssuanceRecord& record) {
    const certs::Certificate& certificate = record.certificate;
    const std::string issuer = certificate.issuer_text();
    const std::string subject = certificate.subject_text();
    const std::string alt_names =
        record.subject_alt_name.empty() ? "" : certs::to_text(record.subject_alt_name);
    {
        Query query = certificate_.run();
        query.bind(without_sign_octet(certificate.serial()))
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
            .bind(certificate.der());
        if (const auto done = query.finish(); !done) return done.error();
    }
    const std::int64_t id = database.last_row_id();
    {
        Query query = transaction_.run();
        query.bind(ByteView(record.transaction)).bind(id);
        if (const auto done = query.finish(); !done) return done.error();
    }
    if (!record.redemption) return {};
    Query query = redemption_.run();
    query.bind(record.redemption->policy)
        .bind(ByteView(record.redemption->token))
        .bind(id)
        .bind(record.redemption->expires);
    return query.finish();
}

}  // namespace scepgate::ca_backend::sqlite

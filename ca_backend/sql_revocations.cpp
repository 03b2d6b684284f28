#include "ca_backend/sql_revocations.hpp"

#include <string>

#include "ca_backend/certificate_list.hpp"
#include "certs/clock.hpp"

namespace scepgate::ca_backend::sql {
namespace {

using certs::RevocationReason;

Error conflict(const CertificateRow& row, const std::string& fault) {
    return {Errc::kConflict, "certificate " + row.serial + " " + fault};
}

/// Stands for NULL among values: no clock shows it.
constexpr std::int64_t kNoDate = -1'000'000'000'000;

const std::string kPurge =
    "DELETE FROM revocations WHERE issuer = ?1 AND serial IN (SELECT serial FROM revocations WHERE "
    "issuer = ?1 AND ";
/// Deltas have what changed since their base; what the last complete CRL does not know yet goes on
/// the next.
const std::string kAndNotNeeded =
    " AND revision <= (SELECT coalesce(max(revision), 0) FROM kept_crls WHERE issuer = ?1 AND kind "
    "= 0) AND revision <= (SELECT coalesce(min(revision), 9223372036854775807) FROM crl_bases "
    "WHERE "
    "issuer = ?1 AND next_update > ?3)";

/// That a key is in other hands is often found out after its certificate was taken back for another
/// reason; it is said then, and the key is certified no more.
bool makes_known(const Revocation& before, const RevocationOrder& order) {
    return order.reason == RevocationReason::kKeyCompromise &&
           before.reason != RevocationReason::kKeyCompromise;
}

/// What stands against the change.
std::optional<Error> judge(const CertificateRow& row, const RevocationOrder& order) {
    const auto& before = row.revocation;
    if (before && !before->on_hold() && !makes_known(*before, order)) {
        return conflict(row, "was revoked at " + certs::utc_text(before->at) + " (" +
                                 std::string(to_text(before->reason)) + "), which is for ever");
    }
    if (order.reason == RevocationReason::kRemoveFromCrl && !before)
        return conflict(row, "is not on hold");
    if (before && order.reason == RevocationReason::kCertificateHold)
        return conflict(row, "is on hold since " + certs::utc_text(before->at));
    return std::nullopt;
}

}  // namespace

Result<Revocations> Revocations::prepare(Connection& connection) {
    Revocations made;
    const auto prepared =
        prepare_all(connection, {{made.find_,
                                  // What CRLs need no more is known of the certificate alone.
                                  "SELECT revoked_at, reason, invalidity_date FROM revocations "
                                  "WHERE issuer = ?1 AND serial = ?2 UNION ALL SELECT revoked_at, "
                                  "revocation_reason, NULL FROM certificates WHERE issuer_hash = "
                                  "?1 AND serial = ?2 AND revoked_at IS NOT NULL AND NOT EXISTS "
                                  "(SELECT 1 FROM revocations WHERE issuer = ?1 AND serial = ?2)"},
                                 {made.revision_, "SELECT revision FROM crls WHERE issuer = ?"}});
    if (!prepared) return prepared.error();
    return made;
}

Result<std::optional<Revocation>> Revocations::find(const CertificateId& id) {
    const Bytes serial = without_sign_octet(id.serial);
    Query query = find_.run();
    const auto row = query.bind(ByteView(id.issuer)).bind(serial).next();
    if (!row) return row.error();
    if (!*row) return std::optional<Revocation>();
    Revocation found{query.integer(0), static_cast<RevocationReason>(query.integer(1))};
    if (found.reason == RevocationReason::kRemoveFromCrl) return std::optional<Revocation>();
    if (!query.is_null(2)) found.invalidity_date = query.integer(2);
    return std::optional(found);
}

Result<std::int64_t> Revocations::revision(const IssuerHash& issuer) {
    Query query = revision_.run();
    const auto row = query.bind(ByteView(issuer)).next();
    if (!row) return row.error();
    return *row ? query.integer(0) : 0;
}

Result<Revoker> Revoker::prepare(Connection& connection) {
    auto certificates = Certificates::prepare(connection);
    if (!certificates) return certificates.error();
    auto revocations = Revocations::prepare(connection);
    if (!revocations) return revocations.error();
    Revoker made;
    made.certificates_ = *std::move(certificates);
    made.revocations_ = *std::move(revocations);
    auto keys = CompromisedKeys::prepare(connection);
    if (!keys) return keys.error();
    made.compromised_keys_ = *std::move(keys);
    const auto prepared = prepare_all(
        connection,
        {{made.set_status_,
          "UPDATE certificates SET revoked_at = ?, revocation_reason = ? WHERE serial = ? AND "
          "issuer_hash = ?"},
         {made.clear_status_,
          "UPDATE certificates SET revoked_at = NULL, revocation_reason = NULL WHERE serial = ? "
          "AND issuer_hash = ?"},
         {made.count_change_,
          "INSERT INTO crls(issuer, revision, number) VALUES(?, 1, 0) "
          "ON CONFLICT(issuer) DO UPDATE SET revision = crls.revision + 1 RETURNING revision"},
         // NULL stands in the text: parameters have values.
         {made.list_,
          "INSERT INTO revocations(issuer, serial, revoked_at, reason, invalidity_date, not_after, "
          "revision) VALUES(?, ?, ?, ?, NULLIF(CAST(? AS BIGINT), " +
              std::to_string(kNoDate) +
              "), ?, ?) "
              "ON CONFLICT(issuer, serial) DO UPDATE SET revoked_at = excluded.revoked_at, reason "
              "= "
              "excluded.reason, invalidity_date = "
              "excluded.invalidity_date, not_after = excluded.not_after, revision = "
              "excluded.revision"},
         {made.purge_over_, kPurge + "not_after <= ?2 AND revoked_at <= ?2" + kAndNotNeeded +
                                " ORDER BY not_after LIMIT ?4)"},
         {made.purge_released_, kPurge + "reason = 8 AND revoked_at <= ?2" + kAndNotNeeded +
                                    " ORDER BY revoked_at LIMIT ?4)"}});
    if (!prepared) return prepared.error();
    return made;
}

Result<bool> Revoker::purge(const IssuerHash& issuer, std::int64_t since, std::int64_t made,
                            std::size_t limit) {
    const auto most = static_cast<std::int64_t>(limit);
    bool all = true;
    for (Statement* remove : {&purge_over_, &purge_released_}) {
        Query query = remove->run();
        query.bind(ByteView(issuer)).bind(since).bind(made);
        const auto done = query.bind(most).finish();
        if (!done) return done.error();
        all = all && query.changes() < most;
    }
    return all;
}

Result<CertificateRow> Revoker::subject_of(const RevocationOrder& order) {
    auto found = certificates_.find(order.certificate);
    if (!found) return found.error();
    if (*found && order.not_recorded)
        return conflict(**found, "is recorded: revoke it as every other one");
    if (*found) return **std::move(found);
    CertificateRow row;
    row.serial = to_hex(without_sign_octet(order.certificate.serial));
    if (!order.not_recorded) {
        return Error{Errc::kNotFound,
                     "there is no certificate with serial " + row.serial + " of this CA"};
    }
    if (const auto sound = check_serial(order.certificate.serial); !sound)
        return in_context("serial number", sound.error());
    row.not_after = *order.not_recorded;
    auto revocation = revocations_.find(order.certificate);
    if (!revocation) return revocation.error();
    row.revocation = *revocation;
    return row;
}

Result<CertificateRow> Revoker::revoke(const RevocationOrder& order) {
    auto row = subject_of(order);
    if (!row) return row.error();
    if (const auto against = judge(*row, order)) return *against;
    const auto before = row->revocation;
    const bool release = order.reason == RevocationReason::kRemoveFromCrl;
    // Who looks back must not find it good while it was on hold, or before more was known of it.
    const std::int64_t at = before && !release ? before->at : order.at;
    auto invalidity_date = order.invalidity_date;
    if (before && !invalidity_date) {
        const auto listed = revocations_.find(order.certificate);
        if (!listed) return listed.error();
        if (*listed) invalidity_date = (*listed)->invalidity_date;
    }
    const Bytes serial = without_sign_octet(order.certificate.serial);
    const auto reason = static_cast<std::int64_t>(order.reason);
    if (!order.not_recorded) {
        Query query = release ? clear_status_.run() : set_status_.run();
        if (!release) query.bind(at).bind(reason);
        query.bind(serial).bind(ByteView(order.certificate.issuer));
        if (const auto done = query.finish(); !done) return done.error();
    }
    if (order.reason == RevocationReason::kKeyCompromise && !order.not_recorded) {
        const auto added = compromised_keys_.add(row->der, order.at);
        if (!added) return added.error();
    }
    std::int64_t revision = 0;
    {
        Query query = count_change_.run();
        const auto counted = query.bind(ByteView(order.certificate.issuer)).finish_returning();
        if (!counted) return counted.error();
        revision = *counted;
    }
    Query query = list_.run();
    query.bind(ByteView(order.certificate.issuer))
        .bind(serial)
        .bind(at)
        .bind(reason)
        .bind(release ? kNoDate : invalidity_date.value_or(kNoDate))
        .bind(row->not_after)
        .bind(revision);
    if (const auto done = query.finish(); !done) return done.error();
    row->revocation.reset();
    if (!release) row->revocation = Revocation{at, order.reason, invalidity_date};
    return row;
}

}  // namespace scepgate::ca_backend::sql

#include "ca_backend/sql_revocations.hpp"

#include "certs/clock.hpp"

namespace scepgate::ca_backend::sql {
namespace {

/// RFC 5280 section 3.3: an entry stays until one CRL after the certificate's end has shown it.
/// CRLs are made more often than this.
constexpr std::int64_t kListedAfterExpiry = std::int64_t{30} * 86400;

Error conflict(const CertificateRow& row, const std::string& fault) {
    return {Errc::kConflict, "certificate " + row.serial + " " + fault};
}

}  // namespace

Result<Crls> Crls::prepare(Connection& connection) {
    Crls made;
    const auto prepared = prepare_all(
        connection, {{made.revision_, "SELECT revision FROM crls WHERE issuer = ?"},
                     {made.kept_,
                      "SELECT kept_number, kept_revision, der FROM crls WHERE issuer = ? "
                      "AND kept_number > 0"}});
    if (!prepared) return prepared.error();
    return made;
}

Result<std::int64_t> Crls::revision(const IssuerHash& issuer) {
    Query query = revision_.run();
    const auto row = query.bind(ByteView(issuer)).next();
    if (!row) return row.error();
    return *row ? query.integer(0) : 0;
}

Result<std::optional<KeptCrl>> Crls::find(const IssuerHash& issuer) {
    Query query = kept_.run();
    const auto row = query.bind(ByteView(issuer)).next();
    if (!row) return row.error();
    if (!*row) return std::optional<KeptCrl>();
    return std::optional(KeptCrl{query.integer(0), query.integer(1), query.blob(2)});
}

Result<Revoker> Revoker::prepare(Connection& connection) {
    auto certificates = Certificates::prepare(connection);
    if (!certificates) return certificates.error();
    Revoker made;
    made.certificates_ = *std::move(certificates);
    const auto prepared = prepare_all(
        connection,
        {{made.revoke_,
          "UPDATE certificates SET revoked_at = ?, revocation_reason = ? WHERE serial = ? AND "
          "issuer_hash = ?"},
         {made.release_,
          "UPDATE certificates SET revoked_at = NULL, revocation_reason = NULL WHERE serial = ? "
          "AND issuer_hash = ?"},
         {made.count_change_,
          "INSERT INTO crls(issuer, revision, number) VALUES(?, 1, 0) "
          "ON CONFLICT(issuer) DO UPDATE SET revision = crls.revision + 1"},
         {made.next_number_,
          "INSERT INTO crls(issuer, revision, number) VALUES(?, 0, 1) "
          "ON CONFLICT(issuer) DO UPDATE SET number = crls.number + 1 RETURNING number, revision"},
         {made.revoked_,
          "SELECT serial, revoked_at, revocation_reason FROM certificates "
          "WHERE issuer_hash = ? AND not_after > ? AND revoked_at IS NOT NULL"},
         {made.keep_,
          "UPDATE crls SET kept_number = ?, kept_revision = ?, der = ? WHERE issuer = ? AND "
          "kept_number < ?"}});
    if (!prepared) return prepared.error();
    return made;
}

Result<CertificateRow> Revoker::revoke(const RevocationOrder& order) {
    auto found = certificates_.find(order.certificate);
    if (!found) return found.error();
    if (!*found) {
        return Error{Errc::kNotFound, "there is no certificate with serial " +
                                          to_hex(without_sign_octet(order.certificate.serial)) +
                                          " of this CA"};
    }
    CertificateRow row = **std::move(found);
    const bool release = order.reason == certs::RevocationReason::kRemoveFromCrl;
    if (row.revocation && !row.revocation->on_hold()) {
        return conflict(row, "was revoked at " + certs::utc_text(row.revocation->at) + " (" +
                                 std::string(to_text(row.revocation->reason)) +
                                 "), which is for ever");
    }
    if (release && !row.revocation) return conflict(row, "is not on hold");
    if (row.revocation && order.reason == certs::RevocationReason::kCertificateHold) {
        return conflict(row, "is on hold since " + certs::utc_text(row.revocation->at));
    }

    const Bytes serial = without_sign_octet(order.certificate.serial);
    {
        Query query = release ? release_.run() : revoke_.run();
        if (!release) query.bind(order.at).bind(static_cast<std::int64_t>(order.reason));
        query.bind(serial).bind(ByteView(order.certificate.issuer));
        if (const auto done = query.finish(); !done) return done.error();
    }
    Query query = count_change_.run();
    const auto counted = query.bind(ByteView(order.certificate.issuer)).finish();
    if (!counted) return counted.error();
    row.revocation.reset();
    if (!release) row.revocation = Revocation{order.at, order.reason};
    return row;
}

Result<CrlBasis> Revoker::begin_crl(const IssuerHash& issuer, std::int64_t now) {
    CrlBasis basis;
    {
        Query query = next_number_.run();
        const auto row = query.bind(ByteView(issuer)).next();
        if (!row) return row.error();
        basis.number = query.integer(0);
        basis.revision = query.integer(1);
        // Only when it has run to its end has it written.
        if (const auto done = query.finish(); !done) return done.error();
    }
    Query query = revoked_.run();
    query.bind(ByteView(issuer)).bind(now - kListedAfterExpiry);
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) return basis;
        basis.revoked.push_back({query.blob(0), query.integer(1),
                                 static_cast<certs::RevocationReason>(query.integer(2))});
    }
}

Result<void> Revoker::keep_crl(const IssuerHash& issuer, const KeptCrl& crl) {
    Query query = keep_.run();
    query.bind(crl.number).bind(crl.revision).bind(crl.der).bind(ByteView(issuer)).bind(crl.number);
    return query.finish();
}

}  // namespace scepgate::ca_backend::sql

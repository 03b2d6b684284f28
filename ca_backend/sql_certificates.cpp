#include "ca_backend/sql_certificates.hpp"

#include "ca_backend/certificate_plan.hpp"

namespace scepgate::ca_backend::sql {

const char* const kCertificateColumns =
    "c.id, c.serial, c.subject, c.subject_alt_name, c.issuer, c.not_before, c.not_after, "
    "c.issued_at, "
    "c.endpoint, c.transaction_id, c.ca, c.template, c.policy, c.device_id, c.user_id, "
    "c.revoked_at, c.revocation_reason, c.max_validity, c.der";

CertificateRow read_certificate(const Query& query) {
    CertificateRow row;
    int column = 0;
    row.id = query.integer(column++);
    row.serial = to_hex(query.blob(column++));
    row.subject = query.text(column++);
    row.subject_alt_name = query.text(column++);
    row.issuer = query.text(column++);
    row.not_before = query.integer(column++);
    row.not_after = query.integer(column++);
    row.issued_at = query.integer(column++);
    row.endpoint = query.text(column++);
    row.transaction_id = query.text(column++);
    row.ca = query.text(column++);
    row.template_name = query.text(column++);
    row.policy = query.text(column++);
    row.device_id = query.text(column++);
    row.user_id = query.text(column++);
    const int revoked_at = column++;
    const int reason = column++;
    if (!query.is_null(revoked_at)) {
        row.revocation = Revocation{query.integer(revoked_at),
                                    static_cast<certs::RevocationReason>(query.integer(reason))};
    }
    const std::int64_t max_validity = query.integer(column++);
    if (max_validity != 0) row.max_validity = max_validity;
    row.der = query.blob(column++);
    if (was_shortened(row.subject) || was_shortened(row.issuer)) {
        const auto certificate = certs::Certificate::from_der(row.der);
        if (certificate) row.subject = certificate->subject_text();
        if (certificate) row.issuer = certificate->issuer_text();
    }
    return row;
}

namespace {

const std::string kSelect =
    std::string("SELECT ") + kCertificateColumns + " FROM certificates AS c ";

/// Of those with the identity that is a parameter: certificates_by_identity has them in order.
std::string newest_id(const std::string& parameter) {
    return "(SELECT id FROM certificates WHERE NOT identity <> " + parameter +
           " AND substr(identity, 1, 8) = substr(" + parameter +
           ", 1, 8) ORDER BY id DESC LIMIT 1)";
}

Certificates::Found read_one(Query& query) {
    const auto row = query.next();
    if (!row) return row.error();
    if (!*row) return std::optional<CertificateRow>();
    return std::optional(read_certificate(query));
}

}  // namespace

Result<Certificates> Certificates::prepare(Connection& connection) {
    Certificates made;
    const auto prepared = prepare_all(
        connection, {{made.by_id_, kSelect + "WHERE serial = ? AND issuer_hash = ?"},
                     {made.by_serial_, kSelect + "WHERE serial = ? ORDER BY id DESC LIMIT 100"},
                     {made.by_identity_, kSelect + "WHERE c.id IN (" + newest_id("?1") + ", " +
                                             newest_id("?2") + ") ORDER BY c.id DESC LIMIT 1"}});
    if (!prepared) return prepared.error();
    return made;
}

Certificates::Found Certificates::find(const CertificateId& id) {
    const Bytes serial = without_sign_octet(id.serial);
    Query query = by_id_.run();
    query.bind(serial).bind(ByteView(id.issuer));
    return read_one(query);
}

Result<std::vector<CertificateRow>> Certificates::with_serial(ByteView serial) {
    Query query = by_serial_.run();
    query.bind(serial);
    std::vector<CertificateRow> rows;
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) return rows;
        rows.push_back(read_certificate(query));
    }
}

Certificates::Found Certificates::newest_of_identity(const Identity& identity) {
    Query query = by_identity_.run();
    query.bind(ByteView(identity.hash)).bind(ByteView(identity.by_octets));
    return read_one(query);
}

}  // namespace scepgate::ca_backend::sql

#include "ca_backend/sql_verify.hpp"

namespace scepgate::ca_backend {
namespace {

using sql::Query;
using sql::Statement;

/// Each gives a text of where, one row a fault.
struct Rule {
    const char* kind;
    const char* detail;
    const char* sql;
};

constexpr Rule kRules[] = {
    {"serial_not_unique", "two certificates of one issuer have this serial number",
     "SELECT count(*), max(id) FROM certificates GROUP BY serial, issuer_hash HAVING count(*) > 1"},
    {"transaction_without_certificate", "it refers to a certificate that is not there",
     "SELECT 1, t.id FROM transactions AS t LEFT JOIN certificates AS c ON c.id = t.certificate "
     "WHERE t.certificate IS NOT NULL AND c.id IS NULL"},
    {"transaction_state", "it is issued without a certificate, or has one without being issued",
     "SELECT 1, id FROM transactions WHERE (state = 3) <> (certificate IS NOT NULL)"},
    {"certificate_without_transaction", "no transaction refers to it",
     "SELECT 1, c.id FROM certificates AS c LEFT JOIN transactions AS t ON t.certificate = c.id "
     "WHERE t.id IS NULL"},
    {"pending_without_transaction", "it waits for no transaction",
     "SELECT 1, p.request FROM pending AS p LEFT JOIN transactions AS t ON t.id = p.request "
     "WHERE t.id IS NULL"},
    {"revocation_reason", "it has a time of revocation without a reason, or a reason alone",
     "SELECT 1, id FROM certificates WHERE (revoked_at IS NULL) <> (revocation_reason IS NULL)"},
    {"revocation_differs", "its status and the list that CRLs are made from disagree",
     "SELECT 1, c.id FROM certificates AS c LEFT JOIN revocations AS r ON r.issuer = c.issuer_hash "
     "AND r.serial = c.serial AND r.reason <> 8 WHERE (c.revoked_at IS NULL AND r.serial IS NOT "
     "NULL) OR c.revoked_at <> r.revoked_at OR c.revocation_reason <> r.reason OR "
     // Long after the end it is not listed any more (Revoker::purge).
     "(c.revoked_at IS NOT NULL AND r.serial IS NULL AND c.not_after > coalesce((SELECT "
     "this_update - 2592000 FROM kept_crls WHERE issuer = c.issuer_hash AND kind = 0), 0))"},
    {"revocation_uncounted", "its revision is beyond its issuer's: no delta CRL would have it",
     "SELECT 1, r.revision FROM revocations AS r LEFT JOIN crls ON crls.issuer = r.issuer "
     "WHERE r.revision > coalesce(crls.revision, 0)"},
};

Result<void> each_of(sql::Connection& connection, std::string_view revocations,
                     const std::function<void(RevocationToVerify&&)>& take) {
    auto select = Statement::prepare(connection, revocations);
    if (!select) return select.error();
    Query query = select->run();
    for (;;) {
        const auto found = query.next();
        if (!found) return found.error();
        if (!*found) return {};
        take({query.blob(0), query.blob(1), query.text(2),
              static_cast<certs::RevocationReason>(query.integer(3))});
    }
}

std::string differs(std::string_view what, const std::string& row, const std::string& certificate) {
    return "the row says " + std::string(what) + ' ' + row + ", the certificate " + certificate;
}

}  // namespace

std::string name_of(const RowToVerify& row) {
    return "certificate " + std::to_string(row.id) + " (serial " + to_hex(row.serial) + ")";
}

std::vector<StoreFault> judge_row(const RowToVerify& row) {
    const std::string where = name_of(row);
    const auto certificate = certs::Certificate::from_der(row.der);
    if (!certificate) return {{"certificate_unreadable", where, certificate.error().detail}};
    std::vector<StoreFault> faults;
    const auto compare = [&](const char* kind, std::string_view what, const std::string& stored,
                             const std::string& own) {
        if (stored != own) faults.push_back({kind, where, differs(what, stored, own)});
    };
    const auto id = certificate_id(*certificate);
    compare("serial_differs", "serial", to_hex(row.serial), to_hex(without_sign_octet(id.serial)));
    compare("issuer_differs", "issuer", to_hex(row.issuer_hash), to_hex(id.issuer));
    const Identity identity = identity_of(*certificate, row.template_name);
    if (!equal(row.identity, identity.by_octets)) {
        compare("identity_differs", "identity", to_hex(row.identity), to_hex(identity.hash));
    }
    compare("validity_differs", "notBefore", std::to_string(row.not_before),
            std::to_string(certificate->not_before()));
    compare("validity_differs", "notAfter", std::to_string(row.not_after),
            std::to_string(certificate->not_after()));
    return faults;
}

Result<void> each_certificate(sql::Connection& connection, std::size_t most,
                              const std::function<void(std::vector<RowToVerify>&&)>& take) {
    auto select = Statement::prepare(
        connection,
        "SELECT id, serial, issuer_hash, not_before, not_after, issued_at, ca, der, "
        "identity, template "
        "FROM certificates WHERE id > ? ORDER BY id LIMIT ?");
    if (!select) return select.error();
    for (std::int64_t last = 0;;) {
        std::vector<RowToVerify> rows;
        {
            Query query = select->run();
            query.bind(last).bind(static_cast<std::int64_t>(most));
            for (;;) {
                const auto found = query.next();
                if (!found) return found.error();
                if (!*found) break;
                RowToVerify row;
                row.id = query.integer(0);
                row.serial = query.blob(1);
                row.issuer_hash = query.blob(2);
                row.not_before = query.integer(3);
                row.not_after = query.integer(4);
                row.issued_at = query.integer(5);
                row.ca = query.text(6);
                row.der = query.blob(7);
                row.identity = query.blob(8);
                row.template_name = query.text(9);
                last = row.id;
                rows.push_back(std::move(row));
            }
        }
        if (rows.empty()) return {};
        take(std::move(rows));
    }
}

Result<std::vector<StoreFault>> verify_references(sql::Connection& connection) {
    std::vector<StoreFault> faults;
    for (const Rule& rule : kRules) {
        auto select = Statement::prepare(connection, rule.sql);
        if (!select) return select.error();
        Query query = select->run();
        for (;;) {
            const auto found = query.next();
            if (!found) return found.error();
            if (!*found) break;
            faults.push_back({rule.kind, "id " + std::to_string(query.integer(1)), rule.detail});
        }
    }
    return faults;
}

Result<void> each_revocation(sql::Connection& connection,
                             const std::function<void(RevocationToVerify&&)>& take) {
    return each_of(connection,
                   "SELECT issuer, serial, '', reason FROM revocations WHERE reason <> 8 UNION ALL "
                   "SELECT issuer_hash, serial, ca, revocation_reason FROM certificates WHERE "
                   "revoked_at IS NOT NULL",
                   take);
}

Result<void> each_revocation_without_certificate(
    sql::Connection& connection, const std::function<void(RevocationToVerify&&)>& take) {
    return each_of(connection,
                   "SELECT r.issuer, r.serial, '', r.reason FROM revocations AS r LEFT JOIN "
                   "certificates AS c ON c.serial = r.serial AND c.issuer_hash = r.issuer WHERE "
                   "c.id IS NULL AND r.reason <> 8",
                   take);
}

}  // namespace scepgate::ca_backend

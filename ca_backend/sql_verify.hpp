// Looking through a whole store for what does not fit together, whatever the engine.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ca_backend/certificate_record.hpp"
#include "ca_backend/sql.hpp"

namespace scepgate::ca_backend {

struct StoreFault {
    std::string kind;    ///< "certificate_unreadable", "serial_differs" …
    std::string where;   ///< "certificate 17 (serial 4f…)", "transaction 3"
    std::string detail;  ///< what was expected, and what is there
};

/// A certificate's row, for what is compared with the certificate itself.
struct RowToVerify {
    std::int64_t id = 0;
    Bytes serial;
    Bytes issuer_hash, identity;
    std::int64_t not_before = 0, not_after = 0, issued_at = 0;
    std::string ca, template_name;
    Bytes der;
};

/// What the row says of the certificate in it; nothing when it fits. The signature is not judged.
[[nodiscard]] std::vector<StoreFault> judge_row(const RowToVerify& row);
/// "certificate 17 (serial 4f…)".
[[nodiscard]] std::string name_of(const RowToVerify& row);

/// All certificates, in the order of their ids, a batch at a time: what is held does not grow with
/// the store. `take` gets up to `most` rows.
Result<void> each_certificate(sql::Connection& connection, std::size_t most,
                              const std::function<void(std::vector<RowToVerify>&&)>& take);

/// What must be unique is, and what refers to something finds it: transactions and redemptions
/// their certificates, waiting requests their transactions, revocations their reasons.
Result<std::vector<StoreFault>> verify_references(sql::Connection& connection);

/// A certificate that is revoked or on hold.
struct RevocationToVerify {
    Bytes issuer;    ///< an IssuerHash, unless it is damaged
    Bytes serial;    ///< without a sign octet
    std::string ca;  ///< as its row says; "" where it need not be stored
    certs::RevocationReason reason = certs::RevocationReason::kUnspecified;
};

/// Each revocation and hold, of certificates that are stored or not, in any order, some twice.
Result<void> each_revocation(sql::Connection& connection,
                             const std::function<void(RevocationToVerify&&)>& take);

/// Those of certificates that are not stored.
Result<void> each_revocation_without_certificate(
    sql::Connection& connection, const std::function<void(RevocationToVerify&&)>& take);

}  // namespace scepgate::ca_backend

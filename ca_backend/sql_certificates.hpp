// Looking up certificates; used for reading and, again, while writing.
#pragma once

#include "ca_backend/certificate_record.hpp"
#include "ca_backend/sql.hpp"

namespace scepgate::ca_backend::sql {

class Certificates {
public:
    static Result<Certificates> prepare(Connection& connection);

    using Found = Result<std::optional<CertificateRow>>;
    Found find(const CertificateId& id);
    /// Of whichever issuers; the newest first.
    Result<std::vector<CertificateRow>> with_serial(ByteView serial);
    Found newest_of_identity(const Identity& identity);

private:
    Statement by_id_;
    Statement by_serial_;
    Statement by_identity_;
};

/// The columns of a CertificateRow, in the order of read_certificate(); certificates is called c.
extern const char* const kCertificateColumns;
inline constexpr int kCertificateColumnCount = 19;
[[nodiscard]] CertificateRow read_certificate(const Query& query);

}  // namespace scepgate::ca_backend::sql

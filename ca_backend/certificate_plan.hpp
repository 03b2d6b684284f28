// Which index leads through the certificates that a filter asks for, and what else must hold.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "ca_backend/certificate_list.hpp"

namespace scepgate::ca_backend::sql {

/// A part of a WHERE clause, and what its `?` stand for.
struct Condition {
    std::string sql;
    std::vector<std::variant<std::int64_t, std::string, Bytes>> values;
};

/// Rows are walked through in the order of `key` and the certificate's id, as one index has them.
/// Certificates are called c, their id `id`.
struct CertificatePlan {
    enum class Key { kNone, kNumber, kText };

    char tag = 'i';  ///< of cursors: which plan they are of
    std::string from = "certificates AS c";
    std::string id = "c.id";
    Key key_type = Key::kNone;  ///< of `key`; kNone: the id alone orders the rows
    std::string key;
    bool ascending = false;
    std::vector<Condition> leading;  ///< what the index serves
    std::vector<Condition> others;   ///< looked at row by row
    /// Nothing leads: all certificates by their ids.
    [[nodiscard]] bool walks_all() const noexcept { return leading.empty(); }
};

/// In lower case, as lower() makes it in SQLite and, under the collation "C", in PostgreSQL.
[[nodiscard]] std::string folded(std::string_view text);

[[nodiscard]] CertificatePlan plan_list(const CertificateFilter& filter);

}  // namespace scepgate::ca_backend::sql

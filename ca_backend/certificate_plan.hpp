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

/// Look-up indexes are in order within a bucket of so many rows: a new row comes to a page in
/// memory. What is looked for is looked for in each bucket; an index over all rows would cost each
/// enrolment a page of its own. (1 << kBucketBits rows; the schema has the number too.)
constexpr int kBucketBits = 12;
[[nodiscard]] constexpr std::int64_t bucket_of(std::int64_t certificate) noexcept {
    return certificate >> kBucketBits;
}

/// A place in the order of a plan.
struct Position {
    std::int64_t id = 0;
    std::int64_t number = 0;  ///< the key's value …
    std::string text;         ///< … if it is one
};

/// What leads is the first that the filter gives of: serial, transaction, subject, alternative
/// name, device, user, beginning of the subject, times and status, template. Rows are walked
/// through in the order of `key` and the certificate's id, as one index has them. Certificates are
/// called c, their id `id`.
struct CertificatePlan {
    enum class Key { kNone, kNumber, kText };

    char tag = 'i';  ///< of cursors: which plan they are of
    std::string from = "certificates AS c";
    std::string id = "c.id";
    Key key_type = Key::kNone;  ///< of `key`; kNone: the id alone orders the rows
    std::string key;
    bool ascending = false;
    std::string bucket;              ///< where the index has buckets: its first column
    std::vector<Condition> leading;  ///< what the index serves
    std::vector<Condition> others;   ///< looked at row by row
    [[nodiscard]] bool in_buckets() const noexcept { return !bucket.empty(); }
    /// Nothing leads: all certificates by their ids.
    [[nodiscard]] bool walks_all() const noexcept { return leading.empty(); }
};

/// In lower case, as lower() makes it in SQLite and, under the collation "C", in PostgreSQL.
[[nodiscard]] std::string folded(std::string_view text);

/// A name as certificate_names, a subject or issuer as certificates has it, for their indexes: a
/// row of an index has room for some 2,600 octets in PostgreSQL, and names and subjects may be
/// longer. Such a one is kept as its beginning and the SHA-256 of its folded() whole, so that it is
/// found exactly and by its beginning all the same.
[[nodiscard]] std::string indexed(std::string_view text);
/// As much of the beginning of a text as indexed() leaves of a longer one.
[[nodiscard]] std::string_view indexed_beginning(std::string_view text);
/// Whether it may be what indexed() has made of a longer one.
[[nodiscard]] bool was_shortened(std::string_view text);

[[nodiscard]] CertificatePlan plan_list(const CertificateFilter& filter);

}  // namespace scepgate::ca_backend::sql

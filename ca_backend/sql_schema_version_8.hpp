// The SQL of schema version 8, for both engines. What is released is never edited.
#pragma once

namespace scepgate::ca_backend::sql {

/// The names, by buckets of certificates (certificate_plan.hpp).
/// clock_accepted: the last certificate that is held against no clock (sql_clock.hpp); `what` is 0.
inline constexpr auto* kVersion8SqliteTables =
    "CREATE TABLE certificate_names_8("
    "  bucket INTEGER NOT NULL,"
    "  name TEXT NOT NULL,"
    "  certificate INTEGER NOT NULL,"
    "  PRIMARY KEY(bucket, name, certificate)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO certificate_names_8(bucket, name, certificate)"
    "  SELECT certificate >> 12, name, certificate FROM certificate_names ORDER BY 1, 2, 3;"
    "DROP TABLE certificate_names;"
    "ALTER TABLE certificate_names_8 RENAME TO certificate_names;"
    "CREATE TABLE clock_accepted("
    "  what INTEGER PRIMARY KEY,"
    "  through INTEGER NOT NULL"
    ") STRICT;";

inline constexpr auto* kVersion8PostgresTables =
    R"(ALTER TABLE certificate_names RENAME TO certificate_names_6;
CREATE TABLE certificate_names(
  bucket BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  certificate BIGINT NOT NULL,
  CONSTRAINT certificate_names_by_bucket PRIMARY KEY(bucket, name, certificate)
);
INSERT INTO certificate_names(bucket, name, certificate)
  SELECT certificate >> 12, name, certificate FROM certificate_names_6 ORDER BY 1, 2, 3;
DROP TABLE certificate_names_6;
CREATE TABLE clock_accepted(
  what BIGINT PRIMARY KEY,
  through BIGINT NOT NULL
);)";

/// A new row costs each index the page that it belongs to. What people look for is in order within
/// a bucket of 4096 rows, so that new rows come to few pages, however many there are.
/// What devices wait for is found in all rows at once: transactions_by_request and
/// certificates_by_identity, whose keys come in no order, are the only such indexes, and short.
/// The beginning of transactions_by_request is the same for those requests alone that one key has
/// signed, and of which not even the ends of their transactionIDs differ; `key` is a hash of the
/// whole request. The indexes of revocations serve their removal.
inline constexpr auto* kVersion8Indexes =
    "DROP INDEX certificates_by_subject;"
    "DROP INDEX certificates_by_device;"
    "DROP INDEX certificates_by_user;"
    "DROP INDEX certificates_by_identity;"
    "DROP INDEX transactions_by_request;"
    "CREATE INDEX certificates_by_subject ON certificates((id >> 12), lower(subject), id);"
    "CREATE INDEX certificates_by_device ON certificates((id >> 12), lower(device_id), id)"
    "  WHERE device_id <> '';"
    "CREATE INDEX certificates_by_user ON certificates((id >> 12), lower(user_id), id)"
    "  WHERE user_id <> '';"
    "CREATE INDEX certificates_by_template ON certificates(template, id);"
    "CREATE INDEX certificates_by_identity ON certificates(substr(identity, 1, 8), id);"
    "CREATE UNIQUE INDEX transactions_by_request ON transactions("
    "  substr(transaction_id, length(transaction_id) - 7), substr(signer_key, 1, 8),"
    "  substr(key, 1, 16));"
    "CREATE INDEX revocations_by_end ON revocations(issuer, not_after);"
    "CREATE INDEX revocations_released ON revocations(issuer, revoked_at) WHERE reason = 8;";

}  // namespace scepgate::ca_backend::sql

// The SQL of schema version 9, for both engines. What is released is never edited.
#pragma once

namespace scepgate::ca_backend::sql {

/// Identities go into buckets too, of 16,384 certificates: only renewals that the newest
/// certificate alone may ask for (renewal.newest_only) look for them, and each enrolment would pay
/// for a page of an index over all. Larger buckets than people's, because devices wait.
inline constexpr auto* kVersion9Indexes =
    "DROP INDEX certificates_by_identity;"
    "CREATE INDEX certificates_by_identity"
    "  ON certificates((id >> 14), substr(identity, 1, 8), id);";

}  // namespace scepgate::ca_backend::sql

// The SQL of schema version 9, for both engines. What is released is never edited.
#pragma once

namespace scepgate::ca_backend::sql {

/// max_validity: seconds that the Grant allowed, 0 for no limit; a certificate that its CA's end
/// has cut shorter does not show it.
inline constexpr auto* kVersion9Sqlite =
    "ALTER TABLE certificates ADD COLUMN max_validity INTEGER NOT NULL DEFAULT 0;";
inline constexpr auto* kVersion9Postgres =
    "ALTER TABLE certificates ADD COLUMN max_validity BIGINT NOT NULL DEFAULT 0;";

}  // namespace scepgate::ca_backend::sql

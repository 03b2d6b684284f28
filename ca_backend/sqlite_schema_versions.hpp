// The SQL of each version of the SQLite store. What is released is never edited.
#pragma once

namespace scepgate::ca_backend::sqlite {

inline constexpr auto* kVersion1 =
    "CREATE TABLE certificates("
    "  id INTEGER PRIMARY KEY,"
    "  serial BLOB NOT NULL CHECK(length(serial) > 0),"
    "  issuer TEXT NOT NULL,"
    "  subject TEXT NOT NULL,"
    "  subject_alt_name TEXT NOT NULL,"
    "  not_before INTEGER NOT NULL,"
    "  not_after INTEGER NOT NULL,"
    "  issued_at INTEGER NOT NULL,"
    "  endpoint TEXT NOT NULL,"
    "  transaction_id TEXT NOT NULL,"
    "  message_type INTEGER NOT NULL,"
    "  ca TEXT NOT NULL,"
    "  template TEXT NOT NULL,"
    "  policy TEXT NOT NULL,"
    "  device_id TEXT NOT NULL,"
    "  user_id TEXT NOT NULL,"
    "  der BLOB NOT NULL,"
    "  UNIQUE(serial, issuer)"
    ") STRICT;"
    "CREATE INDEX certificates_by_transaction_id ON certificates(transaction_id);"
    "CREATE TABLE transactions("
    "  key BLOB PRIMARY KEY,"
    "  certificate INTEGER NOT NULL REFERENCES certificates(id)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE redemptions("
    "  policy TEXT NOT NULL,"
    "  token BLOB NOT NULL,"
    "  certificate INTEGER NOT NULL REFERENCES certificates(id),"
    "  expires INTEGER NOT NULL,"
    "  PRIMARY KEY(policy, token)"
    ") STRICT, WITHOUT ROWID;";

/// Transactions get a state, and may have no certificate; what is needed while they wait stands in
/// `pending`, so that the others stay small. Certificates can be revoked. Redemptions are found by
/// their end, to be removed.
/// transactions.state: 0 pending, 1 approved, 2 rejected, 3 issued. The signers of version 1 are
/// not known: their transactions are not found by polls.
inline constexpr auto* kVersion2 =
    "ALTER TABLE certificates ADD COLUMN issuer_hash BLOB NOT NULL DEFAULT x'';"
    "ALTER TABLE certificates ADD COLUMN identity BLOB NOT NULL DEFAULT x'';"
    "ALTER TABLE certificates ADD COLUMN revoked_at INTEGER;"
    "ALTER TABLE certificates ADD COLUMN revocation_reason INTEGER;"
    "CREATE TABLE transactions_2("
    "  id INTEGER PRIMARY KEY,"
    "  key BLOB NOT NULL UNIQUE,"
    "  state INTEGER NOT NULL CHECK(state BETWEEN 0 AND 3),"
    "  endpoint TEXT NOT NULL,"
    "  transaction_id TEXT NOT NULL,"
    "  signer_key BLOB NOT NULL,"
    "  challenge BLOB NOT NULL,"
    "  recorded_at INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  notified INTEGER NOT NULL,"
    "  certificate INTEGER UNIQUE REFERENCES certificates(id),"
    "  CHECK((state = 3) = (certificate IS NOT NULL))"
    ") STRICT;"
    "CREATE INDEX redemptions_by_certificate ON redemptions(certificate);"
    "INSERT INTO transactions_2(key, state, endpoint, transaction_id, signer_key, challenge,"
    "  recorded_at, expires, notified, certificate)"
    "  SELECT key, 3, endpoint, transaction_id, x'', coalesce((SELECT token FROM redemptions"
    "  WHERE redemptions.certificate = certificates.id), x''), issued_at, 0, 1, certificates.id"
    "  FROM transactions JOIN certificates ON certificates.id = transactions.certificate"
    "  ORDER BY certificates.id;"
    "DROP TABLE transactions;"
    "ALTER TABLE transactions_2 RENAME TO transactions;"
    "CREATE INDEX transactions_by_poll ON transactions(transaction_id, endpoint, signer_key);"
    "CREATE INDEX transactions_open ON transactions(expires, endpoint) WHERE state < 2;"
    "CREATE TABLE pending("
    "  request INTEGER PRIMARY KEY REFERENCES transactions(id),"
    "  message_type INTEGER NOT NULL,"
    "  ca TEXT NOT NULL,"
    "  template TEXT NOT NULL,"
    "  policy TEXT NOT NULL,"
    "  device_id TEXT NOT NULL,"
    "  user_id TEXT NOT NULL,"
    "  subject TEXT NOT NULL,"
    "  subject_alt_name TEXT NOT NULL,"
    "  signer BLOB NOT NULL,"
    "  csr BLOB NOT NULL,"
    "  granted BLOB NOT NULL,"
    "  upstream_id TEXT NOT NULL,"
    "  decided_at INTEGER NOT NULL DEFAULT 0,"
    "  decided_by TEXT NOT NULL DEFAULT '',"
    "  reason TEXT NOT NULL DEFAULT ''"
    ") STRICT;"
    "CREATE TABLE redemptions_2("
    "  policy TEXT NOT NULL,"
    "  token BLOB NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  PRIMARY KEY(policy, token)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO redemptions_2 SELECT policy, token, expires FROM redemptions;"
    "DROP TABLE redemptions;"
    "ALTER TABLE redemptions_2 RENAME TO redemptions;"
    "CREATE INDEX redemptions_by_expiry ON redemptions(expires);"
    "CREATE TABLE crls("
    "  issuer BLOB PRIMARY KEY,"
    "  revision INTEGER NOT NULL,"
    "  number INTEGER NOT NULL,"
    "  kept_number INTEGER NOT NULL DEFAULT 0,"
    "  kept_revision INTEGER NOT NULL DEFAULT 0,"
    "  der BLOB NOT NULL DEFAULT x''"
    ") STRICT;";

/// Made after the hashes were filled in: once sorted is faster than row by row.
inline constexpr auto* kVersion2Indexes =
    "CREATE INDEX certificates_by_identity ON certificates(identity);"
    "CREATE INDEX certificates_by_not_after ON certificates(not_after);"
    "CREATE INDEX certificates_revoked ON certificates(issuer_hash, not_after)"
    "  WHERE revoked_at IS NOT NULL;";

/// An index is a page to write with each certificate: this one is seldom needed, and transactions
/// have the same. Rejected requests are found by their end, to be removed.
inline constexpr auto* kVersion3 =
    "DROP INDEX certificates_by_transaction_id;"
    "CREATE INDEX transactions_rejected ON transactions(expires) WHERE state = 2;";

/// A request's key is looked up with whose request it is, so one index serves requests, polls and
/// people; `pending` is made anew because it refers to the table.
inline constexpr auto* kVersion4 =
    "CREATE TABLE transactions_4("
    "  id INTEGER PRIMARY KEY,"
    "  key BLOB NOT NULL,"
    "  state INTEGER NOT NULL CHECK(state BETWEEN 0 AND 3),"
    "  endpoint TEXT NOT NULL,"
    "  transaction_id TEXT NOT NULL,"
    "  signer_key BLOB NOT NULL,"
    "  challenge BLOB NOT NULL,"
    "  recorded_at INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  notified INTEGER NOT NULL,"
    "  certificate INTEGER UNIQUE REFERENCES certificates(id),"
    "  CHECK((state = 3) = (certificate IS NOT NULL))"
    ") STRICT;"
    "CREATE TABLE pending_4("
    "  request INTEGER PRIMARY KEY REFERENCES transactions_4(id),"
    "  message_type INTEGER NOT NULL,"
    "  ca TEXT NOT NULL,"
    "  template TEXT NOT NULL,"
    "  policy TEXT NOT NULL,"
    "  device_id TEXT NOT NULL,"
    "  user_id TEXT NOT NULL,"
    "  subject TEXT NOT NULL,"
    "  subject_alt_name TEXT NOT NULL,"
    "  signer BLOB NOT NULL,"
    "  csr BLOB NOT NULL,"
    "  granted BLOB NOT NULL,"
    "  upstream_id TEXT NOT NULL,"
    "  decided_at INTEGER NOT NULL DEFAULT 0,"
    "  decided_by TEXT NOT NULL DEFAULT '',"
    "  reason TEXT NOT NULL DEFAULT ''"
    ") STRICT;"
    "INSERT INTO transactions_4 SELECT * FROM transactions ORDER BY id;"
    "INSERT INTO pending_4 SELECT * FROM pending ORDER BY request;"
    "DROP TABLE pending;"
    "DROP TABLE transactions;"
    "ALTER TABLE transactions_4 RENAME TO transactions;"
    "ALTER TABLE pending_4 RENAME TO pending;";

inline constexpr auto* kVersion4Indexes =
    "CREATE UNIQUE INDEX transactions_by_request"
    "  ON transactions(transaction_id, signer_key, endpoint, key);"
    "CREATE INDEX transactions_open ON transactions(expires, endpoint) WHERE state < 2;"
    "CREATE INDEX transactions_rejected ON transactions(expires) WHERE state = 2;";

/// Challenges that were made here. One is used up in `redemptions`, under the same policy and
/// token, whoever redeems; the trigger keeps the count of those that are not. `claims`: what it is
/// bound to, JSON. challenges.state: 0 outstanding (or expired), 1 used, 2 withdrawn.
/// outbox: what is still to be told to others, each target's in the order of their ids, which are
/// never given twice; `event`: the message's own id; `leased_until`: a sender has it.
/// outbox_dropped: what was thrown away unheard.
inline constexpr auto* kVersion5 =
    "CREATE TABLE challenges("
    "  id INTEGER PRIMARY KEY,"
    "  policy TEXT NOT NULL,"
    "  token BLOB NOT NULL,"
    "  caller TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  state INTEGER NOT NULL DEFAULT 0 CHECK(state BETWEEN 0 AND 2),"
    "  claims TEXT NOT NULL,"
    "  UNIQUE(policy, token)"
    ") STRICT;"
    "CREATE INDEX challenges_outstanding ON challenges(policy, expires) WHERE state = 0;"
    "CREATE INDEX challenges_of_caller ON challenges(caller, expires) WHERE state = 0;"
    "CREATE INDEX challenges_made ON challenges(caller, created);"
    "CREATE INDEX challenges_by_expiry ON challenges(expires);"
    "CREATE TRIGGER challenge_used AFTER INSERT ON redemptions BEGIN"
    "  UPDATE challenges SET state = 1 WHERE policy = NEW.policy AND token = NEW.token; END;"
    "CREATE TABLE outbox("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  target TEXT NOT NULL,"
    "  kind TEXT NOT NULL,"
    "  event TEXT NOT NULL,"
    "  body TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  due INTEGER NOT NULL,"
    "  leased_until INTEGER NOT NULL DEFAULT 0,"
    "  attempts INTEGER NOT NULL DEFAULT 0,"
    "  error TEXT NOT NULL DEFAULT ''"
    ") STRICT;"
    "CREATE INDEX outbox_by_target ON outbox(target, id);"
    "CREATE INDEX outbox_refusals ON outbox(target, kind, id) WHERE kind = 'refused';"
    "CREATE TABLE outbox_dropped("
    "  target TEXT PRIMARY KEY,"
    "  refusals INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;";

/// Certificates are found by what people know of them, without regard to ASCII case, and listed
/// page by page: each index ends with the id. What most certificates do not have is in none.
/// certificate_names: the values of the subject alternative names, in lower case.
/// certificates_by_issued_at grows at its end alone: a page in memory.
inline constexpr auto* kVersion6 =
    "CREATE TABLE certificate_names("
    "  name TEXT NOT NULL,"
    "  certificate INTEGER NOT NULL,"
    "  PRIMARY KEY(name, certificate)"
    ") STRICT, WITHOUT ROWID;";
inline constexpr auto* kVersion6Indexes =
    "DROP INDEX certificates_by_not_after;"
    "CREATE INDEX certificates_by_not_after ON certificates(not_after, id);"
    "CREATE INDEX certificates_by_issued_at ON certificates(issued_at, id);"
    "CREATE INDEX certificates_by_subject ON certificates(lower(subject), id);"
    "CREATE INDEX certificates_by_device ON certificates(lower(device_id), id)"
    "  WHERE device_id <> '';"
    "CREATE INDEX certificates_by_user ON certificates(lower(user_id), id) WHERE user_id <> '';"
    "CREATE INDEX certificates_by_revocation ON certificates(revoked_at, id)"
    "  WHERE revoked_at IS NOT NULL;";

/// revocations: the contents of CRLs, small and in their order, where certificates are large and in
/// the order of their issuing; certificates that are not recorded can be in it too. `revision`: the
/// issuer's at the row's last change; reason 8 (removeFromCRL): good again, for deltas.
/// crls: the counters of an issuer; kept_crls: the CRL of each kind (0 complete, 1 delta) that is
/// given out, and who makes the next; its octets are in crl_parts. crl_bases: complete CRLs that
/// deltas refer to. A CRL that was kept before is made anew.
inline constexpr auto* kVersion7 =
    "CREATE TABLE revocations("
    "  issuer BLOB NOT NULL,"
    "  serial BLOB NOT NULL CHECK(length(serial) > 0),"
    "  revoked_at INTEGER NOT NULL,"
    "  reason INTEGER NOT NULL,"
    "  invalidity_date INTEGER,"
    "  not_after INTEGER NOT NULL,"
    "  revision INTEGER NOT NULL,"
    "  PRIMARY KEY(issuer, serial)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO revocations(issuer, serial, revoked_at, reason, not_after, revision)"
    "  SELECT issuer_hash, serial, revoked_at, coalesce(revocation_reason, 0), not_after,"
    "  coalesce((SELECT revision FROM crls WHERE crls.issuer = issuer_hash), 0)"
    "  FROM certificates WHERE revoked_at IS NOT NULL ORDER BY issuer_hash, serial;"
    "DROP INDEX certificates_revoked;"
    "CREATE INDEX revocations_by_revision ON revocations(issuer, revision, serial);"
    "ALTER TABLE crls DROP COLUMN kept_number;"
    "ALTER TABLE crls DROP COLUMN kept_revision;"
    "ALTER TABLE crls DROP COLUMN der;"
    "CREATE TABLE kept_crls("
    "  issuer BLOB NOT NULL,"
    "  kind INTEGER NOT NULL CHECK(kind BETWEEN 0 AND 1),"
    "  number INTEGER NOT NULL DEFAULT 0,"
    "  revision INTEGER NOT NULL DEFAULT 0,"
    "  base INTEGER NOT NULL DEFAULT 0,"
    "  this_update INTEGER NOT NULL DEFAULT 0,"
    "  took_ms INTEGER NOT NULL DEFAULT 0,"
    "  making_until INTEGER NOT NULL DEFAULT 0,"
    "  making_by TEXT NOT NULL DEFAULT '',"
    "  PRIMARY KEY(issuer, kind)"
    ") STRICT;"
    "CREATE TABLE crl_parts("
    "  issuer BLOB NOT NULL,"
    "  kind INTEGER NOT NULL,"
    "  number INTEGER NOT NULL,"
    "  part INTEGER NOT NULL,"
    "  octets BLOB NOT NULL,"
    "  PRIMARY KEY(issuer, kind, number, part)"
    ") STRICT;"
    "CREATE TABLE crl_bases("
    "  issuer BLOB NOT NULL,"
    "  number INTEGER NOT NULL,"
    "  key BLOB NOT NULL,"
    "  revision INTEGER NOT NULL,"
    "  made INTEGER NOT NULL,"
    "  next_update INTEGER NOT NULL,"
    "  PRIMARY KEY(issuer, number)"
    ") STRICT, WITHOUT ROWID;";

}  // namespace scepgate::ca_backend::sqlite

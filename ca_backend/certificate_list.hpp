// Which of the stored certificates people ask for, and the page of them that they get.
#pragma once

#include <limits>
#include <vector>

#include "ca_backend/certificate_record.hpp"

namespace scepgate::ca_backend {

/// All that is given has to hold. Texts are compared without regard to ASCII case; times are
/// seconds since the epoch, both ends included.
///
/// What an index serves is found at the cost of what it gives, however many certificates there are:
/// serial, transaction_id, subject, subject_begins, alt_name, device_id, user_id, the times, and
/// kExpired, kRevoked, kOnHold. The first of them that is given, in this order, leads; the others,
/// and what has no index, are looked for among what it leads to: `scan_limit` bounds that.
struct CertificateFilter {
    enum class Status { kAny, kValid, kExpired, kRevoked, kOnHold };

    std::optional<std::string> subject = {};         ///< the whole name, as CertificateRow has it
    std::optional<std::string> subject_begins = {};  ///< with "CN=laptop-1", say
    std::optional<std::string> subject_contains = {};
    /// One of the subject alternative names: "dns:host.example", or "host.example" of any type.
    std::optional<std::string> alt_name = {};
    std::optional<std::string> alt_name_contains = {};
    std::optional<std::string> device_id = {}, user_id = {};
    std::optional<Bytes> serial = {};  ///< without a sign octet
    std::optional<std::string> transaction_id = {};
    std::optional<std::string> template_name = {}, endpoint = {}, ca = {}, policy = {};
    std::optional<std::int64_t> issued_from = {}, issued_until = {};
    std::optional<std::int64_t> expires_from = {}, expires_until = {};  ///< their notAfter
    Status status = Status::kAny;
    std::int64_t now = 0;  ///< for kValid and kExpired

    std::size_t limit = 1000;  ///< of rows in the page; 0 gives none
    /// No more certificates than about this many are looked at for one page.
    std::size_t scan_limit = 100'000;
    std::optional<std::string> after = {};  ///< CertificatePage::next of the page before
};

/// Newest first; by the time that leads where one does (what expires: the soonest first; what has
/// expired or was revoked: the latest first), by name for subject_begins. Certificates that come
/// meanwhile make no page skip or repeat one.
struct CertificatePage {
    std::vector<CertificateRow> rows;
    /// Where to go on, with the same filter; nothing: there are no more.
    std::optional<std::string> next;
    /// Certificates that were looked at one by one; 0: an index has served all of the filter.
    std::size_t scanned = 0;
};

/// A serial number that a certificate may have: not 0, at most 20 octets without a sign octet
/// (RFC 5280 section 4.1.2.2). kMalformed.
[[nodiscard]] Result<void> check_serial(ByteView serial);
/// Serial numbers as people write and paste them: hex in either case, with or without leading zeros
/// or 0x, or with a colon after each two digits. kMalformed, for what check_serial() refuses, too.
[[nodiscard]] Result<Bytes> parse_serial(std::string_view text);

}  // namespace scepgate::ca_backend

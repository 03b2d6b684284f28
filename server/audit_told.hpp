// What records of the audit file tell that a store is held against.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "certs/bytes.hpp"

namespace scepgate::server {

/// The beginning of a certificate's fingerprint: enough to tell certificates apart.
using CertificateMark = std::uint64_t;
[[nodiscard]] CertificateMark mark_of(ByteView fingerprint);

/// A certificate that was signed.
struct CertificateTold {
    bool issued = false;  ///< it left ("issue"); else "sign"
    std::string time, ca, serial, subject;
    CertificateMark mark = 0;
};
[[nodiscard]] std::optional<CertificateTold> certificate_told_by(std::string_view line);

/// One that the store lacked was revoked by its serial number ("cert revoke --not-recorded").
struct TakenBackTold {
    std::string ca;
    Bytes serial;  ///< without a sign octet
    std::string not_after;
};
[[nodiscard]] std::optional<TakenBackTold> taken_back_by(std::string_view line);

/// What was done to a certificate.
struct RevocationTold {
    std::string event;  ///< "revoke", "hold" or "release"
    std::string time, ca, serial, subject, reason, not_after;
    bool recorded = true;  ///< false: "cert revoke --not-recorded"

    [[nodiscard]] bool is_release() const { return event == "release"; }
};
[[nodiscard]] std::optional<RevocationTold> revocation_told_by(std::string_view line);

/// A serial number in hex as the store has it; empty where it is none.
[[nodiscard]] Bytes serial_from_hex(const std::string& text);

}  // namespace scepgate::server

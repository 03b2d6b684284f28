// The vocabulary of SCEP messages (RFC 8894 section 3.2.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "certs/cms_enveloped_data.hpp"
#include "certs/refusal.hpp"

namespace scepgate::scep {

enum class MessageType {
    kCertRep = 3,
    kRenewalReq = 17,
    kPkcsReq = 19,
    kCertPoll = 20,
    kGetCert = 21,
    kGetCrl = 22,
};
/// "PKCSReq" …
[[nodiscard]] std::string_view to_text(MessageType type) noexcept;
/// Exactly the decimal texts of the RFC; " 19", "019", "18", … have no value (B15, B16).
[[nodiscard]] std::optional<MessageType> message_type_from_text(std::string_view text) noexcept;

enum class PkiStatus { kSuccess = 0, kFailure = 2, kPending = 3 };

/// Which of the optional algorithms an endpoint takes. AES and SHA-2 always; MD5 never.
struct AlgorithmRules {
    bool sha1 = true;
    bool des3 = true;
    bool des = false;  ///< single DES: forbidden by the RFC, read but never written
    /// Signers with an EC key: their replies go to a PasswordRecipientInfo (RFC 8894 section 3.1).
    /// Only where challenges are used up.
    bool ec_password_recipient = false;
    certs::KeyLimits key_limits;
};

/// Names of what was forgiven in a message, for the request log ("ber", "no-signing-time").
using Tolerances = std::vector<std::string>;

}  // namespace scepgate::scep

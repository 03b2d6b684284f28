// The JSON of Intune's SCEP API (ScepActions of ScepRequestValidationFEService).
#pragma once

#include "certs/enrollment.hpp"
#include "certs/secret.hpp"

namespace scepgate::policy::intune {

inline constexpr const char* kValidationService = "sceprequestvalidationfeservice";
inline constexpr std::size_t kLongestDescription = 255;

// The bodies hold the CSR, and with it the challenge. `provider`: callerInfo.

[[nodiscard]] Secret validation_body(const EnrollmentRequest& request, const std::string& provider);
[[nodiscard]] Secret success_body(const EnrollmentRequest& request,
                                  const certs::Certificate& issued, const std::string& provider);
/// Its description is the refusal's code and text, cut to 255 octets.
[[nodiscard]] Secret failure_body(const EnrollmentRequest& request, const Refusal& refusal,
                                  const std::string& provider);

/// What all three are answered with.
struct Verdict {
    std::string code;
    std::string description;  ///< short, and without anything as long as a challenge
    [[nodiscard]] bool success() const noexcept { return code == "Success"; }
};

/// {"code":"…","errorDescription":"…"}. kUnavailable when it is not of this form or has no code:
/// nothing was decided.
[[nodiscard]] Result<Verdict> read_verdict(std::string_view body);

/// Upper-case hexadecimal without leading zeros.
[[nodiscard]] std::string serial_text(const certs::Certificate& certificate);

}  // namespace scepgate::policy::intune

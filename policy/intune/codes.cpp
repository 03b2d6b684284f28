#include "policy/intune/codes.hpp"

#include <algorithm>

namespace scepgate::policy::intune {
namespace {

constexpr FailInfo kChallenge = FailInfo::kBadMessageCheck;
constexpr FailInfo kMismatch = FailInfo::kBadRequest;

constexpr std::string_view kOwnConnector =
    "the challenge was not made for this CA's profile: look at the SCEP URL and the root of the "
    "profile in Intune";
constexpr std::string_view kSync =
    "have the device sync, so that it gets a new challenge; when it stays, look at the profile";
constexpr std::string_view kProfile =
    "compare the CSR (scepgate decode) with the SCEP profile in Intune; a comma, semicolon, plus "
    "or equals sign in the profile's subject is a known cause";
constexpr std::string_view kRegistration =
    "the device's registration in Entra ID is not the one the challenge was made for: register it "
    "anew";

/// An unknown code may be long, and hold anything.
constexpr std::size_t kLongestCode = 64;

bool is_plain(std::string_view code) noexcept {
    return !code.empty() && code.size() <= kLongestCode &&
           std::all_of(code.begin(), code.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
           });
}

}  // namespace

const std::vector<RefusalCode>& refusal_codes() {
    static const std::vector<RefusalCode> codes{
        {"Unknown", kMismatch, "Intune refuses without a reason",
         "look at the request in Intune's admin center by its transactionID"},
        {"CertificateRequestDecodingFailed", kMismatch, "Intune cannot read the CSR",
         "keep the CSR (scepgate decode) and ask Microsoft"},
        {"ChallengePasswordMissing", kChallenge, "the CSR has no challengePassword",
         "only devices with a SCEP profile of Intune can enrol here"},
        {"ChallengeDeserializationError", kChallenge, "the challenge is none of Intune's",
         kOwnConnector},
        {"ChallengeDecryptionError", kChallenge, "Intune cannot decrypt the challenge",
         "the challenge is of another tenant, or was altered"},
        {"ChallengeDecodingError", kChallenge, "Intune cannot decode the challenge",
         "the challenge was altered or cut on its way: see docs/limits.md for proxies"},
        {"ChallengeInvalidTimestamp", kChallenge, "the challenge's time is invalid", kSync},
        {"ChallengeExpired", kChallenge, "the challenge has expired", kSync},
        {"SubjectNameMissing", kMismatch, "the CSR has no subject", kProfile},
        {"SubjectNameMismatch", kMismatch, "the CSR's subject is not the profile's", kProfile},
        {"SubjectAltNameMissing", kMismatch, "the CSR has no subjectAltName", kProfile},
        {"SubjectAltNameMismatch", kMismatch, "the CSR's subjectAltName is not the profile's",
         kProfile},
        {"KeyUsageMismatch", kMismatch, "the CSR's key usage is not the profile's", kProfile},
        {"KeyLengthMismatch", kMismatch, "the CSR's key is not as long as the profile says",
         kProfile},
        {"EnhancedKeyUsageMissing", kMismatch, "the CSR has no extended key usage", kProfile},
        {"EnhancedKeyUsageMismatch", kMismatch, "the CSR's extended key usage is not the profile's",
         kProfile},
        {"AadKeyIdentifierListMissing", kMismatch, "Entra ID knows no key of the device",
         kRegistration},
        {"RegisteredKeyMismatch", kMismatch, "the key is not the one registered in Entra ID",
         kRegistration},
        {"SigningCertThumbprintMismatch", kMismatch,
         "the certificate that signed is not the one Intune expects", kRegistration},
        {"ScepProfileNoLongerTargetedToTheClient", kMismatch,
         "the profile is not assigned to the device or user any more",
         "assign the profile again, or let the device sync"},
        {"SignatureValidationFailed", kChallenge, "the challenge's signature does not verify",
         kOwnConnector},
        {"BadCertificateRequestIdInChallenge", kChallenge,
         "the challenge names another certificate request", kSync},
        {"BadDeviceIdInChallenge", kChallenge, "the challenge is for another device",
         "find out how the challenge of one device came to another"},
        {"BadUserIdInChallenge", kChallenge, "the challenge is for another user",
         "find out how the challenge of one user came to another"},
    };
    return codes;
}

Refusal refuse_by_code(std::string_view code, std::string_view description) {
    Refusal refusal;
    refusal.check = "Intune";
    refusal.expected = "Success";
    refusal.found = is_plain(code) ? std::string(code) : "a code that is no word";
    const auto& known = refusal_codes();
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const RefusalCode& one) { return one.name == code; });
    if (found != known.end()) {
        refusal.fail_info = found->fail_info;
        refusal.code = found->name;
        refusal.text = "Intune: " + std::string(found->meaning);
        refusal.hint = found->hint;
    } else {
        refusal.fail_info = kMismatch;
        refusal.code = "IntuneCodeUnknown";
        refusal.text = "Intune answered " + refusal.found + ", which is not known here";
        refusal.hint = "a newer scepgate may know it; until then it is a refusal";
    }
    if (!description.empty()) refusal.text += " (" + std::string(description) + ")";
    return refusal;
}

}  // namespace scepgate::policy::intune

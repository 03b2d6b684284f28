// Subjects that a template builds from what policy has granted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "certs/enrollment.hpp"

namespace scepgate::ca_backend {

/// What a pattern can insert.
enum class SubjectClaim { kDeviceId, kUserId, kSid, kCommonName, kDns, kEmail, kUpn };

/// "device_id", "user_id", "sid", "common_name", "dns", "email", "upn"
[[nodiscard]] std::string_view to_text(SubjectClaim claim) noexcept;

/// What claims are taken from; alive as long as this.
struct SubjectSource {
    const certs::Name& subject;
    const certs::GeneralNames& subject_alt_name;
    const std::optional<std::string>& sid;
    const std::string& device_id;
    const std::string& user_id;
};
[[nodiscard]] SubjectSource source_of(const Grant& grant) noexcept;

/// A name in RFC 4514 with claims in braces: "CN={device_id},OU=Devices,O=Example". A claim is
/// escaped when it is inserted: it can never add an attribute of its own. Immutable.
class SubjectPattern {
public:
    /// kConfig: an unknown claim, a brace too many (one in a name is written \7B, \7D), no claim
    /// at all, quotes, "#", OpenSSL's slash form, what is no name with the claims in place, or one
    /// over RFC 5280's upper bounds; or {common_name} elsewhere than as the whole common name:
    /// renewed, such a name would grow each time.
    static Result<SubjectPattern> parse(std::string_view text);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    /// With "x" in the place of each claim.
    [[nodiscard]] const certs::Name& sample() const noexcept { return sample_; }
    [[nodiscard]] const std::vector<SubjectClaim>& claims() const noexcept { return claims_; }

    /// dns, email and upn are the first of their kind among the alternative names. Refused
    /// (badRequest): "SubjectClaimMissing", "SubjectPatternUnfit" (a value that no name can hold,
    /// or longer than RFC 5280 allows).
    [[nodiscard]] Result<certs::Name, Refusal> build(const SubjectSource& source) const;

private:
    SubjectPattern() = default;

    std::string text_;
    /// Text and claims in turn: literals_[0] claims_[0] literals_[1] …
    std::vector<std::string> literals_;
    std::vector<SubjectClaim> claims_;
    certs::Name sample_;
};

}  // namespace scepgate::ca_backend

#include "ca_backend/subject_pattern.hpp"

#include <array>
#include <optional>

#include "certs/oids.hpp"

namespace scepgate::ca_backend {
namespace {

using certs::GeneralNameType;

constexpr std::array<std::pair<SubjectClaim, std::string_view>, 7> kClaims{
    {{SubjectClaim::kDeviceId, "device_id"},
     {SubjectClaim::kUserId, "user_id"},
     {SubjectClaim::kSid, "sid"},
     {SubjectClaim::kCommonName, "common_name"},
     {SubjectClaim::kDns, "dns"},
     {SubjectClaim::kEmail, "email"},
     {SubjectClaim::kUpn, "upn"}}};

std::optional<SubjectClaim> claim_of(std::string_view text) {
    for (const auto& [claim, name] : kClaims) {
        if (name == text) return claim;
    }
    return std::nullopt;
}

std::string all_claims() {
    std::string all;
    for (const auto& [claim, name] : kClaims)
        all += (all.empty() ? "{" : ", {") + std::string(name) + "}";
    return all;
}

Error fault(std::string_view pattern, const std::string& what) {
    return {Errc::kConfig, "'" + std::string(pattern) + "': " + what};
}

std::string first_of(const certs::GeneralNames& names, GeneralNameType type) {
    for (const certs::GeneralName& name : names) {
        if (name.type == type) return name.value;
    }
    return {};
}

std::string value_of(SubjectClaim claim, const SubjectSource& source) {
    switch (claim) {
        case SubjectClaim::kDeviceId:
            return source.device_id;
        case SubjectClaim::kUserId:
            return source.user_id;
        case SubjectClaim::kSid:
            return source.sid.value_or("");
        case SubjectClaim::kCommonName:
            return std::string(source.subject.common_name());
        case SubjectClaim::kDns:
            return first_of(source.subject_alt_name, GeneralNameType::kDns);
        case SubjectClaim::kEmail:
            return first_of(source.subject_alt_name, GeneralNameType::kEmail);
        case SubjectClaim::kUpn:
            return first_of(source.subject_alt_name, GeneralNameType::kUpn);
    }
    return {};
}

/// Whether every common name is the mark, or is without it; and nothing else has it.
bool stands_alone(const certs::Name& name, std::string_view mark) {
    for (const certs::Rdn& rdn : name.rdns()) {
        for (const certs::NameAttribute& attribute : rdn) {
            if (attribute.value.find(mark) == std::string::npos) continue;
            if (!equal(attribute.type, certs::oid::kCommonName) || attribute.value != mark) {
                return false;
            }
        }
    }
    return true;
}

}  // namespace

std::string_view to_text(SubjectClaim claim) noexcept {
    for (const auto& [one, name] : kClaims) {
        if (one == claim) return name;
    }
    return "?";
}

SubjectSource source_of(const Grant& grant) noexcept {
    return {grant.subject(), grant.subject_alt_name(), grant.sid(), grant.device_id(),
            grant.user_id()};
}

Result<SubjectPattern> SubjectPattern::parse(std::string_view text) {
    // Where a value would be read by other rules than it is escaped by.
    if (text.starts_with('/') || text.find_first_of("\"#") != std::string_view::npos) {
        return fault(text, "give it as in RFC 4514, without quotes and #");
    }
    SubjectPattern pattern;
    pattern.text_ = text;
    // A value that no other text is likely to have.
    constexpr std::string_view kMark = "scepgate-mark";
    std::string sample, marked;
    pattern.literals_.emplace_back();
    for (std::string_view rest = text; !rest.empty();) {
        if (rest.front() == '}') return fault(text, "a '}' without its '{'");
        if (rest.front() != '{') {
            const auto literal = rest.substr(0, rest.find_first_of("{}"));
            pattern.literals_.back() += literal;
            sample += literal;
            marked += literal;
            rest.remove_prefix(literal.size());
            continue;
        }
        const auto end = rest.find('}');
        if (end == std::string_view::npos) return fault(text, "a '{' without its '}'");
        const auto name = rest.substr(1, end - 1);
        const auto claim = claim_of(name);
        if (!claim) {
            return fault(
                text, "there is no claim {" + std::string(name) + "}; there are " + all_claims());
        }
        pattern.claims_.push_back(*claim);
        pattern.literals_.emplace_back();
        sample += 'x';
        marked += *claim == SubjectClaim::kCommonName ? kMark : "x";
        rest.remove_prefix(end + 1);
    }
    if (pattern.claims_.empty()) {
        return fault(text, "without a claim all certificates would have one subject; there are " +
                               all_claims());
    }
    auto name = certs::Name::from_text(sample);
    if (!name) return fault(text, name.error().detail);
    // What is too long with so little in the claims' places is too long for every request.
    if (const auto bounds = name->check_certifiable(); !bounds)
        return fault(text, bounds.error().detail);
    pattern.sample_ = *std::move(name);
    const auto with_mark = certs::Name::from_text(marked);
    if (!with_mark) return fault(text, with_mark.error().detail);
    if (!stands_alone(*with_mark, kMark)) {
        return fault(text,
                     "{common_name} can only be the whole of CN: elsewhere the name would "
                     "grow with each renewal");
    }
    return pattern;
}

Result<certs::Name, Refusal> SubjectPattern::build(const SubjectSource& source) const {
    constexpr Reason kMissing{FailInfo::kBadRequest, "SubjectClaimMissing", "subject",
                              "have the policy grant it, or take it out of the template's subject"};
    constexpr Reason kUnfit{FailInfo::kBadRequest, "SubjectPatternUnfit", "subject",
                            "correct what the policy grants, or the template's subject"};
    std::string built = literals_.front();
    for (std::size_t i = 0; i < claims_.size(); ++i) {
        const std::string value = value_of(claims_[i], source);
        if (value.empty()) {
            return refused(kMissing, "the subject " + text_ + " needs {" +
                                         std::string(to_text(claims_[i])) +
                                         "}, which was not granted");
        }
        built += certs::escape_name_value(value) + literals_[i + 1];
    }
    auto name = certs::Name::from_text(built);
    if (!name) return refused(kUnfit, "the subject " + text_ + ": " + name.error().detail);
    if (const auto bounds = name->check_certifiable(); !bounds) {
        return refused(kUnfit, "the subject " + text_ + ": " + bounds.error().detail);
    }
    return *std::move(name);
}

}  // namespace scepgate::ca_backend

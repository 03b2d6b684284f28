// A challenge that allows what one CSR asks for, against another CSR: subject, alternative names,
// key usage and extended key usages pass the policy's checks exactly when a second, simpler look at
// what OpenSSL reads finds them the same; the verdict is that of all the checks. Input: two
// CertificationRequestInfos of the device's key in a row, which are signed here.
#include <algorithm>

#include "certs/der.hpp"
#include "fuzz/openssl_match.hpp"
#include "fuzz/signed_csr.hpp"
#include "fuzz/test_keys.hpp"
#include "policy/claims_judge.hpp"

namespace scepgate::fuzz {
namespace {

using policy::Verdict;

bool passed(const Verdict& verdict) {
    return verdict.outcome == Verdict::Outcome::kPassed;
}

bool passed(const std::vector<Verdict>& verdicts, std::string_view check) {
    const auto at = std::find_if(verdicts.begin(), verdicts.end(),
                                 [&](const Verdict& verdict) { return verdict.check == check; });
    FUZZ_REQUIRE(at != verdicts.end());
    return passed(*at);
}

/// What an MDM would put into the challenge for this request; nothing when it could not.
std::optional<policy::ChallengeClaims> claims_for(const certs::Csr& csr) {
    policy::ChallengeClaims claims;
    claims.id = std::string(32, '0');
    claims.issuer = std::string(64, '0');
    claims.audience = "fuzz";
    claims.issued_at = claims.not_before = kNow;
    claims.expires = kNow + 3600;
    claims.subject = csr.subject();
    claims.subject_alt_name = csr.requested().subject_alt_name;
    claims.key_usage = csr.requested().key_usage;
    claims.extended_key_usage = csr.requested().extended_key_usage;
    auto read = policy::parse_claims(policy::encode_claims(claims));
    if (!read) return std::nullopt;
    return std::move(*read);
}

const policy::ChallengeBlobSettings& settings() {
    static const auto made = [] {
        policy::ChallengeBlobSettings blob;
        blob.name = "fuzz";
        blob.audience = "fuzz";
        return blob;
    }();
    return made;
}

std::optional<certs::Csr> signed_request(ByteView info) {
    auto csr = certs::Csr::from_der(sign_if_request_info(info, device().key));
    if (!csr) return std::nullopt;
    return std::move(*csr);
}

}  // namespace

void run(ByteView input) {
    certs::DerReader reader(input);
    const auto first = reader.read_whole(certs::DerTag::kSequence);
    if (!first) return;
    const auto allowed = signed_request(*first);
    auto asked = signed_request(reader.rest());
    if (!allowed || !asked) return;
    const auto claims = claims_for(*allowed);
    const auto purpose = certs::purpose_of(asked->requested().key_usage);
    if (!claims || !purpose) return;

    const EnrollmentRequest request{.endpoint = "/scep",
                                    .kind = EnrollmentKind::kInitial,
                                    .message_type = 19,
                                    .transaction_id = "1",
                                    .csr = std::move(*asked),
                                    .purpose = *purpose,
                                    .signer = device().certificate,
                                    .client_address = "192.0.2.1"};
    const auto verdicts = policy::explain_claims({settings(), *claims, request, kNow});
    const auto refusal = policy::judge_claims(settings(), *claims, request, kNow);
    const auto failed_first = std::find_if_not(
        verdicts.begin(), verdicts.end(), [](const Verdict& verdict) { return passed(verdict); });
    FUZZ_REQUIRE(refusal.has_value() == (failed_first != verdicts.end()));
    FUZZ_REQUIRE(!refusal || refusal->code == failed_first->code);

    const auto theirs = openssl_matches(*claims, request.csr);
    if (!theirs) return;
    const bool bounded = bool(request.csr.subject().check_upper_bounds());
    FUZZ_REQUIRE(!theirs->subject || (bounded && *theirs->subject) == passed(verdicts, "subject"));
    FUZZ_REQUIRE(theirs->alternative_names == passed(verdicts, "subjectAltName"));
    FUZZ_REQUIRE(theirs->key_usage == passed(verdicts, "key usage"));
    FUZZ_REQUIRE(theirs->extended_key_usage == passed(verdicts, "extended key usage"));
}

}  // namespace scepgate::fuzz

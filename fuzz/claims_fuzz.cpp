// Claims that are accepted come out of the encoder with the same meaning and then in one text only,
// and hold what the checks after them rely on: names, times, and identifiers of their exact form.
// Input: the JSON.
#include "fuzz/fuzz.hpp"
#include "policy/challenge_claims.hpp"

namespace scepgate::fuzz {

void run(ByteView input) {
    const auto claims = policy::parse_claims(as_text(input));
    if (!claims) {
        FUZZ_REQUIRE(claims.error().code == Errc::kMalformed);
        return;
    }
    FUZZ_REQUIRE(claims->version == 1);
    FUZZ_REQUIRE(!claims->subject.empty() || !claims->subject_alt_name.empty());
    FUZZ_REQUIRE(claims->subject.check_certifiable());
    FUZZ_REQUIRE(from_hex(claims->id) && claims->id.size() == 32);
    FUZZ_REQUIRE(from_hex(claims->issuer) && claims->issuer.size() == 64);

    const std::string text = policy::encode_claims(*claims);
    const auto again = policy::parse_claims(text);
    FUZZ_REQUIRE(again);
    FUZZ_REQUIRE(policy::encode_claims(*again) == text);
    FUZZ_REQUIRE(again->id == claims->id && again->issuer == claims->issuer);
    FUZZ_REQUIRE(again->audience == claims->audience);
    FUZZ_REQUIRE(again->issued_at == claims->issued_at && again->expires == claims->expires);
    FUZZ_REQUIRE(again->not_before == claims->not_before);
    FUZZ_REQUIRE(again->subject.der() == claims->subject.der());
    FUZZ_REQUIRE(again->subject_alt_name == claims->subject_alt_name);
    FUZZ_REQUIRE(again->key_usage == claims->key_usage);
    FUZZ_REQUIRE(again->extended_key_usage == claims->extended_key_usage);
    FUZZ_REQUIRE(again->key.types == claims->key.types);
    FUZZ_REQUIRE(again->key.minimum_bits == claims->key.minimum_bits);
    FUZZ_REQUIRE(again->template_name == claims->template_name);
    FUZZ_REQUIRE(again->purpose == claims->purpose);
    FUZZ_REQUIRE(again->max_validity == claims->max_validity);
    FUZZ_REQUIRE(again->device_id == claims->device_id && again->user_id == claims->user_id);
    FUZZ_REQUIRE(again->sid == claims->sid);
}

}  // namespace scepgate::fuzz

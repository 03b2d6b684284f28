// A challenge blob's text decodes to what its plain base64 decodes to; what its outer structure and
// envelope are taken for can be relied on by the steps after; a blob opens only when the pinned
// signer signed it and its claims name that signer, and else is refused with badMessageCheck.
// Input: the text, the DER or BER within, or the envelope, which is also signed here.
#include "certs/ber.hpp"
#include "certs/oids.hpp"
#include "fuzz/test_keys.hpp"
#include "policy/blob_format.hpp"
#include "policy/blob_opener.hpp"

namespace scepgate::fuzz {
namespace {

using namespace certs;

const policy::ChallengeBlobSettings& settings() {
    static const auto made = [] {
        policy::ChallengeBlobSettings blob;
        blob.name = "fuzz";
        blob.decryption = {{blob_recipient().certificate, blob_recipient().key},
                           {ra().certificate, ra().key}};
        blob.trusted_signers = {challenge_signer().certificate};
        return blob;
    }();
    return made;
}

void require_rightly_judged(std::string_view text) {
    static const policy::BlobOpener opener(settings());
    const auto claims = opener.open(text, kNow);
    if (!claims) {
        FUZZ_REQUIRE(claims.error().fail_info == FailInfo::kBadMessageCheck);
        FUZZ_REQUIRE(!claims.error().code.empty() && !claims.error().temporary);
        return;
    }
    FUZZ_REQUIRE(claims->issuer == to_hex(challenge_signer().certificate.fingerprint()));
    const auto der = policy::decode_blob_text(text);
    FUZZ_REQUIRE(der);
    const auto blob = policy::read_blob(*der);
    FUZZ_REQUIRE(blob && blob->authenticated);
}

void require_sound_envelope(ByteView content, bool authenticated) {
    const auto envelope = policy::read_envelope(content, authenticated);
    if (!envelope) return;
    FUZZ_REQUIRE(envelope->data.recipients() == 1);
    FUZZ_REQUIRE(envelope->data.key_agreement.size() + envelope->data.key_transport.size() == 1);
    FUZZ_REQUIRE(equal(envelope->data.content_type, oid::kData));
    const ContentCipher cipher = envelope->encryption.cipher;
    FUZZ_REQUIRE((cipher == ContentCipher::kAes256Gcm) == authenticated);
    FUZZ_REQUIRE(authenticated || cipher == ContentCipher::kAes128Cbc ||
                 cipher == ContentCipher::kAes256Cbc);
    FUZZ_REQUIRE(!policy::describe(envelope->recipient()).empty());
}

void require_sound(ByteView blob) {
    const auto outer = policy::read_blob(blob);
    if (!outer) {
        FUZZ_REQUIRE(outer.error().code == Errc::kMalformed);
        return;
    }
    const auto der = ber_to_der(blob);
    FUZZ_REQUIRE(der && *der == outer->der);
    FUZZ_REQUIRE(outer->signed_data.signers.size() == 1);
    FUZZ_REQUIRE(outer->signed_data.content);
    FUZZ_REQUIRE(!policy::describe(outer->signer().signer).empty());
    require_sound_envelope(outer->content(), outer->authenticated);
}

/// The octets as an envelope that the pinned signer signed.
std::string sign_as_mdm(ByteView envelope) {
    SignedDataContents contents;
    contents.content_type = oid::kAuthEnvelopedData;
    contents.content = envelope;
    contents.signing_time = kNow;
    contents.certificates = {challenge_signer().certificate};
    const auto blob =
        build_signed_data(contents, challenge_signer().certificate, challenge_signer().key);
    FUZZ_REQUIRE(blob);
    return to_base64(*blob);
}

}  // namespace

void run(ByteView input) {
    if (const auto decoded = policy::decode_blob_text(as_text(input))) {
        const auto again = policy::decode_blob_text(to_base64(*decoded));
        FUZZ_REQUIRE(again && *again == *decoded);
        require_sound(*decoded);
    }
    require_sound(input);
    require_sound_envelope(input, true);
    require_sound_envelope(input, false);
    require_rightly_judged(as_text(input));
    require_rightly_judged(sign_as_mdm(input));
}

}  // namespace scepgate::fuzz

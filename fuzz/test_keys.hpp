// The fixed keys of the targets (fuzz/keys): known to everybody, good for nothing else.
#pragma once

#include "certs/certificate.hpp"
#include "certs/private_key.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz_keys.hpp"

namespace scepgate::fuzz {

struct KeyPair {
    certs::Certificate certificate;
    certs::PrivateKey key;
};

inline KeyPair load(std::string_view certificate_pem, std::string_view key_pem) {
    auto certificate = certs::Certificate::from_pem(as_bytes(certificate_pem));
    auto key = certs::PrivateKey::from_pem(as_bytes(key_pem));
    FUZZ_REQUIRE(certificate && key);
    return {std::move(*certificate), std::move(*key)};
}

/// Requests are encrypted to it; also issued the replies. RSA.
inline const KeyPair& ra() {
    static const KeyPair pair = load(keys::ra_certificate, keys::ra_key);
    return pair;
}
/// A device with its transient self-signed certificate. RSA.
inline const KeyPair& device() {
    static const KeyPair pair = load(keys::device_certificate, keys::device_key);
    return pair;
}
/// An MDM's challenge signer. P-256.
inline const KeyPair& challenge_signer() {
    static const KeyPair pair = load(keys::signer_certificate, keys::signer_key);
    return pair;
}
/// Challenge blobs are encrypted to it. P-256.
inline const KeyPair& blob_recipient() {
    static const KeyPair pair = load(keys::blob_certificate, keys::blob_key);
    return pair;
}

/// All times in the targets: 2026-12-01.
inline constexpr std::int64_t kNow = 1'796'083'200;

}  // namespace scepgate::fuzz

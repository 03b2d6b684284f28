// The one request that the message targets send, and the keys it is read with.
#pragma once

#include "fuzz/test_keys.hpp"
#include "scep/client.hpp"

namespace scepgate::fuzz {

/// The device's request to the RA around `content`; its transactionID is "fuzz" and its nonce
/// 00 to 0F, which the seeds of replies carry.
inline scep::ClientRequest device_request(ByteView content) {
    scep::ClientRequest request;
    request.transaction_id = "fuzz";
    for (std::uint8_t i = 0; i < 16; ++i)
        request.sender_nonce.push_back(i);
    request.content = to_bytes(content);
    request.signer = device().certificate;
    request.signer_key = device().key;
    request.recipient = ra().certificate;
    request.now = kNow;
    return request;
}

inline std::span<const scep::RecipientKey> recipients() {
    static const std::array<scep::RecipientKey, 1> ours{{{ra().certificate, ra().key}}};
    return ours;
}

inline std::span<const scep::TrustedIssuer> trusted_issuers() {
    static const std::array<scep::TrustedIssuer, 1> issuers{
        {{ra().certificate, ra().key.public_key()}}};
    return issuers;
}

inline scep::CaCertificates trusted_ca() {
    return {ra().certificate, ra().certificate, ra().certificate, {ra().certificate}};
}

}  // namespace scepgate::fuzz

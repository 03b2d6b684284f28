// The one request that the message targets send, and the keys it is read with.
#pragma once

#include "certs/oids.hpp"
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

/// A SUCCESS to device_request() that holds `content`, rightly encrypted and signed.
inline Bytes success_with(ByteView content) {
    using namespace certs;
    const auto enveloped = build_enveloped_data(content, ContentCipher::kAes128Cbc,
                                                device().certificate, device().key.public_key());
    FUZZ_REQUIRE(enveloped);
    const Bytes info = build_content_info(oid::kEnvelopedData, *enveloped);
    const auto request = device_request({});
    SignedDataContents contents;
    contents.content_type = oid::kData;
    contents.content = info;
    contents.signed_attributes = {
        encode_attribute(oid::kMessageType, der::printable_string("3")),
        encode_attribute(oid::kPkiStatus, der::printable_string("0")),
        encode_attribute(oid::kTransactionId, der::printable_string(request.transaction_id)),
        encode_attribute(oid::kRecipientNonce, der::octet_string(request.sender_nonce)),
        encode_attribute(oid::kSenderNonce, der::octet_string(Bytes(16)))};
    contents.signing_time = kNow;
    contents.certificates = {ra().certificate};
    auto message = build_signed_data(contents, ra().certificate, ra().key);
    FUZZ_REQUIRE(message);
    return std::move(*message);
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

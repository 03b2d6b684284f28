// One device, one RA, and PKCSReq messages between them that a test can spoil in any part.
#pragma once

#include "scep/message_content.hpp"
#include "tests/certs/support/raw_cms.hpp"

namespace scepgate::scep::testing {

const certs::PrivateKey& device_key();
const certs::PrivateKey& attacker_key();
const certs::PrivateKey& ra_key();
const certs::PrivateKey& old_ra_key();
const certs::PrivateKey& foreign_key();

/// The recipients of the endpoint under test: the RA's current and its older encryption key.
const std::vector<RecipientKey>& our_recipients();
/// The IssuerAndSerialNumber of each, and of a CA that is not ours.
Bytes ra_reference();
Bytes old_ra_reference();
Bytes foreign_reference();

/// A sound request for the key, with a challenge.
Bytes csr_of(const certs::PrivateKey& key);

/// An envelope around `plain`, AES-128-CBC to the RA unless told otherwise.
struct Envelope {
    Bytes plain;
    Bytes content_key = Bytes(16, 0x5A);
    Bytes iv = Bytes(16, 0xC3);
    std::optional<Bytes> ciphertext;               ///< absent: `plain`, padded and encrypted
    std::optional<std::vector<Bytes>> recipients;  ///< absent: the RA
    std::optional<Bytes> cipher_algorithm;
    std::optional<Bytes> encrypted_content;  ///< whole element
    Bytes content_type = to_bytes(certs::oid::kData);
    const char* openssl_cipher = "AES-128-CBC";
    Bytes after_content;

    /// The ciphertext of the plain content under the key and IV.
    [[nodiscard]] Bytes encrypted() const;
    /// EnvelopedData
    [[nodiscard]] Bytes enveloped_data() const;
    /// In its ContentInfo
    [[nodiscard]] Bytes build() const;
};
Envelope envelope_of(const certs::PrivateKey& csr_key);
/// The content key of an Envelope encrypted to this key with RSAES-PKCS1-v1_5.
Bytes encrypted_key(const Envelope& envelope, const certs::PrivateKey& recipient);

/// A signed PKCSReq. Each attribute can be replaced or dropped (an empty element).
struct Message {
    Bytes content;
    certs::testing::RawCertificate certificate;
    certs::PrivateKey key;
    certs::Digest digest = certs::Digest::kSha256;

    Bytes content_type = attribute(certs::oid::kContentType, certs::der::oid(certs::oid::kData));
    std::optional<Bytes> message_digest;  ///< absent: the content's
    Bytes signing_time = attribute(certs::oid::kSigningTime, certs::der::time(1'800'000'000));
    Bytes message_type = attribute(certs::oid::kMessageType, certs::der::printable_string("19"));
    Bytes transaction_id =
        attribute(certs::oid::kTransactionId, certs::der::printable_string("transaction-1"));
    Bytes sender_nonce =
        attribute(certs::oid::kSenderNonce, certs::der::octet_string(Bytes(16, 0x77)));
    std::vector<Bytes> more_attributes;

    static Bytes attribute(ByteView type, const Bytes& value) {
        return certs::testing::raw_attribute(type, {value});
    }
    void set_type(std::string_view text) {
        message_type =
            attribute(certs::oid::kMessageType,
                      certs::der::element(certs::DerTag::kPrintableString, as_bytes(text)));
    }

    [[nodiscard]] certs::testing::RawSigner signer() const;
    /// SignedData with this one signer and its certificate; the rest is free to be changed.
    [[nodiscard]] certs::testing::RawSignedData signed_data() const;
    [[nodiscard]] Bytes build() const { return signed_data().build(); }
};
/// The honest message of the device, and one of its parts by another signer.
Message honest_message();
Message message_of(Bytes content, const certs::PrivateKey& signer);

/// What becomes of a message, at an endpoint whose CA issued nothing yet: "400", "badAlg
/// DigestUnsupported" and the like, or "accepted".
std::string outcome_of(ByteView message, const AlgorithmRules& rules = {});
inline std::string outcome_of(const Message& message, const AlgorithmRules& rules = {}) {
    return outcome_of(message.build(), rules);
}
/// The same for an envelope that the device signs.
std::string outcome_of(const Envelope& envelope, const AlgorithmRules& rules = {});

/// What was tolerated in a message that is readable.
Tolerances tolerances_of(ByteView message);

/// What all that fails between the private key and a verified request looks like.
inline constexpr std::string_view kUndecryptable = "badMessageCheck Undecryptable";
/// The same to a GetCert or GetCRL.
inline constexpr std::string_view kUnreadableLookUp = "badCertId Undecryptable";
/// A request whose transactionID and signature are good, and another attribute is not.
inline constexpr std::string_view kFaulty = "badRequest MessageAttributesUnreadable";

}  // namespace scepgate::scep::testing

// A challenge blob's outer form: text, SignedData, and the envelope inside
// (docs/challenge-blob.md). Nothing here uses a key or trusts anything; these are the functions to
// fuzz.
#pragma once

#include "certs/cms_enveloped_data.hpp"
#include "certs/cms_signed_data.hpp"

namespace scepgate::policy {

/// The DER (or BER) in a challenge's base64. Line breaks anywhere and white space around are
/// dropped; the URL-safe alphabet is taken too, then also without padding. Else strict.
[[nodiscard]] Result<Bytes> decode_blob_text(std::string_view text);

/// A SignedData over an envelope, by one signer with a signature that can be checked. Its views lie
/// in `der`.
struct OuterBlob {
    OuterBlob() = default;
    OuterBlob(OuterBlob&&) = default;
    OuterBlob& operator=(OuterBlob&&) = default;
    OuterBlob(const OuterBlob&) = delete;
    OuterBlob& operator=(const OuterBlob&) = delete;
    ~OuterBlob() = default;

    Bytes der;
    certs::CmsSignedData signed_data;
    bool authenticated = false;  ///< AuthEnvelopedData within

    [[nodiscard]] const certs::CmsSignerInfo& signer() const { return signed_data.signers.front(); }
    [[nodiscard]] ByteView content() const { return *signed_data.content; }
};

/// Reads the outer structure; `blob` may be BER. kMalformed: not SignedData, other than one signer,
/// no content, or content that is not enveloped (id-data is an unencrypted blob).
[[nodiscard]] Result<OuterBlob> read_blob(ByteView blob);

/// The envelope within: of one recipient, by key agreement or key transport, under a cipher of
/// ours. Its views lie in `der`.
struct BlobEnvelope {
    BlobEnvelope() = default;
    BlobEnvelope(BlobEnvelope&&) = default;
    BlobEnvelope& operator=(BlobEnvelope&&) = default;
    BlobEnvelope(const BlobEnvelope&) = delete;
    BlobEnvelope& operator=(const BlobEnvelope&) = delete;
    ~BlobEnvelope() = default;

    Bytes der;
    certs::CmsEnvelopedData data;
    certs::ContentEncryption encryption;

    [[nodiscard]] const certs::CertificateReference& recipient() const {
        return data.key_agreement.empty() ? data.key_transport.front().recipient
                                          : data.key_agreement.front().recipient;
    }
};

/// Reads the envelope and judges all that is public in it, before any private key works.
/// kMalformed: structure. kUnsupported: other than one recipient, a content type other than
/// id-data, a cipher other than AES-256-GCM (AuthEnvelopedData), AES-128-CBC and AES-256-CBC
/// (EnvelopedData).
[[nodiscard]] Result<BlobEnvelope> read_envelope(ByteView content, bool authenticated);

/// Whom a reference names, for the operator: "serial 01 by CN=mdm".
[[nodiscard]] std::string describe(const certs::CertificateReference& reference);

}  // namespace scepgate::policy

// The envelope of a challenge blob: encrypting to a recipient, and decrypting with our keys.
#pragma once

#include "policy/blob_format.hpp"
#include "policy/challenge_blob.hpp"

namespace scepgate::policy {

/// AuthEnvelopedData (DER, not wrapped) with AES-256-GCM. To an EC recipient by ephemeral-static
/// ECDH on its curve, to an RSA one by RSAES-OAEP with SHA-256.
[[nodiscard]] Result<Bytes> seal_envelope(ByteView plain, const certs::Certificate& recipient);

/// The content, with the one of `keys` that the envelope names. kNotFound: addressed to somebody
/// else. kUnsupported: an algorithm; decided before any private key works. kDenied, always in the
/// same words: everything that goes wrong from then on.
[[nodiscard]] Result<Secret> open_envelope(const BlobEnvelope& envelope,
                                           const std::vector<BlobDecryptionKey>& keys);

}  // namespace scepgate::policy

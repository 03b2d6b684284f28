// The pkcsPKIEnvelope of a request (RFC 8894 section 3.2.2): which of its recipients is ours, and
// what is inside. Internal to the codec; the callers see open_request().
#pragma once

#include "scep/pki_message.hpp"

namespace scepgate::scep {

/// An envelope whose public fields are all in order. The views lie in what it was read from.
struct Envelope {
    certs::CmsEnvelopedData data;
    certs::ContentEncryption encryption;
    certs::KeyTransport transport;
    ByteView encrypted_key;
    const RecipientKey* recipient = nullptr;  ///< ours, the one that it is encrypted to
};

/// The DER of the EnvelopedData, without the ContentInfo around it if there is one. badRequest for
/// other structures, badAlg for AuthEnvelopedData.
Result<ByteView, Refusal> find_enveloped_data(ByteView der);

/// Checks everything that needs no private key: structure, exactly one recipient of ours, key
/// transport and cipher within `rules`. `der`: strict DER, an EnvelopedData in a ContentInfo or
/// (Java clients) bare.
Result<Envelope, Refusal> read_envelope(ByteView der, std::span<const RecipientKey> recipients,
                                        const AlgorithmRules& rules);

/// badRequest where the ciphertext is longer than that of any content that is taken for `type`: it
/// is not worth the private key. Its length is the sender's, and public.
Result<void, Refusal> check_length(const Envelope& envelope, MessageType type);

/// One private-key operation, then the cipher. When the envelope does not open, the answer is
/// octets that are no message, as many as the ciphertext has. kUnavailable, the one failure: the
/// token that holds the key cannot be reached.
[[nodiscard]] Result<Secret> open_envelope(const Envelope& envelope);

}  // namespace scepgate::scep

// Blobs put together by hand, for what no sound sealer makes.
#pragma once

#include "certs/oids.hpp"
#include "policy/blob_envelope.hpp"
#include "tests/policy/support/requests.hpp"

namespace scepgate::policy::testing {

/// A SignedData over `content`, in base64.
inline std::string sign_content(ByteView content, const BlobSigner& by,
                                ByteView type = certs::oid::kAuthEnvelopedData) {
    certs::SignedDataContents contents;
    contents.content_type = type;
    contents.content = content;
    contents.signing_time = kIssuedAt;
    return to_base64(certs::build_signed_data(contents, by.certificate, by.key).value());
}

/// A blob over any octets where the claims belong.
inline std::string seal_text(std::string_view plain, const std::string& recipient = "recipient-ec",
                             const std::string& signed_by = "signer-ec") {
    const Bytes envelope = seal_envelope(as_bytes(plain), certificate(recipient)).value();
    return sign_content(envelope, signer(signed_by));
}

/// "ok", or the code with which the blob is refused.
inline std::string open_outcome(std::string_view blob, std::int64_t now = kNow,
                                const ChallengeBlobSettings& server = settings()) {
    return outcome(open_blob(server, blob, now));
}

}  // namespace scepgate::policy::testing

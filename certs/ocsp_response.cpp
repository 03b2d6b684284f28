#include "certs/extensions.hpp"
#include "certs/ocsp.hpp"
#include "certs/ocsp_oids.hpp"

namespace scepgate::certs {
namespace {

using der::generalized_time;

Bytes enumerated(std::uint8_t number) {
    return der::element(DerTag::kEnumerated, ByteView(&number, 1));
}

//   CertStatus ::= CHOICE {
//       good        [0]     IMPLICIT NULL,
//       revoked     [1]     IMPLICIT RevokedInfo,
//       unknown     [2]     IMPLICIT UnknownInfo }
//   RevokedInfo ::= SEQUENCE {
//       revocationTime              GeneralizedTime,
//       revocationReason    [0]     EXPLICIT CRLReason OPTIONAL }
Bytes encode_status(const OcspCertificateStatus& status) {
    switch (status.kind) {
        case OcspCertificateStatus::Kind::kGood:
            return der::element(context_primitive(0), {});
        case OcspCertificateStatus::Kind::kUnknown:
            return der::element(context_primitive(2), {});
        case OcspCertificateStatus::Kind::kRevoked:
            break;
    }
    Bytes reason;
    if (status.reason != RevocationReason::kUnspecified) {
        reason = der::element(context_constructed(0),
                              enumerated(static_cast<std::uint8_t>(status.reason)));
    }
    return der::element(context_constructed(1),
                        der::concat({generalized_time(status.revoked_at), reason}));
}

//   ResponseData ::= SEQUENCE {
//      version              [0] EXPLICIT Version DEFAULT v1,
//      responderID              ResponderID,        -- here byKey [2] EXPLICIT KeyHash
//      producedAt               GeneralizedTime,
//      responses                SEQUENCE OF SingleResponse,
//      responseExtensions   [1] EXPLICIT Extensions OPTIONAL }
//   SingleResponse ::= SEQUENCE {
//      certID, certStatus, thisUpdate GeneralizedTime,
//      nextUpdate         [0]       EXPLICIT GeneralizedTime OPTIONAL, ... }
Bytes encode_response_data(const OcspAnswer& answer, const PublicKey& responder) {
    const Bytes this_update = generalized_time(answer.this_update);
    const Bytes next_update =
        der::element(context_constructed(0), generalized_time(answer.next_update));
    Bytes responses;
    for (const auto& each : answer.certificates) {
        const Bytes one =
            der::sequence({each.cert_id, encode_status(each.status), this_update, next_update});
        responses.insert(responses.end(), one.begin(), one.end());
    }
    Bytes extensions;
    if (answer.nonce) {
        extensions = der::element(context_constructed(1),
                                  der::sequence({encode_extension(
                                      oid::kOcspNonce, false, der::octet_string(*answer.nonce))}));
    }
    return der::sequence(
        {der::element(context_constructed(2), der::octet_string(responder.key_identifier())),
         generalized_time(answer.produced_at), der::element(DerTag::kSequence, responses),
         extensions});
}

}  // namespace

//   OCSPResponse ::= SEQUENCE {
//      responseStatus         OCSPResponseStatus,
//      responseBytes          [0] EXPLICIT ResponseBytes OPTIONAL }
Bytes build_ocsp_error(OcspStatus status) {
    return der::sequence({enumerated(static_cast<std::uint8_t>(status))});
}

//   BasicOCSPResponse ::= SEQUENCE {
//      tbsResponseData      ResponseData,
//      signatureAlgorithm   AlgorithmIdentifier,
//      signature            BIT STRING,
//      certs            [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
Result<Bytes> build_ocsp_response(const OcspAnswer& answer, const PrivateKey& signer, Digest digest,
                                  const Certificate& certificate) {
    const SignatureAlgorithm algorithm = signer.signature_algorithm(digest);
    const Bytes data = encode_response_data(answer, signer.public_key());
    const auto signature = signer.sign(digest, data);
    if (!signature) return signature.error();
    if (!signer.public_key().verifies(algorithm, data, *signature)) {
        return Error{Errc::kInternal,
                     "the signature made on an OCSP response does not verify: a fault of the "
                     "machine; the response was thrown away"};
    }
    const Bytes basic =
        der::sequence({data, signature_identifier(algorithm), der::bit_string(*signature),
                       der::element(context_constructed(0), der::sequence({certificate.der()}))});
    const Bytes wrapped = der::sequence({der::oid(oid::kOcspBasic), der::octet_string(basic)});
    return der::sequence({enumerated(static_cast<std::uint8_t>(OcspStatus::kSuccessful)),
                          der::element(context_constructed(0), wrapped)});
}

Result<OcspIssuerHashes> ocsp_issuer_hashes(const Certificate& issuer, Digest digest) {
    DerReader outer(issuer.spki());
    const auto content = outer.read(DerTag::kSequence);
    if (!content) return content.error();
    DerReader fields(*content);
    const auto algorithm = fields.read(DerTag::kSequence);
    if (!algorithm) return algorithm.error();
    const auto bits = fields.read_octet_bits();
    if (!bits) return bits.error();
    return OcspIssuerHashes{digest_of(digest, issuer.subject_der()), digest_of(digest, *bits)};
}

Bytes ocsp_no_check_extension() {
    return encode_extension(oid::kOcspNoCheck, false, der::null());
}

}  // namespace scepgate::certs

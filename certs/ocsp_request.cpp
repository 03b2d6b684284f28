#include "certs/extensions.hpp"
#include "certs/ocsp.hpp"
#include "certs/ocsp_oids.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

constexpr std::size_t kLongestSerial = 32;

//   CertID ::= SEQUENCE {
//       hashAlgorithm       AlgorithmIdentifier,
//       issuerNameHash      OCTET STRING, -- Hash of issuer's DN
//       issuerKeyHash       OCTET STRING, -- Hash of issuer's public key
//       serialNumber        CertificateSerialNumber }
Result<OcspCertId> parse_cert_id(ByteView whole) {
    OcspCertId id;
    id.whole = whole;
    DerReader outer(whole);
    const auto content = outer.read(DerTag::kSequence);
    if (!content) return content.error();
    DerReader fields(*content);
    const auto algorithm = read_algorithm(fields);
    if (!algorithm) return algorithm.error();
    const auto digest = parse_digest(*algorithm);
    if (!digest) return digest.error();
    if (*digest != Digest::kSha1 && *digest != Digest::kSha256) {
        return unsupported("CertID: neither SHA-1 nor SHA-256");
    }
    id.digest = *digest;
    const auto name = fields.read(DerTag::kOctetString);
    if (!name) return name.error();
    const auto key = fields.read(DerTag::kOctetString);
    if (!key) return key.error();
    const std::size_t length = *digest == Digest::kSha1 ? 20 : 32;
    if (name->size() != length || key->size() != length) {
        return malformed("CertID: a hash of another length than its algorithm's");
    }
    id.issuer_name_hash = *name;
    id.issuer_key_hash = *key;
    const auto serial = fields.read(DerTag::kInteger);
    if (!serial) return serial.error();
    // One number has one encoding: what is kept is found by it, and repeated in the answer.
    const bool padded = serial->size() > 1 && (*serial)[0] == 0 && ((*serial)[1] & 0x80) == 0;
    if (serial->empty() || serial->size() > kLongestSerial || ((*serial)[0] & 0x80) != 0 ||
        padded) {
        return malformed("CertID: no serial number");
    }
    id.serial = *serial;
    if (const auto end = fields.finish("CertID"); !end) return end.error();
    return id;
}

/// Only critical ones matter, and none is known.
Result<void> check_single_extensions(ByteView whole) {
    const auto extensions = parse_extensions(whole);
    if (!extensions) return extensions.error();
    for (const Extension& extension : *extensions) {
        if (extension.critical) return unsupported("a critical extension of one Request");
    }
    return {};
}

//   Request ::= SEQUENCE {
//       reqCert                     CertID,
//       singleRequestExtensions     [0] EXPLICIT Extensions OPTIONAL }
Result<OcspCertId> parse_request(ByteView content) {
    DerReader fields(content);
    const auto id = fields.read_whole(DerTag::kSequence);
    if (!id) return id.error();
    const auto extensions = fields.read_optional(context_constructed(0));
    if (!extensions) return extensions.error();
    if (*extensions) {
        if (const auto fine = check_single_extensions(**extensions); !fine) return fine.error();
    }
    if (const auto end = fields.finish("Request"); !end) return end.error();
    return parse_cert_id(*id);
}

//   Nonce ::= OCTET STRING(SIZE(1..128))     -- RFC 9654
Result<ByteView> parse_nonce(ByteView value) {
    DerReader reader(value);
    const auto nonce = reader.read(DerTag::kOctetString);
    if (!nonce) return nonce.error();
    if (const auto end = reader.finish("nonce"); !end) return end.error();
    if (nonce->empty() || nonce->size() > kLongestOcspNonce) {
        return malformed("a nonce of " + std::to_string(nonce->size()) + " octets, not 1 to " +
                         std::to_string(kLongestOcspNonce));
    }
    return *nonce;
}

Result<void> parse_request_extensions(ByteView whole, OcspRequest& request) {
    const auto extensions = parse_extensions(whole);
    if (!extensions) return extensions.error();
    for (const Extension& extension : *extensions) {
        if (equal(extension.oid, oid::kOcspNonce)) {
            const auto nonce = parse_nonce(extension.value);
            if (!nonce) return nonce.error();
            request.nonce = *nonce;
        } else if (extension.critical) {
            return unsupported("critical extension " + oid_to_text(extension.oid));
        }
    }
    return {};
}

//   TBSRequest ::= SEQUENCE {
//       version             [0] EXPLICIT Version DEFAULT v1,
//       requestorName       [1] EXPLICIT GeneralName OPTIONAL,
//       requestList         SEQUENCE OF Request,
//       requestExtensions   [2] EXPLICIT Extensions OPTIONAL }
Result<OcspRequest> parse_tbs(ByteView content) {
    OcspRequest request;
    DerReader fields(content);
    const auto version = fields.read_optional(context_constructed(0));
    if (!version) return version.error();
    if (*version) {
        DerReader number(**version);
        const auto value = number.read_small_integer();
        if (!value || *value != 0 || !number.empty()) return unsupported("not of version 1");
    }
    const auto requestor = fields.read_optional(context_constructed(1));
    if (!requestor) return requestor.error();
    const auto list = fields.read(DerTag::kSequence);
    if (!list) return list.error();
    for (DerReader each(*list); !each.empty();) {
        if (request.certificates.size() == kMostOcspCertificates) {
            return malformed("it asks about more than " + std::to_string(kMostOcspCertificates) +
                             " certificates");
        }
        const auto one = each.read(DerTag::kSequence);
        if (!one) return one.error();
        const auto id = parse_request(*one);
        if (!id) return id.error();
        request.certificates.push_back(*id);
    }
    if (request.certificates.empty()) return malformed("it asks about no certificate");
    const auto extensions = fields.read_optional(context_constructed(2));
    if (!extensions) return extensions.error();
    if (*extensions) {
        const auto read = parse_request_extensions(**extensions, request);
        if (!read) return read.error();
    }
    if (const auto end = fields.finish("TBSRequest"); !end) return end.error();
    return request;
}

}  // namespace

//   OCSPRequest ::= SEQUENCE {
//       tbsRequest                  TBSRequest,
//       optionalSignature   [0]     EXPLICIT Signature OPTIONAL }
Result<OcspRequest> parse_ocsp_request(ByteView der) {
    if (der.size() > kLargestOcspRequest) return malformed("OCSP request: too long");
    DerReader outer(der);
    const auto content = outer.read(DerTag::kSequence);
    if (!content) return content.error();
    if (const auto end = outer.finish("after the OCSP request"); !end) return end.error();
    DerReader fields(*content);
    const auto tbs = fields.read(DerTag::kSequence);
    if (!tbs) return tbs.error();
    const auto signature = fields.read_optional(context_constructed(0));
    if (!signature) return signature.error();
    if (const auto end = fields.finish("OCSPRequest"); !end) return end.error();
    auto request = parse_tbs(*tbs);
    if (!request) return in_context("OCSP request", request.error());
    return request;
}

}  // namespace scepgate::certs

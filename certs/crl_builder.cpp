#include "certs/certificate_builder.hpp"
#include "certs/crl.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

/// RFC 5280 section 5.3.1: left out when it says nothing.
Bytes reason_extension(RevocationReason reason) {
    if (reason == RevocationReason::kUnspecified) return {};
    const std::uint8_t number = static_cast<std::uint8_t>(reason);
    return der::sequence({encode_extension(oid::kReasonCode, false,
                                           der::element(DerTag::kEnumerated, {&number, 1}))});
}

Bytes entries(const std::vector<RevokedCertificate>& revoked) {
    if (revoked.empty()) return {};  // RFC 5280 section 5.1.2.6: absent then
    Bytes all;
    for (const RevokedCertificate& one : revoked) {
        const Bytes entry =
            der::sequence({der::unsigned_integer(one.serial), der::time(one.revoked_at),
                           reason_extension(one.reason)});
        all.insert(all.end(), entry.begin(), entry.end());
    }
    return der::element(DerTag::kSequence, all);
}

}  // namespace

Result<Crl> build_crl(const CrlContents& contents, const PrivateKey& signer, Digest digest) {
    if (contents.number <= 0) return malformed("CRL: its number must be positive");
    const Bytes algorithm = signature_identifier(signer.signature_algorithm(digest));
    const Bytes extensions =
        der::sequence({authority_key_identifier_extension(contents.authority_key_identifier),
                       encode_extension(oid::kCrlNumber, false, der::integer(contents.number))});
    const Bytes tbs = der::sequence({
        der::integer(1),  // v2
        algorithm,
        contents.issuer_der,
        der::time(contents.this_update),
        der::time(contents.next_update),
        entries(contents.revoked),
        der::element(context_constructed(0), extensions),
    });
    const auto signature = signer.sign(digest, tbs);
    if (!signature) return signature.error();
    // Read back, so that nothing put in can shift another field or stand in it twice.
    auto crl = Crl::from_der(der::sequence({tbs, algorithm, der::bit_string(*signature)}));
    if (!crl) return crl.error();
    if (!equal(crl->issuer_der(), contents.issuer_der) ||
        crl->entries().size() != contents.revoked.size()) {
        return malformed("CRL: a field to be put in is not one DER element");
    }
    if (!crl->signed_by(signer.public_key())) {
        return Error{Errc::kInternal,
                     "the signature made on a CRL does not verify: a fault of the machine or of "
                     "the key store; the CRL was thrown away"};
    }
    return crl;
}

}  // namespace scepgate::certs

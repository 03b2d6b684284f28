#include "scep/client_cms.hpp"

#include "certs/oids.hpp"

namespace scepgate::scep {

Result<CmsLayer> read_cms_layer(ByteView octets, const certs::BerLimits& limits) {
    auto der = certs::ber_to_der(octets, limits);
    if (!der) return der.error();
    CmsLayer layer;
    layer.der = std::move(*der);
    auto data = certs::parse_signed_data(layer.der);
    if (!data) return data.error();
    layer.data = std::move(*data);
    return layer;
}

Result<void> check_signed_by(const certs::CmsSignedData& data, const certs::Certificate& expected,
                             const certs::KeyLimits& limits) {
    if (data.signers.size() != 1) {
        return malformed(std::to_string(data.signers.size()) + " signers where one belongs");
    }
    const certs::CmsSignerInfo& signer = data.signers.front();
    if (!equal(data.content_type, certs::oid::kData)) {
        return malformed("eContentType " + certs::oid_to_text(data.content_type) +
                         " where id-data belongs");
    }
    if (!signer.signer.names(expected)) {
        return Error{Errc::kBadSignature, "signed by another certificate than " +
                                              expected.subject_text() + ", serial " +
                                              expected.serial_hex()};
    }
    const auto digest = certs::parse_digest(signer.digest);
    if (!digest) return digest.error();
    const auto algorithm = certs::parse_signature_algorithm(signer.signature_algorithm, *digest);
    if (!algorithm) return algorithm.error();
    const auto key = expected.public_key(limits);
    if (!key) return in_context("the reply's signer", key.error());
    return certs::verify_signer(signer, data.content_type, data.content.value_or(ByteView()),
                                *algorithm, *key);
}

}  // namespace scepgate::scep

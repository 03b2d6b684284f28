// GetNextCACert as a client judges it (RFC 8894 section 4.7).
#include "certs/oids.hpp"
#include "scep/client.hpp"
#include "scep/client_cms.hpp"

namespace scepgate::scep {
namespace {

/// By the CA's own key, or by its RA's, as the older draft allowed.
Result<void> check_signer(const certs::CmsSignedData& data, const CaCertificates& current,
                          const certs::KeyLimits& limits) {
    const bool by_ra =
        data.signers.size() == 1 && data.signers.front().signer.names(current.signing);
    return check_signed_by(data, by_ra ? current.signing : current.ca, limits);
}

}  // namespace

Result<std::vector<certs::Certificate>> parse_next_ca_certificates(ByteView body,
                                                                   const CaCertificates& current,
                                                                   const certs::KeyLimits& limits) {
    const auto outer = read_cms_layer(body);
    if (!outer) return in_context("GetNextCACert", outer.error());
    if (const auto good = check_signer(outer->data, current, limits); !good) {
        return in_context("GetNextCACert", good.error());
    }
    // Only what was signed counts: the outer certificates are not.
    if (!outer->data.content) return malformed("GetNextCACert: no content was signed");
    auto inner = read_cms_layer(*outer->data.content);
    if (!inner) return in_context("GetNextCACert's content", inner.error());

    std::vector<certs::Certificate> next;
    for (certs::Certificate& certificate : inner->data.certificates) {
        const auto ca = certificate.is_ca();
        if (!ca) return in_context(certificate.subject_text(), ca.error());
        if (*ca) next.push_back(std::move(certificate));
    }
    if (next.empty()) return malformed("GetNextCACert: no CA certificate among what was signed");
    return next;
}

}  // namespace scepgate::scep

#include "server/cli/ca_parent.hpp"

#include <algorithm>
#include <array>

#include "ca_backend/pointers.hpp"
#include "certs/ca_oids.hpp"
#include "certs/certificate_builder.hpp"
#include "server/config_ca_urls.hpp"

namespace scepgate::server::cli {
namespace {

namespace oid = certs::oid;

bool is_of_parent(ByteView extension) {
    return equal(extension, oid::kAuthorityKeyIdentifier) ||
           equal(extension, oid::kCrlDistributionPoints) || equal(extension, oid::kFreshestCrl) ||
           equal(extension, oid::kAuthorityInfoAccess);
}

}  // namespace

Result<std::vector<Bytes>> pointers_of(const CaConfig& parent,
                                       const certs::Certificate& certificate) {
    ConfigFaults faults;
    auto names = ca_url_names(parent, certificate);
    const auto expand = [&](const std::vector<std::string>& urls) {
        return expand_ca_urls(urls, names, parent.json_path, faults);
    };
    const auto crl_urls = expand(parent.crl_urls);
    const auto ca_issuers_urls = expand(parent.ca_issuers_urls);
    names.delta = true;
    const auto freshest = expand(parent.freshest_crl_urls);
    if (faults.has_errors()) {
        return Error{Errc::kConfig, "a URL of " + parent.json_path +
                                        " cannot be used: scepgate config check says which"};
    }
    std::vector<Bytes> extensions;
    for (Bytes& each :
         std::array{ca_backend::crl_distribution_points(oid::kCrlDistributionPoints, crl_urls),
                    ca_backend::crl_distribution_points(oid::kFreshestCrl, freshest),
                    ca_backend::authority_info_access({}, ca_issuers_urls)}) {
        if (!each.empty()) extensions.push_back(std::move(each));
    }
    return extensions;
}

Result<certs::Certificate> renewed_by(const Party& parent, const CaConfig& config,
                                      const certs::Certificate& old, std::int64_t not_before,
                                      std::int64_t not_after) {
    const certs::Certificate& above = parent.certificate;
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.issuer_der = to_bytes(above.subject_der());
    contents.subject_der = to_bytes(old.subject_der());
    contents.not_before = std::max(not_before, above.not_before());
    contents.not_after = std::min(not_after, above.not_after());
    contents.spki = to_bytes(old.spki());
    for (const auto& extension : old.extensions()) {
        if (is_of_parent(extension.oid)) continue;
        contents.extensions.push_back(
            certs::encode_extension(extension.oid, extension.critical, extension.value));
    }
    const auto identifier = key_identifier_of(above);
    if (!identifier) return identifier.error();
    contents.extensions.push_back(certs::authority_key_identifier_extension(*identifier));
    auto pointers = pointers_of(config, above);
    if (!pointers) return pointers.error();
    for (Bytes& each : *pointers)
        contents.extensions.push_back(std::move(each));
    return certs::build_certificate(contents, parent.key,
                                    certs::digest_for(parent.key.public_key()));
}

Result<std::optional<FoundParent>> find_parent(const CaSetup& setup,
                                               const certs::Certificate& child) {
    for (const auto& [name, ca] : setup.config.cas) {
        const auto certificate = certs::Certificate::from_file(ca.certificate);
        if (ca.signer || !certificate || !equal(certificate->subject_der(), child.issuer_der())) {
            continue;
        }
        const auto key = certificate->public_key();
        if (!key || !child.signed_by(*key)) continue;
        auto party = setup.load(ca);
        if (!party) return in_context("CA \"" + name + "\"", party.error());
        return std::optional(FoundParent{&ca, *std::move(party)});
    }
    return std::optional<FoundParent>();
}

}  // namespace scepgate::server::cli

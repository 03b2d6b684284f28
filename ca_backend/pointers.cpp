#include "ca_backend/pointers.hpp"

#include "certs/der.hpp"
#include "certs/distribution_points.hpp"
#include "certs/extensions.hpp"
#include "certs/general_name.hpp"
#include "certs/oids.hpp"

namespace scepgate::ca_backend {
namespace {

namespace der = certs::der;

/// uniformResourceIdentifier [6] IA5String
Bytes uri(const std::string& url) {
    return der::element(certs::context_primitive(6), as_bytes(url));
}

}  // namespace

Result<void> check_urls(const std::vector<std::string>& urls) {
    for (const std::string& url : urls) {
        const auto name = certs::GeneralName::make(certs::GeneralNameType::kUri, url);
        if (!name) return Error{Errc::kConfig, name.error().detail};
    }
    return {};
}

Bytes crl_distribution_points(ByteView oid, const std::vector<std::string>& urls) {
    if (urls.empty()) return {};
    return certs::encode_extension(oid, false, certs::encode_distribution_points(urls));
}

//   AuthorityInfoAccessSyntax ::= SEQUENCE SIZE (1..MAX) OF AccessDescription
//   AccessDescription ::= SEQUENCE { accessMethod OBJECT IDENTIFIER, accessLocation GeneralName }
Bytes authority_info_access(const std::vector<std::string>& ocsp_urls,
                            const std::vector<std::string>& ca_issuers_urls) {
    Bytes content;
    const auto append = [&content](ByteView method, const std::vector<std::string>& urls) {
        for (const std::string& url : urls) {
            const Bytes description = der::sequence({der::oid(method), uri(url)});
            content.insert(content.end(), description.begin(), description.end());
        }
    };
    append(certs::oid::kAdOcsp, ocsp_urls);
    append(certs::oid::kAdCaIssuers, ca_issuers_urls);
    if (content.empty()) return {};
    return certs::encode_extension(certs::oid::kAuthorityInfoAccess, false,
                                   der::element(certs::DerTag::kSequence, content));
}

}  // namespace scepgate::ca_backend

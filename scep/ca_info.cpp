#include "scep/ca_info.hpp"

#include "certs/oids.hpp"

namespace scepgate::scep {

// RFC 8894 section 3.5.2. "SHA-384" is not in its list, but one client takes AES only where it
// stands.
StaticReply ca_capabilities(const Capabilities& capabilities) {
    std::string text = "AES\n";
    if (capabilities.algorithms.des3) text += "DES3\n";
    if (capabilities.algorithms.sha1) text += "SHA-1\n";
    text += "SHA-256\nSHA-384\nSHA-512\nPOSTPKIOperation\n";
    if (capabilities.renewal) text += "Renewal\n";
    text += "SCEPStandard\n";
    if (capabilities.next_ca) text += "GetNextCACert\n";
    return {"text/plain", to_bytes(as_bytes(text))};
}

StaticReply ca_certificate(const certs::Certificate& ca) {
    return {"application/x-x509-ca-cert", to_bytes(ca.der())};
}

StaticReply ra_certificates(const std::vector<certs::Certificate>& bundle) {
    std::vector<certs::Certificate> distinct;
    for (const certs::Certificate& certificate : bundle) {
        if (std::find(distinct.begin(), distinct.end(), certificate) == distinct.end()) {
            distinct.push_back(certificate);
        }
    }
    return {"application/x-x509-ca-ra-cert", certs::build_certificates_only(distinct)};
}

Result<StaticReply> next_ca_certificates(const std::vector<certs::Certificate>& next,
                                         const ReplySigner& current, std::int64_t now) {
    const Bytes content = certs::build_certificates_only(next);
    certs::SignedDataContents contents;
    contents.content_type = certs::oid::kData;
    contents.content = content;
    contents.signing_time = now;
    contents.certificates = {current.certificate};
    contents.certificates.insert(contents.certificates.end(), next.begin(), next.end());
    auto body = certs::build_signed_data(contents, current.certificate, current.key);
    if (!body) return body.error();
    return StaticReply{"application/x-x509-next-ca-cert", std::move(*body)};
}

}  // namespace scepgate::scep

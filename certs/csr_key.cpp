#include "certs/csr_key.hpp"

#include "certs/signed_structure.hpp"

namespace scepgate::certs {

//   CertificationRequestInfo ::= SEQUENCE {
//        version       INTEGER,
//        subject       Name,
//        subjectPKInfo SubjectPublicKeyInfo,
//        … }
Result<ByteView> key_info_of_csr(ByteView der) {
    const auto parts = read_signed_structure(der, "request");
    if (!parts) return parts.error();
    DerReader fields(parts->content);
    if (const auto version = fields.read(DerTag::kInteger); !version) {
        return in_context("version", version.error());
    }
    if (const auto subject = fields.read(DerTag::kSequence); !subject) {
        return in_context("subject", subject.error());
    }
    const auto spki = fields.read_whole(DerTag::kSequence);
    if (!spki) return in_context("public key", spki.error());
    return *spki;
}

}  // namespace scepgate::certs

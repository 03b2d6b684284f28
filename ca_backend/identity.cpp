// Whom a certificate is for, however its names are spelled.
#include <set>

#include "ca_backend/certificate_record.hpp"
#include "certs/general_name.hpp"
#include "certs/name.hpp"
#include "certs/oids.hpp"

namespace scepgate::ca_backend {
namespace {

/// What a hash of octets cannot begin with: there it is the length of an issuer's name.
constexpr std::uint8_t kFoldedNames = 0xFF;

/// With the length in front, no part can pass for the end of another.
void append_part(Bytes& out, ByteView part) {
    for (int shift = 56; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(std::uint64_t{part.size()} >> shift));
    out.insert(out.end(), part.begin(), part.end());
}

/// Type and folded value of each, in order, once.
using Folded = std::set<std::pair<Bytes, std::string>>;

void append_names(Bytes& out, const Folded& names) {
    Bytes list;
    for (const auto& [type, value] : names) {
        append_part(list, type);
        append_part(list, as_bytes(value));
    }
    append_part(out, list);
}

/// Of what cannot be read the octets count; no name has an empty type.
Folded unread(ByteView der) {
    return {{Bytes(), std::string(der.begin(), der.end())}};
}

Folded folded_subject(ByteView der) {
    const auto subject = certs::Name::from_der(der);
    if (!subject) return unread(der);
    Folded folded;
    for (const certs::Rdn& rdn : subject->rdns()) {
        for (const certs::NameAttribute& attribute : rdn)
            folded.emplace(attribute.type, certs::folded_value(attribute.value));
    }
    return folded;
}

/// Case counts in none of them, though in some it could: names that differ in it alone are not two
/// devices'.
Folded folded_alternative_names(ByteView der) {
    if (der.empty()) return {};
    const auto names = certs::parse_general_names(der);
    if (!names) return unread(der);
    Folded folded;
    for (const certs::GeneralName& name : *names)
        folded.emplace(to_bytes(as_bytes(to_text(name.type))), certs::folded_value(name.value));
    return folded;
}

}  // namespace

Identity identity_of(ByteView issuer_der, const certs::Certificate& certificate,
                     std::string_view template_name) {
    const certs::Extension* extension =
        certs::find_extension(certificate.extensions(), certs::oid::kSubjectAltName);
    const ByteView names = extension == nullptr ? ByteView() : ByteView(extension->value);

    Bytes octets;
    append_part(octets, issuer_der);
    append_part(octets, certificate.subject_der());
    append_part(octets, as_bytes(template_name));
    append_part(octets, names);

    Bytes folded{kFoldedNames};
    append_part(folded, issuer_der);
    append_names(folded, folded_subject(certificate.subject_der()));
    append_part(folded, as_bytes(template_name));
    append_names(folded, folded_alternative_names(names));
    return {sha256(folded), sha256(octets)};
}

Identity identity_of(const certs::Certificate& certificate, std::string_view template_name) {
    return identity_of(certificate.issuer_der(), certificate, template_name);
}

}  // namespace scepgate::ca_backend

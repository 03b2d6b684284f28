#include "ca_backend/name_beside_ca.hpp"

#include <algorithm>

#include "ca_backend/name_constraints.hpp"
#include "certs/extensions.hpp"
#include "certs/oids.hpp"

namespace scepgate::ca_backend {
namespace {

bool has_common_name(const certs::Rdn& rdn) {
    return std::any_of(rdn.begin(), rdn.end(), [](const certs::NameAttribute& attribute) {
        return equal(attribute.type, certs::oid::kCommonName);
    });
}

/// In the place of the first commonName, or at the end; all others stay as they are encoded.
Result<certs::Name> with_common_name(ByteView name_der, std::string_view common_name, bool at_end) {
    const auto name = certs::Name::from_der(name_der);
    if (!name) return name.error();
    const auto own = certs::Name::from_text("CN=" + certs::escape_name_value(common_name));
    if (!own) return own.error();
    certs::DerReader own_rdns(own->der());
    const auto own_rdn = own_rdns.read(certs::DerTag::kSequence);
    certs::DerReader outer(name_der);
    const auto content = outer.read(certs::DerTag::kSequence);
    if (!own_rdn || !content) return own_rdn ? content.error() : own_rdn.error();
    Bytes all;
    const auto add = [&all](ByteView rdn) { all.insert(all.end(), rdn.begin(), rdn.end()); };
    bool placed = false;
    certs::DerReader rdns(*content);
    for (const certs::Rdn& rdn : name->rdns()) {
        const auto whole = rdns.read_whole(certs::DerTag::kSet);
        if (!whole) return whole.error();
        if (!has_common_name(rdn)) {
            add(*whole);
        } else if (!placed && !at_end) {
            add(*own_rdn);
            placed = true;
        }
    }
    if (!placed) add(*own_rdn);
    return certs::Name::from_der(certs::der::element(certs::DerTag::kSequence, all));
}

Error not_permitted(const std::string& name, const Error& why) {
    return {why.code, "the name '" + name + "': " + why.detail};
}

}  // namespace

Result<certs::Name> name_beside_ca(const std::vector<certs::Certificate>& chain,
                                   std::string_view common_name, const certs::PublicKey& key) {
    const auto constraints = NameConstraints::of_chain(chain);
    if (!constraints) return constraints.error();
    Result<certs::Name> outcome = Error{Errc::kInternal, "no name was tried"};
    // Constraints are on how a name begins (RFC 5280 section 7.1), and a CA's own may begin with
    // its commonName.
    for (const bool at_end : {false, true}) {
        auto name = with_common_name(chain.front().subject_der(), common_name, at_end);
        if (!name) return name;
        // The CA's own name may be older than that.
        name = certs::in_legal_form(*std::move(name));
        auto sound = name->check_upper_bounds();
        if (sound) sound = constraints->permit(name->der(), {}, key);
        if (sound) return name;
        if (!at_end) outcome = not_permitted(name->text(), sound.error());
    }
    return outcome;
}

Result<void> permits_names_of(const std::vector<certs::Certificate>& chain,
                              const certs::Certificate& certificate) {
    const auto constraints = NameConstraints::of_chain(chain);
    if (!constraints) return constraints.error();
    const auto key = certificate.public_key();
    if (!key) return key.error();
    certs::GeneralNames alt_names;
    const auto* extension =
        certs::find_extension(certificate.extensions(), certs::oid::kSubjectAltName);
    if (extension != nullptr) {
        auto names = certs::parse_general_names(extension->value);
        if (!names) return names.error();
        alt_names = *std::move(names);
    }
    const auto permitted = constraints->permit(certificate.subject_der(), alt_names, *key);
    if (!permitted) return not_permitted(certificate.subject_text(), permitted.error());
    return {};
}

}  // namespace scepgate::ca_backend

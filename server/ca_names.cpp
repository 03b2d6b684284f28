#include "server/ca_names.hpp"

#include <algorithm>

namespace scepgate::server {
namespace {

using certs::DerTag;
using certs::Name;
using certs::NameAttribute;

std::string type_text(DerTag encoding) {
    switch (encoding) {
        case DerTag::kUtf8String:
            return "UTF8String";
        case DerTag::kPrintableString:
            return "PrintableString";
        case DerTag::kT61String:
            return "T61String";
        case DerTag::kIa5String:
            return "IA5String";
        case DerTag::kBmpString:
            return "BMPString";
        case DerTag::kUniversalString:
            return "UniversalString";
        case DerTag::kNumericString:
            return "NumericString";
        default:
            return "another type";
    }
}

std::string difference(const NameAttribute& now, const NameAttribute& before) {
    if (now.value != before.value) return "'" + now.value + "', and was '" + before.value + "'";
    return "'" + now.value + "' is a " + type_text(now.encoding) + ", and was a " +
           type_text(before.encoding);
}

struct NamedCa {
    const CaConfig* config;
    certs::Certificate certificate;
};

/// What cannot be loaded is told of elsewhere.
std::vector<NamedCa> load(const Config& config) {
    std::vector<NamedCa> cas;
    for (const auto& [name, ca] : config.cas) {
        if (auto certificate = certs::Certificate::from_file(ca.certificate))
            cas.push_back({&ca, *std::move(certificate)});
    }
    return cas;
}

/// Of the CA's name or key, and not of its name as it is encoded.
bool is_of_former(const certs::Certificate& issued, const certs::Certificate& ca,
                  const std::vector<NamedCa>& all) {
    if (equal(issued.issuer_der(), ca.subject_der())) return false;
    if (certs::same_name(issued.issuer_der(), ca.subject_der())) return true;
    const bool of_another = std::any_of(all.begin(), all.end(), [&](const NamedCa& other) {
        return equal(issued.issuer_der(), other.certificate.subject_der());
    });
    const auto key = ca.public_key();
    return !of_another && key && issued.signed_by(*key);
}

}  // namespace

std::string name_difference(ByteView name, ByteView before) {
    const auto now = Name::from_der(name);
    const auto then = Name::from_der(before);
    if (!now || !then) return "it cannot be read";
    if (certs::matches(*now, *then)) {
        // The same attributes in the same order, but for those of one RDN.
        for (std::size_t i = 0; i < now->rdns().size(); ++i) {
            const auto& rdn = now->rdns()[i];
            const auto& old = then->rdns()[i];
            for (std::size_t j = 0; j < rdn.size(); ++j) {
                if (rdn[j].type == old[j].type &&
                    (rdn[j].value != old[j].value || rdn[j].encoding != old[j].encoding))
                    return difference(rdn[j], old[j]);
            }
        }
    }
    return "'" + now->text() + "', and was '" + then->text() + "'";
}

void judge_ca_names(const Config& config, ConfigFaults& faults) {
    const auto cas = load(config);
    for (std::size_t i = 0; i < cas.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            const auto& [one, certificate] = cas[i];
            const auto& [other, others] = cas[j];
            if (!certs::same_name(certificate.subject_der(), others.subject_der())) continue;
            const bool same = equal(certificate.spki(), others.spki()) &&
                              equal(certificate.subject_der(), others.subject_der());
            if (same) continue;  // two certificates of one CA
            faults.error(one->json_path + ".certificate",
                         "the CA has the name of " + other->json_path + ", '" +
                             others.subject_text() +
                             "': they would share serial numbers, revocations and CRLs, which "
                             "belong to a name",
                         "give each CA a name of its own");
        }
    }
}

std::vector<std::string> names_of_cas(const Config& config) {
    std::vector<std::string> names;
    for (const auto& named : config.cas)
        names.push_back(named.first);
    return names;
}

void judge_cas_by_store(const Config& config, const std::vector<certs::Certificate>& known,
                        ConfigFaults& faults) {
    const auto cas = load(config);
    for (const NamedCa& ca : cas) {
        const auto found = std::find_if(known.begin(), known.end(), [&](const auto& issued) {
            return is_of_former(issued, ca.certificate, cas);
        });
        if (found == known.end()) continue;
        faults.error(ca.config->json_path + ".certificate",
                     "the CA's name is not, octet by octet, the one that it has issued "
                     "certificates under: it is " +
                         name_difference(ca.certificate.subject_der(), found->issuer_der()) +
                         "; CRL and OCSP would know of nothing that was revoked",
                     "put the certificate of before back, and have the CA above certify the name "
                     "as it was, as the request of 'scepgate ca csr' has it (docs/ca.md, Renewal)");
    }
}

}  // namespace scepgate::server

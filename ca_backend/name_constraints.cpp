#include "ca_backend/name_constraints.hpp"

#include "certs/certificate_builder.hpp"

namespace scepgate::ca_backend {
namespace {

namespace der = certs::der;
using certs::X509Ptr;

X509Ptr to_x509(ByteView encoded) {
    const unsigned char* at = encoded.data();
    return X509Ptr(d2i_X509(nullptr, &at, static_cast<long>(encoded.size())));
}

/// The library judges certificates, not names: one with these names and no real signature.
Bytes certificate_with(ByteView subject_der, const certs::GeneralNames& alt_names,
                       const certs::PublicKey& key) {
    const Bytes algorithm =
        certs::signature_identifier({certs::KeyType::kRsa, certs::Digest::kSha256});
    Bytes extensions;
    if (!alt_names.empty()) {
        extensions =
            der::element(certs::context_constructed(3),
                         der::sequence({certs::subject_alt_name_extension(alt_names, false)}));
    }
    const Bytes tbs = der::sequence({
        der::element(certs::context_constructed(0), der::integer(2)),
        der::integer(1),
        algorithm,
        der::sequence({}),
        der::sequence({der::time(0), der::time(0)}),
        subject_der,
        key.spki(),
        extensions,
    });
    return der::sequence({tbs, algorithm, der::bit_string({})});
}

}  // namespace

Result<NameConstraints> NameConstraints::of_chain(const std::vector<certs::Certificate>& chain) {
    NameConstraints all;
    for (const certs::Certificate& ca : chain) {
        const X509Ptr x509 = to_x509(ca.der());
        if (!x509) return certs::take_ossl_error("reading the CA certificate " + ca.subject_text());
        int critical = 0;
        auto* const found = static_cast<NAME_CONSTRAINTS*>(
            X509_get_ext_d2i(x509.get(), NID_name_constraints, &critical, nullptr));
        const std::shared_ptr<NAME_CONSTRAINTS> owned(found, NAME_CONSTRAINTS_free);
        constexpr int kAbsent = -1;
        if (found != nullptr) {
            all.constraints_.push_back(owned);
        } else if (critical != kAbsent) {
            return Error{Errc::kConfig, "CA certificate " + ca.subject_text() +
                                            ": its name constraints cannot be read"};
        }
    }
    return all;
}

Result<void> NameConstraints::permit(ByteView subject_der, const certs::GeneralNames& alt_names,
                                     const certs::PublicKey& key) const {
    if (empty()) return {};
    const X509Ptr x509 = to_x509(certificate_with(subject_der, alt_names, key));
    // Reads the extensions, which the checks below rely on.
    if (!x509 || X509_check_purpose(x509.get(), -1, 0) != 1) {
        return certs::take_ossl_error("reading the names for the check of name constraints");
    }
    // Verifiers take a commonName for a host name when there is no dNSName.
    const bool judge_common_name = std::none_of(
        alt_names.begin(), alt_names.end(),
        [](const certs::GeneralName& name) { return name.type == certs::GeneralNameType::kDns; });
    for (const auto& constraints : constraints_) {
        int verdict = NAME_CONSTRAINTS_check(x509.get(), constraints.get());
        if (verdict == X509_V_OK && judge_common_name) {
            verdict = NAME_CONSTRAINTS_check_CN(x509.get(), constraints.get());
        }
        if (verdict != X509_V_OK) {
            return Error{Errc::kDenied, std::string("the CA's name constraints: ") +
                                            X509_verify_cert_error_string(verdict)};
        }
    }
    return {};
}

}  // namespace scepgate::ca_backend

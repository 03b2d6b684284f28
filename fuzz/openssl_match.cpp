#include "fuzz/openssl_match.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <set>

#include <openssl/x509v3.h>

#include "certs/ossl.hpp"
#include "fuzz/fuzz.hpp"

namespace scepgate::fuzz {
namespace {

using certs::Deleter;
using certs::GeneralNameType;

void free_extensions(STACK_OF(X509_EXTENSION) * extensions) {
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

using X509ReqPtr = std::unique_ptr<X509_REQ, Deleter<X509_REQ_free>>;
using X509NamePtr = std::unique_ptr<X509_NAME, Deleter<X509_NAME_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;
using ExtensionsPtr = std::unique_ptr<STACK_OF(X509_EXTENSION), Deleter<free_extensions>>;
using BitsPtr = std::unique_ptr<ASN1_BIT_STRING, Deleter<ASN1_BIT_STRING_free>>;
using UsagesPtr = std::unique_ptr<EXTENDED_KEY_USAGE, Deleter<EXTENDED_KEY_USAGE_free>>;
using Texts = std::multiset<std::string>;

template <class Pointer>
Pointer extension(const ExtensionsPtr& extensions, int nid) {
    using Value = typename Pointer::element_type;
    return Pointer(static_cast<Value*>(X509V3_get_d2i(extensions.get(), nid, nullptr, nullptr)));
}

std::string text_of(const ASN1_STRING* string) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
            static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

/// The domain without case, the rest as it is.
std::string canonical_email(const std::string& text) {
    const std::size_t at = text.rfind('@');
    return at == std::string::npos ? text : text.substr(0, at) + lower(text.substr(at));
}

std::string canonical(const GENERAL_NAME& name) {
    switch (name.type) {
        case GEN_DNS:
            return "dns:" + lower(text_of(name.d.dNSName));
        case GEN_EMAIL:
            return "email:" + canonical_email(text_of(name.d.rfc822Name));
        case GEN_URI:
            return "uri:" + text_of(name.d.uniformResourceIdentifier);
        case GEN_IPADD:
            return "ip:" + text_of(name.d.iPAddress);
        default:
            return "upn:" + text_of(name.d.otherName->value->value.asn1_string);
    }
}

std::string canonical(const certs::GeneralName& name) {
    switch (name.type) {
        case GeneralNameType::kDns:
            return "dns:" + lower(name.value);
        case GeneralNameType::kEmail:
            return "email:" + canonical_email(name.value);
        case GeneralNameType::kUri:
            return "uri:" + name.value;
        case GeneralNameType::kIp: {
            const bool six = name.value.find(':') != std::string::npos;
            std::string octets(six ? 16 : 4, '\0');
            FUZZ_REQUIRE(inet_pton(six ? AF_INET6 : AF_INET, name.value.c_str(), octets.data()) ==
                         1);
            return "ip:" + octets;
        }
        case GeneralNameType::kUpn:
            return "upn:" + name.value;
    }
    return {};
}

bool same_names(const certs::GeneralNames& claimed, const GeneralNamesPtr& found) {
    Texts left;
    Texts right;
    for (const auto& name : claimed)
        left.insert(canonical(name));
    for (int i = 0; found && i < sk_GENERAL_NAME_num(found.get()); ++i)
        right.insert(canonical(*sk_GENERAL_NAME_value(found.get(), i)));
    return left == right;
}

bool same_usage(const policy::ChallengeClaims& claims, const BitsPtr& found) {
    if (!claims.key_usage) return !found || claims.template_name || claims.purpose;
    if (!found) return false;
    for (int bit = 0; bit < 9; ++bit) {
        const bool claimed = claims.key_usage->has(static_cast<certs::KeyUsageBit>(bit));
        if (claimed != (ASN1_BIT_STRING_get_bit(found.get(), bit) == 1)) return false;
    }
    return true;
}

bool same_usages(const std::optional<certs::ExtendedKeyUsage>& claimed, const UsagesPtr& found) {
    if (!claimed) return true;
    if (!found) return false;
    const std::set<Bytes> left(claimed->begin(), claimed->end());
    std::set<Bytes> right;
    for (int i = 0; i < sk_ASN1_OBJECT_num(found.get()); ++i) {
        const ASN1_OBJECT* usage = sk_ASN1_OBJECT_value(found.get(), i);
        right.insert(to_bytes({OBJ_get0_data(usage), OBJ_length(usage)}));
    }
    return left == right;
}

std::optional<bool> same_subject(const certs::Name& claimed, X509_REQ* request) {
    const unsigned char* at = claimed.der().data();
    const X509NamePtr left(d2i_X509_NAME(nullptr, &at, static_cast<long>(claimed.der().size())));
    const X509_NAME* right = X509_REQ_get_subject_name(request);
    FUZZ_REQUIRE(left);
    for (const X509_NAME* name : {static_cast<const X509_NAME*>(left.get()), right}) {
        for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
            const auto* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i));
            if (ASN1_STRING_type(value) == V_ASN1_NUMERICSTRING) return std::nullopt;
        }
    }
    return X509_NAME_cmp(left.get(), right) == 0;
}

}  // namespace

std::optional<Matches> openssl_matches(const policy::ChallengeClaims& claims,
                                       const certs::Csr& csr) {
    const unsigned char* at = csr.der().data();
    const X509ReqPtr request(d2i_X509_REQ(nullptr, &at, static_cast<long>(csr.der().size())));
    FUZZ_REQUIRE(request);
    const ExtensionsPtr extensions(X509_REQ_get_extensions(request.get()));
    const auto& requested = csr.requested();
    const bool any =
        requested.key_usage || requested.extended_key_usage || !requested.subject_alt_name.empty();
    if (any && (!extensions || sk_X509_EXTENSION_num(extensions.get()) <= 0)) return std::nullopt;
    Matches matches;
    matches.subject = same_subject(claims.subject, request.get());
    matches.alternative_names = same_names(
        claims.subject_alt_name, extension<GeneralNamesPtr>(extensions, NID_subject_alt_name));
    matches.key_usage = same_usage(claims, extension<BitsPtr>(extensions, NID_key_usage));
    matches.extended_key_usage =
        same_usages(claims.extended_key_usage, extension<UsagesPtr>(extensions, NID_ext_key_usage));
    return matches;
}

}  // namespace scepgate::fuzz

// A Name that is accepted is kept as sent, is the same to OpenSSL, has a text that reads back to a
// matching name if a certificate can hold it, and matches itself and its legal form. Matching is
// symmetric, forwards and in reverse, and names that match have the same folded values.
// Input: one DER Name, two of them in a row, or else the text of one.
#include <set>

#include <openssl/x509.h>

#include "certs/name.hpp"
#include "certs/oids.hpp"
#include "certs/ossl.hpp"
#include "fuzz/fuzz.hpp"

namespace scepgate::fuzz {
namespace {

using namespace certs;
using X509NamePtr = std::unique_ptr<X509_NAME, Deleter<X509_NAME_free>>;

/// An OID so long that texts show only its beginning.
bool has_endless_type(const Name& name) {
    const auto endless = [](const NameAttribute& attribute) {
        return oid_to_text(attribute.type).ends_with("...");
    };
    return std::any_of(name.rdns().begin(), name.rdns().end(), [&](const Rdn& rdn) {
        return std::any_of(rdn.begin(), rdn.end(), endless);
    });
}

void require_sound(const Name& name) {
    FUZZ_REQUIRE(matches(name, name));
    FUZZ_REQUIRE(!matches_reversed(name, name));
    (void)name.check_upper_bounds();
    const bool legal = bool(name.check_legal_form());
    const Name mended = in_legal_form(name);
    FUZZ_REQUIRE(matches(name, mended) && bool(mended.check_legal_form()) == legal);
    FUZZ_REQUIRE(in_legal_form(mended).der() == mended.der());

    if (has_endless_type(name)) return;
    const std::string text = name.text();
    const auto again = Name::from_text(text);
    FUZZ_REQUIRE(bool(again) == legal);
    if (!again) return;
    FUZZ_REQUIRE(in_legal_form(*again).der() == again->der());
    FUZZ_REQUIRE(matches(name, *again) && matches(*again, name));
    // A set that was not sent in DER's order comes back in it.
    const auto settled = Name::from_text(again->text());
    FUZZ_REQUIRE(settled && settled->text() == again->text());
    const bool sets = std::any_of(name.rdns().begin(), name.rdns().end(),
                                  [](const Rdn& rdn) { return rdn.size() > 1; });
    FUZZ_REQUIRE(sets || (again->text() == text && again->common_name() == name.common_name()));
}

/// What tells certificates apart under renewal.newest_only (ca_backend's identity_of()).
std::multiset<std::string> folded_values(const Name& name) {
    std::multiset<std::string> values;
    for (const Rdn& rdn : name.rdns()) {
        for (const NameAttribute& attribute : rdn)
            values.insert(folded_value(attribute.value));
    }
    return values;
}

void require_as_openssl_reads(const Name& name) {
    const unsigned char* at = name.der().data();
    const X509NamePtr theirs(d2i_X509_NAME(nullptr, &at, static_cast<long>(name.der().size())));
    FUZZ_REQUIRE(theirs);
    FUZZ_REQUIRE(at == name.der().data() + name.der().size());
    int entry = 0;
    for (std::size_t rdn = 0; rdn < name.rdns().size(); ++rdn) {
        for (const NameAttribute& attribute : name.rdns()[rdn]) {
            const X509_NAME_ENTRY* other = X509_NAME_get_entry(theirs.get(), entry++);
            FUZZ_REQUIRE(other != nullptr);
            FUZZ_REQUIRE(static_cast<std::size_t>(X509_NAME_ENTRY_set(other)) == rdn);
            const ASN1_OBJECT* type = X509_NAME_ENTRY_get_object(other);
            FUZZ_REQUIRE(equal(attribute.type, {OBJ_get0_data(type), OBJ_length(type)}));
            unsigned char* utf8 = nullptr;
            const int length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(other));
            FUZZ_REQUIRE(length >= 0);
            const std::string value(reinterpret_cast<char*>(utf8),
                                    static_cast<std::size_t>(length));
            OPENSSL_free(utf8);
            FUZZ_REQUIRE(value == attribute.value);
        }
    }
    FUZZ_REQUIRE(entry == X509_NAME_entry_count(theirs.get()));
}

}  // namespace

void run(ByteView input) {
    DerReader reader(input);
    const auto first_der = reader.read_whole(DerTag::kSequence);
    if (!first_der) {
        const auto name = Name::from_text(as_text(input));
        if (!name) return;
        const auto again = Name::from_der(name->der());
        FUZZ_REQUIRE(again && matches(*name, *again));
        require_sound(*name);
        require_as_openssl_reads(*name);
        return;
    }
    const auto first = Name::from_der(*first_der);
    if (!first) return;
    FUZZ_REQUIRE(equal(first->der(), *first_der));
    require_sound(*first);
    require_as_openssl_reads(*first);

    const auto second = Name::from_der(reader.rest());
    if (!second) return;
    FUZZ_REQUIRE(matches(*first, *second) == matches(*second, *first));
    FUZZ_REQUIRE(matches_reversed(*first, *second) == matches_reversed(*second, *first));
    FUZZ_REQUIRE(!(matches(*first, *second) && matches_reversed(*first, *second)));
    FUZZ_REQUIRE(!matches(*first, *second) || folded_values(*first) == folded_values(*second));
}

}  // namespace scepgate::fuzz

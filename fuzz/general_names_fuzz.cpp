// General names that are accepted are canonical (checking them again changes nothing), come out of
// the encoder as they went in, are as many and the same kinds to OpenSSL, and two lists differ the
// same way from either side.
// Input: one or two DER GeneralNames.
#include <openssl/x509v3.h>

#include "certs/der.hpp"
#include "certs/general_name.hpp"
#include "certs/ossl.hpp"
#include "fuzz/fuzz.hpp"

namespace scepgate::fuzz {
namespace {

using namespace certs;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;

int openssl_type(GeneralNameType type) {
    switch (type) {
        case GeneralNameType::kDns:
            return GEN_DNS;
        case GeneralNameType::kEmail:
            return GEN_EMAIL;
        case GeneralNameType::kUri:
            return GEN_URI;
        case GeneralNameType::kIp:
            return GEN_IPADD;
        case GeneralNameType::kUpn:
            return GEN_OTHERNAME;
    }
    return -1;
}

void require_as_openssl_reads(ByteView der, const GeneralNames& names) {
    const unsigned char* at = der.data();
    const GeneralNamesPtr theirs(d2i_GENERAL_NAMES(nullptr, &at, static_cast<long>(der.size())));
    FUZZ_REQUIRE(theirs);
    FUZZ_REQUIRE(at == der.data() + der.size());
    FUZZ_REQUIRE(static_cast<std::size_t>(sk_GENERAL_NAME_num(theirs.get())) == names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        const GENERAL_NAME* other = sk_GENERAL_NAME_value(theirs.get(), static_cast<int>(i));
        FUZZ_REQUIRE(other->type == openssl_type(names[i].type));
    }
}

void require_sound(ByteView der, const GeneralNames& names) {
    FUZZ_REQUIRE(!names.empty() && names.size() <= 100);
    for (const GeneralName& name : names) {
        const auto again = GeneralName::make(name.type, name.value);
        FUZZ_REQUIRE(again && *again == name);
        FUZZ_REQUIRE(matches(name, name));
        FUZZ_REQUIRE(name.value.find('\0') == std::string::npos && !name.value.empty());
    }
    const auto again = parse_general_names(encode_general_names(names));
    FUZZ_REQUIRE(again && *again == names);
    FUZZ_REQUIRE(difference(names, names).none());
    require_as_openssl_reads(der, names);
}

}  // namespace

void run(ByteView input) {
    DerReader reader(input);
    const auto first_der = reader.read_whole(DerTag::kSequence);
    if (!first_der) return;
    const auto first = parse_general_names(*first_der);
    if (!first) return;
    require_sound(*first_der, *first);

    const auto second = parse_general_names(reader.rest());
    if (!second) return;
    require_sound(reader.rest(), *second);
    const auto forwards = difference(*first, *second);
    const auto backwards = difference(*second, *first);
    FUZZ_REQUIRE(forwards.missing.size() == backwards.extra.size());
    FUZZ_REQUIRE(forwards.extra.size() == backwards.missing.size());
    FUZZ_REQUIRE(forwards.none() == backwards.none());
    FUZZ_REQUIRE(first->size() - forwards.missing.size() == second->size() - forwards.extra.size());
    FUZZ_REQUIRE(difference(forwards.missing, backwards.extra).none());
}

}  // namespace scepgate::fuzz

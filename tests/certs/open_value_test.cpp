#include "certs/open_value.hpp"

#include <gtest/gtest.h>
#include <openssl/asn1.h>

namespace scepgate::certs::this_file {
namespace {

struct Case {
    const char* der;
    bool sound;
};

bool is_sound(const Bytes& der) {
    return static_cast<bool>(check_open_value(DerReader(der).next().value()));
}

bool openssl_takes(const Bytes& der) {
    const std::uint8_t* at = der.data();
    ASN1_TYPE* value = d2i_ASN1_TYPE(nullptr, &at, static_cast<long>(der.size()));
    ASN1_TYPE_free(value);
    return value != nullptr;
}

TEST(OpenValueTest, EachTypeHasItsForm) {
    for (const Case& one : std::initializer_list<Case>{
             {"0500", true},         {"050100", false},     {"010100", true},
             {"0100", false},        {"01020000", false},   {"020100", true},
             {"0200", false},        {"02020001", false},   {"02020080", true},
             {"0202ff80", false},    {"0202ff7f", true},    {"0a0105", true},
             {"0a00", false},        {"0300", false},       {"030100", true},
             {"03020780", true},     {"03020880", false},   {"06032a0304", true},
             {"0600", false},        {"06028001", false},   {"06032a0384", false},
             {"1e0400410042", true}, {"1e03004100", false}, {"1c0400000041", true},
             {"1c03000041", false},  {"0c03ff0041", true},  {"0400", true},
             {"3003ffffff", true},   {"3100", true},        {"1000", false},
             {"1100", false},        {"2500", false},       {"2106010101020101", false}}) {
        const Bytes der = from_hex(one.der).value();
        EXPECT_EQ(is_sound(der), one.sound) << one.der;
        EXPECT_EQ(openssl_takes(der), one.sound) << one.der;
    }
}

TEST(OpenValueTest, StringsInPiecesAreBer) {
    EXPECT_FALSE(is_sound(from_hex("240404020102").value()));
}

TEST(OpenValueTest, WhatIsOfNoUniversalTypeIsNobodysToJudge) {
    EXPECT_TRUE(is_sound(from_hex("850100").value()));
    EXPECT_TRUE(is_sound(from_hex("a50100").value()));
}

}  // namespace
}  // namespace scepgate::certs::this_file

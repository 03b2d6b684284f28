#include "certs/csr.hpp"

#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "certs/oids.hpp"
#include "tests/certs/support/data_file.hpp"
#include "tests/certs/support/raw_csr.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::data_file;
using testing::ec_key;
using testing::extension_list;
using testing::raw_attribute;
using testing::RawCsr;
using testing::rsa_key;
using namespace std::string_view_literals;

Errc code_of(const Result<Csr>& csr) {
    EXPECT_FALSE(csr);
    return csr ? Errc::kInternal : csr.error().code;
}

RawCsr with_attributes(std::vector<Bytes> attributes) {
    RawCsr csr;
    csr.attributes = std::move(attributes);
    return csr;
}

Bytes challenge(const Bytes& value) {
    return raw_attribute(oid::kChallengePassword, {value});
}

CsrLimits small_keys() {
    CsrLimits limits;
    limits.key.minimum_rsa_bits = 1024;
    return limits;
}

TEST(CsrFileTest, C01_ReadsAFullRequestOfOpenssl) {
    const auto csr = Csr::from_der(data_file("csr-full.der"));
    ASSERT_TRUE(csr) << csr.error().detail;
    EXPECT_EQ(csr->subject().text(),
              "CN=laptop-7.example.com,OU=Ger\xC3\xA4te,O=\xC3\x9C"
              "bung GmbH,C=DE");
    EXPECT_EQ(csr->public_key().text(), "rsa:2048");
    EXPECT_EQ(csr->signature_algorithm(), (SignatureAlgorithm{KeyType::kRsa, Digest::kSha256}));
    EXPECT_EQ(csr->challenge().value().text(), "correct horse battery staple");
    EXPECT_EQ(csr->requested().key_usage.value().text(), "digitalSignature, keyEncipherment");
    EXPECT_EQ(to_text(csr->requested().extended_key_usage.value()), "clientAuth, smartcardLogon");
    EXPECT_EQ(to_text(csr->requested().subject_alt_name),
              "dns:laptop-7.example.com, dns:*.example.com, email:user@example.com, "
              "uri:tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500, ip:192.0.2.1, "
              "ip:2001:db8::1, upn:user@corp.example.com");
    EXPECT_FALSE(csr->requested().ca);
    EXPECT_EQ(csr->requested().others, std::vector<std::string>{"2.5.29.14"});
    EXPECT_TRUE(equal(csr->der(), data_file("csr-full.der")));
}

TEST(CsrFileTest, ReadsTheKeysAndDigestsThatAreTaken) {
    const struct {
        const char* file;
        SignatureAlgorithm algorithm;
    } rows[] = {
        {"csr-rsa-sha1.der", {KeyType::kRsa, Digest::kSha1}},
        {"csr-rsa-sha512.der", {KeyType::kRsa, Digest::kSha512}},
        {"csr-p256.der", {KeyType::kEc, Digest::kSha256}},
        {"csr-p384.der", {KeyType::kEc, Digest::kSha384}},
    };
    for (const auto& row : rows) {
        const auto csr = Csr::from_der(data_file(row.file));
        ASSERT_TRUE(csr) << row.file << ": " << csr.error().detail;
        EXPECT_EQ(csr->signature_algorithm(), row.algorithm) << row.file;
        EXPECT_EQ(csr->subject().text(), "CN=device");
        EXPECT_FALSE(csr->challenge());
        EXPECT_TRUE(csr->requested().subject_alt_name.empty());
        EXPECT_FALSE(csr->requested().key_usage);
    }
}

TEST(CsrFileTest, RefusesWeakAndUnknownAlgorithms) {
    for (const char* file : {"csr-rsa-md5.der", "csr-rsa-pss.der", "csr-ed25519.der",
                             "csr-rsa1024.der", "csr-apple.der"}) {
        EXPECT_EQ(code_of(Csr::from_der(data_file(file))), Errc::kUnsupported) << file;
    }
    EXPECT_EQ(code_of(Csr::from_der(data_file("csr-rsa-sha1.der"), {}, false)), Errc::kUnsupported);
}

TEST(CsrFileTest, Z13_RefusesACurveThatIsWrittenOut) {
    EXPECT_EQ(code_of(Csr::from_der(data_file("csr-explicit-curve.der"))), Errc::kUnsupported);
}

TEST(CsrFileTest, C02_ReadsApplesVersion2AndSmallKeysWhereTheyAreAllowed) {
    const auto csr = Csr::from_der(data_file("csr-apple.der"), small_keys());
    ASSERT_TRUE(csr) << csr.error().detail;
    EXPECT_EQ(csr->public_key().text(), "rsa:1024");
    EXPECT_EQ(csr->challenge().value().text(), "correct horse battery staple");
}

TEST(CsrTest, C02_TakesVersions0To2) {
    for (int version = 0; version <= 2; ++version) {
        RawCsr raw;
        raw.version = der::integer(version);
        EXPECT_TRUE(Csr::from_der(raw.build())) << version;
    }
    for (const Bytes& version :
         {der::integer(3), der::integer(-1), der::element(DerTag::kInteger, {}), der::null()}) {
        RawCsr raw;
        raw.version = version;
        EXPECT_EQ(code_of(Csr::from_der(raw.build())), Errc::kMalformed);
    }
}

TEST(CsrTest, C02_TheSignatureIsByTheKeyOfTheRequest) {
    EXPECT_EQ(code_of(Csr::from_der(RawCsr().build(testing::key(KeyType::kEc, 384)))),
              Errc::kBadSignature);
    EXPECT_EQ(code_of(Csr::from_der(RawCsr().build(rsa_key()))), Errc::kBadSignature);
    Bytes changed = data_file("csr-p256.der");
    const std::string_view subject = "device";
    const auto letter = std::search(changed.begin(), changed.end(), subject.begin(), subject.end());
    ASSERT_NE(letter, changed.end());
    *letter = 'D';
    EXPECT_EQ(code_of(Csr::from_der(changed)), Errc::kBadSignature);
}

TEST(CsrTest, SharesAKnownKeyOnlyWhenItIsItsOwn) {
    const PublicKey& own = ec_key().public_key();
    const auto shared = Csr::from_der(RawCsr().build(), {}, true, &own);
    ASSERT_TRUE(shared);
    EXPECT_EQ(shared->public_key().evp(), own.evp());
    const PublicKey& other = rsa_key().public_key();
    const auto decoded = Csr::from_der(RawCsr().build(), {}, true, &other);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->public_key(), own);
    EXPECT_NE(decoded->public_key().evp(), own.evp());
    // It proves nothing: the signature must still be by the request's key.
    EXPECT_EQ(code_of(Csr::from_der(RawCsr().build(rsa_key()), {}, true, &own)),
              Errc::kBadSignature);
}

TEST(CsrTest, ASignatureWithUnusedBitsIsMalformed) {
    Bytes changed = data_file("csr-rsa-sha512.der");
    changed.at(changed.size() - 257) = 1;
    EXPECT_EQ(code_of(Csr::from_der(changed)), Errc::kMalformed);
}

TEST(CsrTest, RefusesEachTruncation) {
    const Bytes whole = data_file("csr-p256.der");
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_EQ(code_of(Csr::from_der(ByteView(whole).first(size))), Errc::kMalformed) << size;
}

TEST(CsrTest, RefusesTrailingOctetsAtEachLevel) {
    const Bytes good = RawCsr().build();
    EXPECT_EQ(code_of(Csr::from_der(der::concat({good, der::null()}))), Errc::kMalformed);
    RawCsr after_signature;
    after_signature.after_signature = der::null();
    EXPECT_EQ(code_of(Csr::from_der(after_signature.build())), Errc::kMalformed);
    RawCsr after_attributes;
    after_attributes.after_attributes = der::null();
    EXPECT_EQ(code_of(Csr::from_der(after_attributes.build())), Errc::kMalformed);
    RawCsr after_subject;
    after_subject.subject = der::concat({after_subject.subject, der::null()});
    EXPECT_EQ(code_of(Csr::from_der(after_subject.build())), Errc::kMalformed);
    const Bytes value = der::set({der::utf8_string("x")});
    const Bytes in_attribute = der::sequence({der::oid(oid::kUnstructuredName), value, value});
    EXPECT_EQ(code_of(Csr::from_der(with_attributes({in_attribute}).build())), Errc::kDenied);
    const Bytes in_extensions = raw_attribute(
        oid::kExtensionRequest, {der::sequence({key_usage_extension({}), der::null()})});
    EXPECT_EQ(code_of(Csr::from_der(with_attributes({in_extensions}).build())), Errc::kDenied);
}

TEST(CsrTest, ToleratesAttributesLeftOut) {
    RawCsr raw;
    raw.omit_attributes = true;
    EXPECT_TRUE(Csr::from_der(raw.build()));
}

TEST(CsrTest, N04_RefusesSubjectsThatNameRefuses) {
    RawCsr raw;
    raw.subject = testing::common_name(DerTag::kUtf8String, "admin\0.x"sv);
    const auto csr = Csr::from_der(raw.build());
    EXPECT_EQ(code_of(csr), Errc::kDenied);
    EXPECT_NE(csr.error().detail.find("subject"), std::string::npos);
}

TEST(CsrTest, E08_NothingIsSaidOfNamesAndAttributesBeforeTheSignatureVerifies) {
    RawCsr bad_name;
    bad_name.subject = testing::common_name(DerTag::kUtf8String, "admin\0.x"sv);
    Bytes der = bad_name.build();
    der.back() ^= 0x01U;
    EXPECT_EQ(code_of(Csr::from_der(der)), Errc::kBadSignature);

    const Bytes one = der::printable_string("a");
    der = with_attributes({challenge(one), challenge(one)}).build();
    der.back() ^= 0x01U;
    EXPECT_EQ(code_of(Csr::from_der(der)), Errc::kBadSignature);
}

TEST(CsrTest, LimitsTheWholeSize) {
    const Bytes good = RawCsr().build();
    CsrLimits limits;
    limits.octets = good.size();
    EXPECT_TRUE(Csr::from_der(good, limits));
    limits.octets = good.size() - 1;
    EXPECT_EQ(code_of(Csr::from_der(good, limits)), Errc::kMalformed);
}

TEST(CsrAttributesTest, N13_TakesASetThatIsNotSortedAndUnknownAttributes) {
    const Bytes last = raw_attribute(oid_from_text("1.3.6.1.4.1.311.13.2.3").value(),
                                     {der::ia5_string("10.0"), der::ia5_string("11.0")});
    const Bytes first = challenge(der::printable_string("secret"));
    for (const auto& order : {std::vector<Bytes>{first, last}, std::vector<Bytes>{last, first}}) {
        const auto csr = Csr::from_der(with_attributes(order).build());
        ASSERT_TRUE(csr) << csr.error().detail;
        EXPECT_EQ(csr->challenge().value().text(), "secret");
    }
}

TEST(CsrAttributesTest, N13_RefusesEmptySetsAndTooMany) {
    const Bytes empty = raw_attribute(oid::kUnstructuredName, {});
    EXPECT_EQ(code_of(Csr::from_der(with_attributes({empty}).build())), Errc::kDenied);
    for (const ByteView type :
         {ByteView(oid::kChallengePassword), ByteView(oid::kExtensionRequest)}) {
        EXPECT_EQ(code_of(Csr::from_der(with_attributes({raw_attribute(type, {})}).build())),
                  Errc::kDenied);
    }

    const auto numbered = [](int count) {
        std::vector<Bytes> attributes;
        for (int i = 0; i < count; ++i) {
            const Bytes type = oid_from_text("1.2.3." + std::to_string(i)).value();
            attributes.push_back(raw_attribute(type, {der::null()}));
        }
        return with_attributes(attributes).build();
    };
    EXPECT_TRUE(Csr::from_der(numbered(32)));
    EXPECT_EQ(code_of(Csr::from_der(numbered(33))), Errc::kDenied);
    EXPECT_EQ(code_of(Csr::from_der(numbered(5000))), Errc::kDenied);
}

TEST(CsrAttributesTest, RefusesATypeThatComesTwice) {
    const Bytes name = raw_attribute(oid::kUnstructuredName, {der::utf8_string("a")});
    EXPECT_TRUE(Csr::from_der(with_attributes({name}).build()));
    EXPECT_EQ(code_of(Csr::from_der(with_attributes({name, name}).build())), Errc::kDenied);
}

TEST(CsrChallengeTest, C12_TakesEachStringType) {
    const struct {
        DerTag tag;
        std::string_view octets;
        std::string_view challenge;
    } rows[] = {
        {DerTag::kPrintableString, "secret", "secret"},
        {DerTag::kUtf8String, "s\xC3\xA4", "s\xC3\xA4"},
        {DerTag::kIa5String, "a@b_c", "a@b_c"},
        {DerTag::kT61String, "s\xE4", "s\xE4"},
        {DerTag::kBmpString, "\0s\0\xE4"sv, "s\xC3\xA4"},
        {DerTag::kUniversalString, "\0\0\0s"sv, "s"},
        // spaces and line breaks are the policy's to judge
        {DerTag::kPrintableString, " a b\r\n", " a b\r\n"},
    };
    for (const auto& row : rows) {
        const auto csr = Csr::from_der(
            with_attributes({challenge(der::element(row.tag, as_bytes(row.octets)))}).build());
        ASSERT_TRUE(csr) << csr.error().detail;
        EXPECT_EQ(csr->challenge().value().text(), row.challenge);
    }
}

TEST(CsrChallengeTest, C12_EmptyIsAbsent) {
    for (const DerTag tag : {DerTag::kPrintableString, DerTag::kUtf8String, DerTag::kBmpString}) {
        const auto csr = Csr::from_der(with_attributes({challenge(der::element(tag, {}))}).build());
        ASSERT_TRUE(csr);
        EXPECT_FALSE(csr->challenge());
    }
}

TEST(CsrChallengeTest, C03_LongerThanPkcs9AllowsIsTakenUpToTheLimit) {
    const auto sized = [](std::size_t size) {
        return with_attributes({challenge(der::utf8_string(std::string(size, 'x')))}).build();
    };
    EXPECT_EQ(Csr::from_der(sized(256)).value().challenge().value().view().size(), 256U);
    EXPECT_EQ(Csr::from_der(sized(65536)).value().challenge().value().view().size(), 65536U);
    EXPECT_EQ(code_of(Csr::from_der(sized(65537))), Errc::kDenied);
}

TEST(CsrChallengeTest, C12_RefusesTwoOfThem) {
    const Bytes one = der::printable_string("a");
    const Bytes two = der::printable_string("b");
    const auto code = [](std::vector<Bytes> attributes) {
        return code_of(Csr::from_der(with_attributes(std::move(attributes)).build()));
    };
    EXPECT_EQ(code({challenge(one), challenge(two)}), Errc::kDenied);
    EXPECT_EQ(code({raw_attribute(oid::kChallengePassword, {one, two})}), Errc::kDenied);
    EXPECT_EQ(code({challenge(der::octet_string(as_bytes("a")))}), Errc::kDenied);
    EXPECT_EQ(code({challenge(der::element(DerTag::kBmpString, Bytes{0x00}))}), Errc::kDenied);
}

TEST(CsrTest, WithAnotherChallengeItIsTheSameRequestOtherwise) {
    const auto csr = Csr::from_der(data_file("csr-full.der")).value();
    const Csr other = csr.with_challenge(Secret("other"));
    EXPECT_EQ(other.challenge().value().text(), "other");
    EXPECT_EQ(csr.challenge().value().text(), "correct horse battery staple");
    EXPECT_TRUE(equal(other.der(), csr.der()));
    EXPECT_EQ(other.subject().der(), csr.subject().der());
    EXPECT_EQ(other.public_key(), csr.public_key());
    EXPECT_EQ(other.requested().subject_alt_name, csr.requested().subject_alt_name);
    EXPECT_FALSE(csr.with_challenge(Secret("")).challenge()) << "empty and absent are the same";
}

}  // namespace
}  // namespace scepgate::certs::this_file

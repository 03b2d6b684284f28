#include "certs/certificate_builder.hpp"

#include <set>

#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "certs/oids.hpp"
#include "certs/ossl.hpp"
#include "tests/certs/support/key_fixtures.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::ec_key;
using testing::rsa_key;

CertificateContents contents() {
    const PublicKey& key = testing::key(KeyType::kEc, 384).public_key();
    const GeneralNames names{
        GeneralName::make(GeneralNameType::kDns, "host.example").value(),
        GeneralName::make(GeneralNameType::kIp, "2001:db8::1").value(),
        GeneralName::make(GeneralNameType::kEmail, "user@mail.example").value(),
        GeneralName::make(GeneralNameType::kUpn, "user@corp.example").value(),
    };
    CertificateContents made;
    made.serial = {0x80, 0x01};
    made.issuer_der = Name::from_text("CN=Example CA,O=Example").value().der();
    made.subject_der = Name::from_text("CN=device").value().der();
    made.not_before = 1'800'000'000;
    made.not_after = 3'000'000'000;  // after 2049: GeneralizedTime
    made.spki = to_bytes(key.spki());
    made.extensions = {
        basic_constraints_extension(false),
        key_usage_extension({KeyUsageBit::kDigitalSignature, KeyUsageBit::kKeyEncipherment}),
        extended_key_usage_extension({to_bytes(oid::kEkuClientAuth)}),
        subject_key_identifier_extension(key),
        authority_key_identifier_extension(ec_key().public_key().key_identifier()),
        subject_alt_name_extension(names, false),
    };
    return made;
}

X509Ptr openssl_read(ByteView der) {
    const std::uint8_t* at = der.data();
    return X509Ptr(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

TEST(CertificateBuilderTest, OpensslReadsWhatWasPutIn) {
    const auto certificate = build_certificate(contents(), ec_key(), Digest::kSha256);
    ASSERT_TRUE(certificate) << certificate.error().detail;
    const X509Ptr other = openssl_read(certificate->der());
    ASSERT_TRUE(other);

    EXPECT_EQ(X509_verify(other.get(), ec_key().evp()), 1);
    EXPECT_EQ(X509_get_version(other.get()), X509_VERSION_3);
    const BnPtr serial(ASN1_INTEGER_to_BN(X509_get0_serialNumber(other.get()), nullptr));
    EXPECT_EQ(BN_get_word(serial.get()), 0x8001U);
    EXPECT_EQ(BN_is_negative(serial.get()), 0);
    EXPECT_EQ(ASN1_TIME_cmp_time_t(X509_get0_notBefore(other.get()), 1'800'000'000), 0);
    EXPECT_EQ(ASN1_TIME_cmp_time_t(X509_get0_notAfter(other.get()), 3'000'000'000), 0);
    EXPECT_EQ(X509_get0_notAfter(other.get())->type, V_ASN1_GENERALIZEDTIME);
    EXPECT_EQ(X509_check_host(other.get(), "host.example", 0, 0, nullptr), 1);
    EXPECT_EQ(X509_check_host(other.get(), "other.example", 0, 0, nullptr), 0);
    EXPECT_EQ(X509_check_ip_asc(other.get(), "2001:db8::1", 0), 1);
    EXPECT_EQ(X509_check_email(other.get(), "user@mail.example", 0, 0), 1);
    EXPECT_EQ(X509_get_key_usage(other.get()),
              unsigned{KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT});
    EXPECT_EQ(X509_get_extended_key_usage(other.get()), unsigned{XKU_SSL_CLIENT});
    EXPECT_EQ(X509_check_purpose(other.get(), X509_PURPOSE_SSL_CLIENT, 0), 1);
    EXPECT_EQ(X509_check_purpose(other.get(), X509_PURPOSE_SSL_SERVER, 0), 0);
    EXPECT_EQ(X509_check_ca(other.get()), 0);
    const ASN1_OCTET_STRING* authority = X509_get0_authority_key_id(other.get());
    ASSERT_NE(authority, nullptr);
    EXPECT_TRUE(equal({authority->data, static_cast<std::size_t>(authority->length)},
                      ec_key().public_key().key_identifier()));
    // Flags tell of extensions that OpenSSL could not read, or that are not as RFC 5280 has them.
    EXPECT_EQ(X509_get_extension_flags(other.get()) & (EXFLAG_INVALID | EXFLAG_CRITICAL), 0U);
}

TEST(CertificateBuilderTest, OpensslEncodesItToTheSameOctets) {
    const Certificate certificate =
        build_certificate(contents(), rsa_key(), Digest::kSha384).value();
    const X509Ptr other = openssl_read(certificate.der());
    ASSERT_TRUE(other);
    // Drops the encoding kept from reading, so that it is made anew.
    EXPECT_EQ(X509_sign(other.get(), rsa_key().evp(), EVP_sha384()) > 0, true);
    unsigned char* encoded = nullptr;
    const int size = i2d_X509(other.get(), &encoded);
    ASSERT_GT(size, 0);
    EXPECT_TRUE(equal({encoded, static_cast<std::size_t>(size)}, certificate.der()));
    OPENSSL_free(encoded);
}

TEST(CertificateBuilderTest, MakesACa) {
    CertificateContents ca = contents();
    ca.subject_der = ca.issuer_der;
    ca.spki = to_bytes(ec_key().public_key().spki());
    ca.extensions = {basic_constraints_extension(true, 0),
                     key_usage_extension({KeyUsageBit::kKeyCertSign, KeyUsageBit::kCrlSign}),
                     subject_key_identifier_extension(ec_key().public_key())};
    const auto certificate = build_certificate(ca, ec_key(), Digest::kSha384);
    ASSERT_TRUE(certificate) << certificate.error().detail;
    EXPECT_TRUE(certificate->is_ca().value());
    EXPECT_TRUE(certificate->self_issued());
    const X509Ptr other = openssl_read(certificate->der());
    EXPECT_EQ(X509_check_ca(other.get()), 1);
    EXPECT_EQ(X509_get_pathlen(other.get()), 0);

    const Certificate issued = build_certificate(contents(), ec_key(), Digest::kSha256).value();
    EXPECT_EQ(X509_check_issued(other.get(), openssl_read(issued.der()).get()), X509_V_OK);
}

TEST(CertificateBuilderTest, BasicConstraintsExtensionIsDer) {
    EXPECT_EQ(to_hex(basic_constraints_extension(false)), "300c0603551d130101ff04023000");
    EXPECT_EQ(to_hex(basic_constraints_extension(true)), "300f0603551d130101ff040530030101ff");
    EXPECT_EQ(to_hex(basic_constraints_extension(true, 1)),
              "30120603551d130101ff040830060101ff020101");
}

TEST(CertificateBuilderTest, WithoutExtensionsLeavesTheFieldOut) {
    CertificateContents bare = contents();
    bare.extensions.clear();
    const auto certificate = build_certificate(bare, ec_key(), Digest::kSha256);
    ASSERT_TRUE(certificate);
    EXPECT_TRUE(certificate->extensions().empty());
    EXPECT_EQ(X509_get_ext_count(openssl_read(certificate->der()).get()), 0);
}

TEST(CertificateBuilderTest, RefusesBadSerialsAndDates) {
    const auto refused = [](auto change) {
        CertificateContents changed = contents();
        change(changed);
        const auto certificate = build_certificate(changed, ec_key(), Digest::kSha256);
        return !certificate && certificate.error().code == Errc::kMalformed;
    };
    EXPECT_FALSE(refused([](auto&) {}));
    EXPECT_TRUE(refused([](auto& made) { made.serial.clear(); }));
    EXPECT_TRUE(refused([](auto& made) { made.serial = {0, 0}; }));
    EXPECT_FALSE(refused([](auto& made) { made.serial = Bytes(20, 0x7F); }));
    EXPECT_TRUE(refused([](auto& made) { made.serial = Bytes(20, 0x80); }));
    EXPECT_TRUE(refused([](auto& made) { made.serial = Bytes(21, 0x01); }));
    EXPECT_TRUE(refused([](auto& made) { made.not_after = made.not_before - 1; }));
}

TEST(CertificateBuilderTest, RefusesFieldsThatAreNotOneElement) {
    const auto refused = [](auto change) {
        CertificateContents changed = contents();
        change(changed);
        return !build_certificate(changed, ec_key(), Digest::kSha256);
    };
    EXPECT_TRUE(refused([](auto& made) { made.subject_der.clear(); }));
    EXPECT_TRUE(refused([](auto& made) {
        made.subject_der.insert(made.subject_der.end(), made.spki.begin(), made.spki.end());
        made.spki.clear();
    }));
    EXPECT_TRUE(refused([](auto& made) { made.spki.push_back(0); }));
    EXPECT_TRUE(refused([](auto& made) {
        Bytes& first = made.extensions[0];
        first.insert(first.end(), made.extensions[1].begin(), made.extensions[1].end());
        made.extensions.erase(made.extensions.begin() + 1);
    }));
}

TEST(RandomSerialTest, Is128BitsPositiveAndNotRepeated) {
    std::set<Bytes> seen;
    bool top_bit = false;
    for (int i = 0; i < 200; ++i) {
        const Bytes serial = random_serial();
        EXPECT_EQ(serial.size(), 16U);
        EXPECT_TRUE(seen.insert(serial).second);
        top_bit |= serial[0] >= 0x80;
        const Bytes encoded = der::unsigned_integer(serial);
        EXPECT_LT(encoded[2], 0x80) << "positive";
        EXPECT_LE(encoded[1], 17);
    }
    EXPECT_TRUE(top_bit) << "all 128 bits are random";
}

}  // namespace
}  // namespace scepgate::certs::this_file

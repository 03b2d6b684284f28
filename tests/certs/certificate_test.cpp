#include "certs/certificate.hpp"

#include <fstream>
#include <limits>

#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "certs/oids.hpp"
#include "certs/ossl.hpp"
#include "tests/certs/support/data_file.hpp"
#include "tests/certs/support/key_fixtures.hpp"
#include "tests/certs/support/name_der.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::data_file;
using testing::data_path;
using testing::ec_key;

Certificate leaf() {
    return Certificate::from_file(data_path("leaf.pem")).value();
}
Certificate ca() {
    return Certificate::from_file(data_path("ca.pem")).value();
}

X509Ptr openssl_read(const Certificate& certificate) {
    const std::uint8_t* at = certificate.der().data();
    return X509Ptr(d2i_X509(nullptr, &at, static_cast<long>(certificate.der().size())));
}

std::int64_t openssl_time(const ASN1_TIME* time) {
    int days = 0;
    int seconds = 0;
    const std::unique_ptr<ASN1_TIME, Deleter<ASN1_TIME_free>> epoch(ASN1_TIME_set(nullptr, 0));
    EXPECT_EQ(ASN1_TIME_diff(&days, &seconds, epoch.get(), time), 1);
    return std::int64_t{days} * 86400 + seconds;
}

TEST(CertificateTest, ReadsTheFieldsThatOpensslReads) {
    for (const Certificate& certificate : {leaf(), ca()}) {
        const X509Ptr other = openssl_read(certificate);
        ASSERT_TRUE(other);
        EXPECT_EQ(certificate.not_before(), openssl_time(X509_get0_notBefore(other.get())));
        EXPECT_EQ(certificate.not_after(), openssl_time(X509_get0_notAfter(other.get())));
        EXPECT_EQ(static_cast<int>(certificate.extensions().size()),
                  X509_get_ext_count(other.get()));
        Sha256 digest{};
        unsigned size = 0;
        ASSERT_EQ(X509_digest(other.get(), EVP_sha256(), digest.data(), &size), 1);
        EXPECT_EQ(certificate.fingerprint(), digest);
        const auto usage = certificate.key_usage();
        ASSERT_TRUE(usage && *usage);
        EXPECT_EQ((*usage)->has(KeyUsageBit::kKeyCertSign),
                  (X509_get_key_usage(other.get()) & KU_KEY_CERT_SIGN) != 0);
    }
}

TEST(CertificateTest, ReadsALeaf) {
    const Certificate certificate = leaf();
    EXPECT_EQ(certificate.subject_text(), "CN=device");
    EXPECT_EQ(certificate.issuer_text(), "CN=Example CA,O=Example");
    EXPECT_EQ(certificate.serial_hex(), "1001");
    EXPECT_EQ(certificate.key_usage().value(), KeyUsage{KeyUsageBit::kDigitalSignature});
    EXPECT_EQ(to_text(certificate.extended_key_usage().value().value()), "clientAuth, serverAuth");
    EXPECT_FALSE(certificate.is_ca().value());
    EXPECT_FALSE(certificate.self_issued());
    EXPECT_EQ(certificate.public_key().value().text(), "ec:p256");
    EXPECT_EQ(to_bytes(certificate.subject_key_identifier().value()),
              certificate.public_key()->key_identifier());
    EXPECT_TRUE(equal(certificate.der(), data_file("leaf.der")));
}

TEST(CertificateTest, ReadsACa) {
    const Certificate certificate = ca();
    // The top bit is set, so the encoding has a sign octet.
    EXPECT_EQ(to_hex(certificate.serial()), "00f1e2d3c4b5a69788");
    EXPECT_EQ(certificate.serial_hex(), "f1e2d3c4b5a69788");
    EXPECT_TRUE(certificate.is_ca().value());
    EXPECT_TRUE(certificate.self_issued());
    EXPECT_FALSE(certificate.extended_key_usage().value());
}

TEST(CertificateTest, ReadsVersion1WithoutExtensions) {
    const auto certificate = Certificate::from_file(data_path("version1.pem"));
    ASSERT_TRUE(certificate) << certificate.error().detail;
    EXPECT_TRUE(certificate->extensions().empty());
    EXPECT_FALSE(certificate->key_usage().value());
    EXPECT_FALSE(certificate->subject_key_identifier());
    EXPECT_FALSE(certificate->is_ca().value());
    EXPECT_TRUE(certificate->signed_by(ca().public_key().value()));
}

TEST(CertificateTest, KnowsWhoSignedIt) {
    const PublicKey ca_key = ca().public_key().value();
    EXPECT_TRUE(leaf().signed_by(ca_key));
    EXPECT_TRUE(ca().signed_by(ca_key));
    EXPECT_FALSE(leaf().signed_by(leaf().public_key().value()));
    Bytes changed = to_bytes(leaf().der());
    changed.at(20) ^= 1U;  // in the serial number
    EXPECT_FALSE(Certificate::from_der(changed).value().signed_by(ca_key));
}

TEST(CertificateTest, IssuerAndSerialIsThatOfTheEncoding) {
    EXPECT_EQ(ca().issuer_and_serial(),
              der::sequence({ca().issuer_der(), from_hex("020900f1e2d3c4b5a69788").value()}));
}

TEST(CertificateTest, RefusesTrailingOctetsAndEachTruncation) {
    const Bytes whole = data_file("leaf.der");
    EXPECT_FALSE(Certificate::from_der(der::concat({whole, Bytes{0x00}})));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto certificate = Certificate::from_der(ByteView(whole).first(size));
        ASSERT_FALSE(certificate) << size;
        EXPECT_EQ(certificate.error().code, Errc::kMalformed);
    }
}

TEST(CertificateTest, AnEmptyOneHasNoDer) {
    EXPECT_FALSE(Certificate());
    EXPECT_TRUE(leaf());
    EXPECT_TRUE(Certificate().der().empty());
    EXPECT_EQ(leaf(), leaf());
    EXPECT_FALSE(leaf() == ca());
    EXPECT_FALSE(leaf() == Certificate());
}

/// A certificate as devices sign them for themselves, with parts that can be odd.
struct RawCertificate {
    Bytes version = der::element(context_constructed(0), der::integer(2));
    Bytes serial = der::integer(1);
    Bytes inner_algorithm = signature_identifier({KeyType::kEc, Digest::kSha256});
    Bytes not_before = der::time(0);
    Bytes not_after = der::time(1'000'000'000);
    Bytes optional_fields;

    [[nodiscard]] Result<Certificate> read() const {
        const Bytes name = testing::common_name(DerTag::kUtf8String, "a");
        const Bytes algorithm = signature_identifier({KeyType::kEc, Digest::kSha256});
        const Bytes tbs = der::sequence({version, serial, inner_algorithm, name,
                                         der::sequence({not_before, not_after}), name,
                                         ec_key().public_key().spki(), optional_fields});
        return Certificate::from_der(der::sequence(
            {tbs, algorithm, der::bit_string(ec_key().sign(Digest::kSha256, tbs).value())}));
    }
};

Bytes extensions_field(std::initializer_list<ByteView> extensions) {
    return der::element(context_constructed(3), der::sequence(extensions));
}

TEST(SelfSignedCertificateTest, ToleratesWhatCarriesAKey) {
    RawCertificate raw;
    raw.serial = der::element(DerTag::kInteger, Bytes(30, 0xFF));  // long and negative
    raw.version = der::element(context_constructed(0), der::integer(7));
    const Bytes unknown = oid_from_text("1.2.3").value();
    raw.optional_fields =
        der::concat({der::element(context_primitive(1), Bytes{0, 1}),
                     der::element(context_primitive(2), Bytes{0, 2}),
                     extensions_field({encode_extension(unknown, true, der::null())})});
    const auto certificate = raw.read();
    ASSERT_TRUE(certificate) << certificate.error().detail;
    EXPECT_EQ(certificate->serial().size(), 30U);
    EXPECT_TRUE(certificate->signed_by(ec_key().public_key()));

    RawCertificate zero;
    zero.serial = der::integer(0);
    EXPECT_EQ(zero.read().value().serial_hex(), "00");
}

TEST(CertificateTest, AnEmptyOneSaysNothing) {
    const Certificate empty;
    EXPECT_FALSE(empty);
    for (const ByteView octets : {empty.der(), empty.tbs(), empty.serial(), empty.issuer_der(),
                                  empty.subject_der(), empty.spki()}) {
        EXPECT_TRUE(octets.empty());
    }
    EXPECT_EQ(empty.serial_hex(), "");
    EXPECT_EQ(empty.subject_text(), "(unreadable name)");
    EXPECT_EQ(empty.issuer_text(), "(unreadable name)");
    EXPECT_EQ(empty.not_before(), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(empty.not_after(), std::numeric_limits<std::int64_t>::min());
    EXPECT_TRUE(empty.extensions().empty());
    EXPECT_EQ(empty.fingerprint(), sha256({}));
    EXPECT_FALSE(empty.public_key());
    EXPECT_EQ(empty.key_usage().value(), std::nullopt);
    EXPECT_EQ(empty.extended_key_usage().value(), std::nullopt);
    EXPECT_FALSE(empty.subject_key_identifier());
    EXPECT_FALSE(empty.is_ca().value());
    EXPECT_FALSE(empty.self_issued());
    EXPECT_FALSE(empty.signed_by(ec_key().public_key()));
    EXPECT_EQ(empty, Certificate());
    EXPECT_NE(empty, leaf());
}

TEST(SelfSignedCertificateTest, UnreadableDatesAreNeverValid) {
    RawCertificate raw;
    raw.not_before = der::element(DerTag::kUtcTime, as_bytes("2601010000Z"));
    raw.not_after = der::element(DerTag::kUtcTime, as_bytes("270101000000+0100"));
    const auto certificate = raw.read();
    ASSERT_TRUE(certificate) << certificate.error().detail;
    EXPECT_EQ(certificate->not_before(), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(certificate->not_after(), std::numeric_limits<std::int64_t>::min());
}

TEST(SelfSignedCertificateTest, IsStrictInStructure) {
    const auto refused = [](auto change) {
        RawCertificate raw;
        change(raw);
        return !raw.read().has_value();
    };
    EXPECT_FALSE(refused([](RawCertificate&) {}));
    EXPECT_TRUE(refused([](auto& raw) { raw.serial = der::element(DerTag::kInteger, {}); }));
    EXPECT_TRUE(refused([](auto& raw) { raw.not_after.clear(); }));
    EXPECT_TRUE(refused([](auto& raw) {
        raw.not_after = der::concat({raw.not_after, der::null()});
    }));
    EXPECT_TRUE(refused([](auto& raw) { raw.version = der::element(context_constructed(0), {}); }));
    EXPECT_TRUE(refused([](auto& raw) { raw.optional_fields = der::null(); }));
    EXPECT_TRUE(refused([](auto& raw) {
        raw.optional_fields = der::concat({extensions_field({}), extensions_field({})});
    }));
    EXPECT_TRUE(refused([](auto& raw) {
        const Bytes twice = encode_extension(oid::kKeyUsage, true, der::null());
        raw.optional_fields = extensions_field({twice, twice});
    }));
}

TEST(SelfSignedCertificateTest, MalformedExtensionsAreErrorsWhenAskedFor) {
    RawCertificate raw;
    raw.optional_fields =
        extensions_field({encode_extension(oid::kKeyUsage, true, der::null()),
                          encode_extension(oid::kExtKeyUsage, false, der::sequence({})),
                          encode_extension(oid::kSubjectKeyIdentifier, false, der::null()),
                          encode_extension(oid::kBasicConstraints, true, der::null())});
    const auto certificate = raw.read();
    ASSERT_TRUE(certificate);
    EXPECT_FALSE(certificate->key_usage());
    EXPECT_FALSE(certificate->extended_key_usage());
    EXPECT_FALSE(certificate->is_ca());
    EXPECT_FALSE(certificate->subject_key_identifier());
}

TEST(SelfSignedCertificateTest, TwoDifferentAlgorithmIdentifiersAreNoSignature) {
    RawCertificate raw;
    raw.inner_algorithm = signature_identifier({KeyType::kEc, Digest::kSha384});
    EXPECT_FALSE(raw.read().value().signed_by(ec_key().public_key()));
}

TEST(CertificatePemTest, ReadsTheFirstOrAll) {
    const Bytes file = data_file("leaf-key-ca.pem");  // text, a certificate, a key, a certificate
    EXPECT_EQ(Certificate::from_pem(file).value(), leaf());
    const auto all = Certificate::all_from_pem(file);
    ASSERT_TRUE(all) << all.error().detail;
    EXPECT_EQ(*all, (std::vector<Certificate>{leaf(), ca()}));
    EXPECT_EQ(Certificate::all_from_file(data_path("leaf-key-ca.pem")).value(), *all);
}

TEST(CertificatePemTest, WritesWhatOpensslWrites) {
    const Bytes file = data_file("leaf.pem");
    EXPECT_EQ(leaf().pem(), as_text(file));
}

TEST(CertificatePemTest, SaysWhatIsWrongWithAFile) {
    const auto fault = [](std::string_view content) {
        const auto read = Certificate::all_from_pem(as_bytes(content));
        EXPECT_FALSE(read);
        EXPECT_EQ(read.error().code, Errc::kConfig);
        return read.error().detail;
    };
    const Bytes trusted = data_file("trusted.pem");
    const Bytes der = data_file("leaf.der");
    const std::string pem = leaf().pem();
    EXPECT_NE(fault("").find("BEGIN CERTIFICATE"), std::string::npos);
    EXPECT_NE(fault("-----BEGIN X-----\nAA==\n-----END X-----\n").find("BEGIN CERTIFICATE"),
              std::string::npos);
    EXPECT_NE(fault(as_text(trusted)).find("TRUSTED CERTIFICATE"), std::string::npos);
    EXPECT_NE(fault(pem + std::string(as_text(trusted))).find("TRUSTED"), std::string::npos);
    EXPECT_NE(fault(as_text(der)).find("-inform DER"), std::string::npos);
    EXPECT_NE(fault(pem.substr(0, pem.size() / 2)).find("damaged"), std::string::npos);
    EXPECT_NE(
        fault("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n").find("certificate"),
        std::string::npos);

    const auto missing = Certificate::from_file("/nowhere/ca.pem");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Errc::kConfig);
    EXPECT_NE(missing.error().detail.find("/nowhere/ca.pem"), std::string::npos);
    EXPECT_FALSE(Certificate::from_file(data_path("")));
}

}  // namespace
}  // namespace scepgate::certs::this_file

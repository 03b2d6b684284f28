// What CAs hand out, made by the openssl program's own encoder.
#include "certs/certificate_bundle.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>

#include "certs/ossl.hpp"
#include "tests/certs/support/data_file.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::data_path;

Certificate leaf() {
    return Certificate::from_file(data_path("leaf.pem")).value();
}
Certificate issuer() {
    return Certificate::from_file(data_path("ca.pem")).value();
}

/// "openssl crl2pkcs7 -nocrl -certfile leaf.pem -certfile ca.pem -outform DER".
Bytes pkcs7() {
    const std::unique_ptr<PKCS7, Deleter<PKCS7_free>> bundle(PKCS7_new());
    PKCS7_set_type(bundle.get(), NID_pkcs7_signed);
    PKCS7_content_new(bundle.get(), NID_pkcs7_data);
    for (const Certificate& certificate : {leaf(), issuer()}) {
        const std::uint8_t* at = certificate.der().data();
        const X509Ptr one(d2i_X509(nullptr, &at, static_cast<long>(certificate.der().size())));
        PKCS7_add_certificate(bundle.get(), one.get());
    }
    unsigned char* der = nullptr;
    const int size = i2d_PKCS7(bundle.get(), &der);
    Bytes out(der, der + size);
    OPENSSL_free(der);
    return out;
}

std::string block(const std::string& label, ByteView der) {
    const BioPtr out(BIO_new(BIO_s_mem()));
    PEM_write_bio(out.get(), label.c_str(), "", der.data(), static_cast<long>(der.size()));
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

void expect_leaf_and_issuer(const Result<std::vector<Certificate>>& read) {
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(*read, (std::vector{leaf(), issuer()}));
}

TEST(CertificateBundleTest, ReadsPemInItsOrder) {
    expect_leaf_and_issuer(read_certificate_bundle(as_bytes(leaf().pem() + issuer().pem())));
}

TEST(CertificateBundleTest, ReadsOneCertificateInDer) {
    const auto read = read_certificate_bundle(leaf().der());
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(*read, std::vector{leaf()});
}

TEST(CertificateBundleTest, ReadsPkcs7InDer) {
    expect_leaf_and_issuer(read_certificate_bundle(pkcs7()));
}

class CertificateBundleLabelTest : public ::testing::TestWithParam<const char*> {};

TEST_P(CertificateBundleLabelTest, ReadsPkcs7InPem) {
    expect_leaf_and_issuer(read_certificate_bundle(as_bytes(block(GetParam(), pkcs7()))));
}

// "CERTIFICATE": as AD CS's web pages and certreq write it.
INSTANTIATE_TEST_SUITE_P(Labels, CertificateBundleLabelTest,
                         ::testing::Values("PKCS7", "PKCS #7 SIGNED DATA", "CMS", "CERTIFICATE"));

TEST(CertificateBundleTest, PassesOverWhatIsNoCertificate) {
    const std::string text = "Bag Attributes\n    friendlyName: CA\nsubject=CN = CA\n" +
                             block("X509 CRL", pkcs7()) + leaf().pem() +
                             block("PRIVATE KEY", leaf().der()) + issuer().pem();
    expect_leaf_and_issuer(read_certificate_bundle(as_bytes(text)));
}

TEST(CertificateBundleTest, SaysWhatIsWrong) {
    const auto says = [](const std::string& text) {
        const auto read = read_certificate_bundle(as_bytes(text));
        EXPECT_FALSE(read);
        if (read) return std::string();
        EXPECT_EQ(read.error().code, Errc::kConfig);
        return read.error().detail;
    };
    EXPECT_EQ(says(block("PRIVATE KEY", leaf().der())), "there is no certificate in it");
    EXPECT_NE(says("").find("neither a certificate nor a PKCS#7"), std::string::npos);
    EXPECT_NE(says("hello").find("neither a certificate nor a PKCS#7"), std::string::npos);
    std::string damaged = leaf().pem();
    damaged[100] = '!';
    EXPECT_NE(says(damaged).find("a damaged PEM block"), std::string::npos);
    Bytes cut = pkcs7();
    cut.resize(40);
    EXPECT_NE(says(block("PKCS7", cut)).find("neither a certificate nor a PKCS#7"),
              std::string::npos);
    const std::string key = block("PKCS7", leaf().spki());
    EXPECT_FALSE(read_certificate_bundle(as_bytes(key)));
}

TEST(CertificateBundleTest, CutBundlesAreRefusedAtEveryLength) {
    const Bytes whole = pkcs7();
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(read_certificate_bundle(ByteView(whole).first(size))) << size;
}

}  // namespace
}  // namespace scepgate::certs::this_file

#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "certs/csr.hpp"
#include "certs/oids.hpp"
#include "certs/ossl.hpp"
#include "tests/certs/support/key_fixtures.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::ec_key;
using testing::rsa_key;
using X509ReqPtr = std::unique_ptr<X509_REQ, Deleter<X509_REQ_free>>;

CsrContents full() {
    CsrContents contents;
    contents.subject = Name::from_text("CN=device,O=Example").value();
    contents.subject_alt_name = {
        GeneralName::make(GeneralNameType::kDns, "device.example").value()};
    contents.key_usage = KeyUsage{KeyUsageBit::kDigitalSignature};
    contents.extended_key_usage = {to_bytes(oid::kEkuClientAuth)};
    contents.challenge = "c2VjcmV0+/==";
    contents.more_extensions = {
        encode_extension(oid::kNtdsCaSecurity, false, encode_sid_extension("S-1-5-21-1-2-3-500"))};
    return contents;
}

TEST(CsrBuilderTest, OpensslReadsAndVerifiesIt) {
    for (const PrivateKey& key : {ec_key(), rsa_key()}) {
        const Bytes der = build_csr(full(), key).value();
        const std::uint8_t* at = der.data();
        const X509ReqPtr request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
        ASSERT_TRUE(request);
        EXPECT_EQ(X509_REQ_verify(request.get(), key.evp()), 1);
        EXPECT_EQ(X509_REQ_get_version(request.get()), 0);
        EXPECT_EQ(X509_REQ_get_attr_count(request.get()), 2);
        EXPECT_GE(X509_REQ_get_attr_by_NID(request.get(), NID_pkcs9_challengePassword, -1), 0);
        STACK_OF(X509_EXTENSION)* extensions = X509_REQ_get_extensions(request.get());
        EXPECT_EQ(sk_X509_EXTENSION_num(extensions), 4);
        sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    }
}

TEST(CsrBuilderTest, WeReadBackWhatWasPutIn) {
    const Bytes der = build_csr(full(), rsa_key(), Digest::kSha512).value();
    const auto csr = Csr::from_der(der);
    ASSERT_TRUE(csr) << csr.error().detail;
    EXPECT_EQ(csr->subject().text(), "CN=device,O=Example");
    EXPECT_EQ(csr->challenge().value().text(), "c2VjcmV0+/==");
    EXPECT_EQ(csr->requested().subject_alt_name, full().subject_alt_name);
    EXPECT_EQ(csr->requested().key_usage, full().key_usage);
    EXPECT_EQ(csr->requested().extended_key_usage, full().extended_key_usage);
    EXPECT_EQ(csr->requested().sid, "S-1-5-21-1-2-3-500");
    EXPECT_EQ(csr->signature_algorithm().digest, Digest::kSha512);
    EXPECT_EQ(csr->public_key(), rsa_key().public_key());
}

TEST(CsrBuilderTest, WithoutAnythingTheAttributesAreAnEmptySet) {
    CsrContents bare;
    bare.subject = Name::from_text("CN=device").value();
    const Bytes der = build_csr(bare, ec_key()).value();
    const auto csr = Csr::from_der(der);
    ASSERT_TRUE(csr) << csr.error().detail;
    EXPECT_FALSE(csr->challenge());
    EXPECT_FALSE(csr->requested().key_usage);
    const Bytes info_end = der::concat({ec_key().public_key().spki(), Bytes{0xA0, 0x00}});
    EXPECT_NE(std::search(der.begin(), der.end(), info_end.begin(), info_end.end()), der.end());
}

TEST(CsrBuilderTest, ChallengeIsUtf8StringWhereNeededAndRefusedWhenNotText) {
    CsrContents contents = full();
    contents.challenge = "p\xC3\xA4ss_word";
    EXPECT_EQ(Csr::from_der(build_csr(contents, ec_key()).value())->challenge().value().text(),
              contents.challenge);
    contents.challenge = "\xFF";
    EXPECT_FALSE(build_csr(contents, ec_key()));
}

TEST(CsrBuilderTest, N06_NamesAreCriticalWhenTheSubjectIsEmpty) {
    const auto critical = [](const CsrContents& contents) {
        const Bytes der = build_csr(contents, ec_key()).value();
        const Bytes extension = subject_alt_name_extension(contents.subject_alt_name, true);
        return std::search(der.begin(), der.end(), extension.begin(), extension.end()) != der.end();
    };
    CsrContents contents = full();
    EXPECT_FALSE(critical(contents));
    contents.subject = Name();
    EXPECT_TRUE(critical(contents));
}

}  // namespace
}  // namespace scepgate::certs::this_file

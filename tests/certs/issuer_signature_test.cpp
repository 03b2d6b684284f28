// What a CA above ours may sign with. The certificates of openssl: tests/e2e/test_ca_set_up.py.
#include "certs/issuer_signature.hpp"

#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include "certs/oids.hpp"
#include "certs/ossl.hpp"
#include "tests/certs/support/key_fixtures.hpp"

namespace scepgate::certs::this_file {
namespace {

using testing::ec_key;
using testing::rsa_key;

Bytes pss_signature(const char* digest, const char* mask, int salt, ByteView data) {
    const EvpMdCtxPtr context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* parameters = nullptr;
    Bytes signature(256);
    std::size_t size = signature.size();
    const bool made =
        EVP_DigestSignInit(context.get(), &parameters, EVP_get_digestbyname(digest), nullptr,
                           rsa_key().evp()) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_get_digestbyname(mask)) == 1 &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt) == 1 &&
        EVP_DigestSign(context.get(), signature.data(), &size, data.data(), data.size()) == 1;
    if (!made) throw std::runtime_error("no test signature");
    return signature;
}

Bytes field(unsigned number, const Bytes& content) {
    return der::element(context_constructed(number), content);
}

Bytes pss(const std::vector<Bytes>& fields) {
    Bytes all;
    for (const Bytes& each : fields)
        all.insert(all.end(), each.begin(), each.end());
    return der::sequence({der::oid(oid::kRsassaPss), der::element(DerTag::kSequence, all)});
}

Bytes mgf1(Digest digest) {
    return der::sequence({der::oid(oid::kMgf1), digest_identifier(digest)});
}

Bytes number(std::uint8_t value) {
    return der::unsigned_integer({&value, 1});
}

Bytes pss_of(Digest digest, std::uint8_t salt) {
    return pss(
        {field(0, digest_identifier(digest)), field(1, mgf1(digest)), field(2, number(salt))});
}

const Bytes kData = to_bytes(as_bytes("to be signed"));

TEST(IssuerSignatureTest, TakesPssWithASaltAsLongAsItsHash) {
    for (const auto& [name, digest, salt] : {std::tuple{"SHA256", Digest::kSha256, 32},
                                             {"SHA384", Digest::kSha384, 48},
                                             {"SHA512", Digest::kSha512, 64}}) {
        Bytes signature = pss_signature(name, name, salt, kData);
        const Bytes algorithm = pss_of(digest, static_cast<std::uint8_t>(salt));
        const auto& key = rsa_key().public_key();
        EXPECT_TRUE(check_issuer_signature(algorithm, key, kData, signature)) << name;
        const auto other = check_issuer_signature(algorithm, key, as_bytes("another"), signature);
        EXPECT_EQ(other.error().code, Errc::kBadSignature);
        EXPECT_FALSE(check_issuer_signature(algorithm, ec_key().public_key(), kData, signature));
        EXPECT_FALSE(check_issuer_signature(algorithm, PublicKey(), kData, signature));
        signature.back() ^= 1U;
        EXPECT_FALSE(check_issuer_signature(algorithm, key, kData, signature));
    }
}

TEST(IssuerSignatureTest, TakesASignatureOnlyUnderTheParametersThatItNames) {
    const auto& key = rsa_key().public_key();
    const Bytes shorter = pss_signature("SHA256", "SHA256", 20, kData);
    EXPECT_FALSE(check_issuer_signature(pss_of(Digest::kSha256, 32), key, kData, shorter));
    const Bytes mask = pss_signature("SHA256", "SHA384", 32, kData);
    EXPECT_FALSE(check_issuer_signature(pss_of(Digest::kSha256, 32), key, kData, mask));
    const Bytes pkcs1 = rsa_key().sign(Digest::kSha256, kData).value();
    EXPECT_FALSE(check_issuer_signature(pss_of(Digest::kSha256, 32), key, kData, pkcs1));
    EXPECT_TRUE(check_issuer_signature(signature_identifier({KeyType::kRsa, Digest::kSha256}), key,
                                       kData, pkcs1));
}

TEST(IssuerSignatureTest, NamesParametersThatItDoesNotTake) {
    const Bytes sha256 = field(0, digest_identifier(Digest::kSha256));
    const Bytes mask = field(1, mgf1(Digest::kSha256));
    const struct {
        Bytes algorithm;
        const char* says;
    } cases[] = {
        {der::sequence({der::oid(oid::kRsassaPss)}), "no parameters"},
        {der::sequence({der::oid(oid::kRsassaPss), der::null()}), "no parameters"},
        {pss({}), "hash SHA-1"},
        {pss({field(0, digest_identifier(Digest::kSha1)), mask}), "hash SHA-1"},
        {pss({field(0, der::sequence({der::oid(oid::kCommonName)})), mask}), "2.5.4.3"},
        {pss({sha256}), "MGF1 with SHA-1"},
        {pss({sha256, field(1, mgf1(Digest::kSha384)), field(2, number(32))}), "another hash"},
        {pss({sha256, field(1, der::sequence({der::oid(oid::kCommonName)}))}), "another mask"},
        {pss({sha256, field(1, der::sequence({der::oid(oid::kMgf1)}))}), "another mask"},
        {pss({sha256, mask}), "a salt of 20 octets"},
        {pss_of(Digest::kSha256, 0), "a salt of 0 octets"},
        {pss_of(Digest::kSha512, 32), "a salt of 32 octets"},
        {pss({sha256, mask, field(2, number(32)), field(3, number(2))}), "trailerField 2"},
    };
    const Bytes signature = pss_signature("SHA256", "SHA256", 32, kData);
    for (const auto& each : cases) {
        const auto checked =
            check_issuer_signature(each.algorithm, rsa_key().public_key(), kData, signature);
        ASSERT_FALSE(checked) << each.says;
        EXPECT_EQ(checked.error().code, Errc::kUnsupported) << checked.error().detail;
        EXPECT_NE(checked.error().detail.find(each.says), std::string::npos)
            << checked.error().detail;
    }
    EXPECT_TRUE(
        check_issuer_signature(pss({sha256, mask, field(2, number(32)), field(3, number(1))}),
                               rsa_key().public_key(), kData, signature))
        << "the default, written out";
}

TEST(IssuerSignatureTest, RefusesParametersThatAreNoDer) {
    const Bytes sha256 = field(0, digest_identifier(Digest::kSha256));
    const Bytes mask = field(1, mgf1(Digest::kSha256));
    const Bytes signature = pss_signature("SHA256", "SHA256", 32, kData);
    for (const Bytes& algorithm :
         {pss({mask, sha256}), pss({sha256, sha256}), pss({sha256, mask, field(2, {})}),
          pss({sha256, mask, field(2, number(32)), field(4, number(1))}),
          pss({field(0, {}), mask, field(2, number(32))}), Bytes{}}) {
        EXPECT_FALSE(check_issuer_signature(algorithm, rsa_key().public_key(), kData, signature));
    }
}

}  // namespace
}  // namespace scepgate::certs::this_file

// Chains that are judged before a CA's certificate is put in place (RFC 5280 section 6.1).
#include "server/ca_chain.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "certs/ca_oids.hpp"
#include "certs/certificate_builder.hpp"
#include "certs/key_usage.hpp"

namespace scepgate::server::this_file {
namespace {

using certs::Certificate;
using certs::KeyUsageBit;

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::int64_t kDay = 86'400;

certs::PrivateKey new_key() {
    return certs::PrivateKey::generate({certs::KeyType::kEc, 256}).value();
}

struct Made {
    std::string name, issuer;
    certs::PrivateKey key, by;
    bool ca = true;
    std::optional<int> path_length = std::nullopt;
    std::optional<certs::KeyUsage> usage =
        certs::KeyUsage{KeyUsageBit::kKeyCertSign, KeyUsageBit::kCrlSign};
    std::int64_t not_before = kNow - kDay, not_after = kNow + 1000 * kDay;
    std::vector<Bytes> more = {};
    certs::Digest digest = certs::Digest::kSha256;
};

Certificate make(const Made& made) {
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.subject_der = certs::Name::from_text("CN=" + made.name).value().der();
    contents.issuer_der = certs::Name::from_text("CN=" + made.issuer).value().der();
    contents.not_before = made.not_before;
    contents.not_after = made.not_after;
    contents.spki = to_bytes(made.key.public_key().spki());
    contents.extensions = {certs::basic_constraints_extension(made.ca, made.path_length)};
    if (made.usage) contents.extensions.push_back(certs::key_usage_extension(*made.usage));
    contents.extensions.insert(contents.extensions.end(), made.more.begin(), made.more.end());
    return certs::build_certificate(contents, made.by, made.digest).value();
}

/// root > policy > issuing, each to be spoilt in one thing.
class CaChainTest : public ::testing::Test {
protected:
    Made of_root{"root", "root", root_key, root_key};
    Made of_policy{"policy", "root", policy_key, root_key};
    Made of_issuing{"issuing", "policy", issuing_key, policy_key};

    [[nodiscard]] std::vector<Certificate> all() const {
        return {make(of_root), make(of_policy), make(of_issuing)};
    }
    static Result<CaChain> order(const std::vector<Certificate>& given) {
        return order_ca_chain(issuing_key.public_key(), given, kNow);
    }
    void expect_denied(const std::string& says) const { expect_denied(all(), says); }
    static void expect_denied(const std::vector<Certificate>& given, const std::string& says) {
        const auto chain = order(given);
        ASSERT_FALSE(chain);
        EXPECT_EQ(chain.error().code, Errc::kDenied);
        EXPECT_NE(chain.error().detail.find(says), std::string::npos) << chain.error().detail;
    }

    inline static const certs::PrivateKey root_key = new_key(), policy_key = new_key(),
                                          issuing_key = new_key();
};

TEST_F(CaChainTest, IsPutInOrderFromTheCaToTheRoot) {
    const auto given = all();
    std::vector<std::size_t> order_of{0, 1, 2};
    do {
        const auto chain = order({given[order_of[0]], given[order_of[1]], given[order_of[2]]});
        ASSERT_TRUE(chain) << chain.error().detail;
        EXPECT_EQ(chain->certificates, (std::vector{given[2], given[1], given[0]}));
        EXPECT_TRUE(chain->notes.empty());
    } while (std::next_permutation(order_of.begin(), order_of.end()));
}

TEST_F(CaChainTest, ARootAloneIsAChain) {
    const auto root = make(of_root);
    const auto chain = order_ca_chain(root_key.public_key(), {root}, kNow);
    ASSERT_TRUE(chain) << chain.error().detail;
    EXPECT_EQ(chain->certificates, std::vector{root});
}

TEST_F(CaChainTest, WhatIsNotPartOfItIsLeftOutAndNamed) {
    auto given = all();
    const auto stranger = new_key();
    given.push_back(make({"stranger", "stranger", stranger, stranger}));
    const auto chain = order(given);
    ASSERT_TRUE(chain) << chain.error().detail;
    EXPECT_EQ(chain->certificates.size(), 3U);
    EXPECT_EQ(chain->notes,
              std::vector<std::string>{"'CN=stranger' is not part of the chain: left out"});
}

TEST_F(CaChainTest, OfSeveralCertificatesForTheKeyTheOneThatEndsLastIsTaken) {
    auto given = all();
    Made longer = of_issuing;
    longer.not_after = kNow + 2000 * kDay;
    given.push_back(make(longer));
    const auto chain = order(given);
    ASSERT_TRUE(chain) << chain.error().detail;
    EXPECT_EQ(chain->certificates.front(), given.back());
}

TEST_F(CaChainTest, AnIssuerIsWhoseKeyVerifiesAndNotWhoHasTheName) {
    const auto other = new_key();
    auto given = all();
    given.insert(given.begin(), make({"policy", "root", other, root_key}));
    const auto chain = order(given);
    ASSERT_TRUE(chain) << chain.error().detail;
    EXPECT_EQ(chain->certificates[1], given[2]);
    EXPECT_EQ(chain->notes.size(), 1U);
}

TEST_F(CaChainTest, EachCertificateThatIsMissingIsNamed) {
    const auto given = all();
    expect_denied({given[1], given[2]}, "the certificate of 'CN=root', which issued 'CN=policy'");
    expect_denied({given[0], given[2]},
                  "the certificate of 'CN=policy', which issued 'CN=issuing'");
    expect_denied({given[0], given[1]}, "none of the certificates is for the CA's key");
    expect_denied(std::vector<Certificate>{}, "there are none");
}

TEST_F(CaChainTest, ASignatureOfAnotherKeyOfThatNameIsRefused) {
    of_issuing.by = new_key();
    expect_denied("the signature of 'CN=issuing' is not by the 'CN=policy' that is given");
}

TEST_F(CaChainTest, EveryCertificateMustBeOfACa) {
    of_policy.ca = false;
    expect_denied("'CN=policy' is no CA");
}

TEST_F(CaChainTest, EveryCertificateMayNeedKeyCertSign) {
    of_policy.usage = certs::KeyUsage{KeyUsageBit::kCrlSign};
    expect_denied("'CN=policy' may not sign certificates: its keyUsage lacks keyCertSign");
}

TEST_F(CaChainTest, OnlyTheCaItselfHasToSignCrls) {
    of_policy.usage = certs::KeyUsage{KeyUsageBit::kKeyCertSign};
    EXPECT_TRUE(order(all()));
    of_issuing.usage = certs::KeyUsage{KeyUsageBit::kKeyCertSign};
    expect_denied("'CN=issuing' may not sign CRLs");
}

TEST_F(CaChainTest, WithoutKeyUsageEveryUseIsAllowed) {
    of_root.usage = of_policy.usage = of_issuing.usage = std::nullopt;
    EXPECT_TRUE(order(all()));
}

TEST_F(CaChainTest, PathLengthsCountTheCasBelow) {
    of_root.path_length = 2;
    of_policy.path_length = 0;
    expect_denied("'CN=policy' allows 0 CAs below it (pathlen), and there is 1");
    of_policy.path_length = 1;
    of_issuing.path_length = 0;
    EXPECT_TRUE(order(all()));
    of_root.path_length = 1;
    expect_denied("'CN=root' allows 1 CAs below it (pathlen), and there are 2");
}

TEST_F(CaChainTest, AllMustBeValidNow) {
    of_root.not_after = kNow - 1;
    expect_denied("'CN=root' is not valid now");
    of_root.not_after = kNow;
    EXPECT_TRUE(order(all()));
    of_issuing.not_before = kNow + 1;
    expect_denied("'CN=issuing' is not valid now");
}

TEST_F(CaChainTest, OnlyARootMayBeSignedWithSha1) {
    of_root.digest = certs::Digest::kSha1;
    EXPECT_TRUE(order(all()));
    of_policy.digest = certs::Digest::kSha1;
    expect_denied("'CN=policy' is signed with SHA-1");
    of_policy.digest = certs::Digest::kSha256;
    of_issuing.digest = certs::Digest::kSha1;
    expect_denied("'CN=issuing' is signed with SHA-1");
}

TEST_F(CaChainTest, CriticalExtensionsAreThoseOfRfc5280) {
    of_policy.more = {certs::encode_extension(certs::oid::kInhibitAnyPolicy, true, Bytes{2, 1, 0})};
    EXPECT_TRUE(order(all()));
    const Bytes unknown = certs::oid_from_text("1.2.3.4").value();
    of_policy.more = {certs::encode_extension(unknown, false, Bytes{5, 0})};
    EXPECT_TRUE(order(all()));
    of_policy.more = {certs::encode_extension(unknown, true, Bytes{5, 0})};
    expect_denied("'CN=policy' has the critical extension 1.2.3.4");
}

TEST_F(CaChainTest, SaysWhoAsksForPoliciesBelow) {
    const auto skip = [](std::uint8_t certificates) {
        return certs::encode_extension(certs::oid::kPolicyConstraints, true,
                                       Bytes{0x30, 3, 0x80, 1, certificates});
    };
    const auto asked = [&] { return order(all()).value().requires_policies; };
    EXPECT_EQ(asked(), "");
    of_issuing.more = {skip(1)};
    EXPECT_EQ(asked(), "CN=issuing");
    of_issuing.more = {skip(2)};  // of certificates below a device's, which there are none
    EXPECT_EQ(asked(), "");
    of_policy.more = {skip(2)};
    EXPECT_EQ(asked(), "CN=policy");
    of_policy.more = {
        certs::encode_extension(certs::oid::kPolicyConstraints, true, Bytes{0x30, 3, 0x81, 1, 0})};
    EXPECT_EQ(asked(), "") << "only mappings are inhibited";
}

TEST_F(CaChainTest, CertificatesThatIssueEachOtherAreRefused) {
    of_root.issuer = "policy";
    of_root.by = policy_key;
    expect_denied("in a circle");
}

TEST_F(CaChainTest, HalfOfTheLifeIsBetweenBothEnds) {
    EXPECT_EQ(half_life(make(of_root)), kNow + (999 * kDay) / 2);
}

}  // namespace
}  // namespace scepgate::server::this_file

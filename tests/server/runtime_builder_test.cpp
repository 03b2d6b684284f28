// What is said of a configuration whose parts do not fit, and what is made of one whose do.
#include "server/runtime_builder.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/server/support/config_lab.hpp"

namespace scepgate::server::testing::this_file {
namespace {

using certs::KeyUsageBit;

class RuntimeBuilderTest : public ::testing::Test {
protected:
    static constexpr std::int64_t kNow = ConfigLab::kNow;
    static constexpr std::int64_t kDay = ConfigLab::kDay;

    std::shared_ptr<const Endpoint> built() {
        const auto runtime = lab.build();
        EXPECT_FALSE(lab.faults.has_errors()) << faults();
        return runtime ? runtime->endpoints().front() : nullptr;
    }
    std::string faults() const {
        std::string all;
        for (const auto& fault : lab.faults.list())
            all += fault.text() + "\n";
        return all;
    }
    static certs::PrivateKey new_key() {
        return certs::PrivateKey::generate({certs::KeyType::kEc, 256}).value();
    }
    /// A policy "blob" with these keys for challenges, in this order.
    ChallengeBlobConfig& challenge_blob(std::vector<KeyPairConfig> decryption) {
        PolicyConfig& entry = lab.config.policies["blob"];
        entry.json_path = "policies.blob";
        auto& policy = entry.module.emplace<ChallengeBlobConfig>();
        policy.audience = "https://scep.example";
        policy.decryption = std::move(decryption);
        policy.trusted_signers = {TrustedSignerConfig{
            lab.pair("mdm", new_key(), {.usage = certs::KeyUsage{KeyUsageBit::kDigitalSignature}})
                .certificate,
            std::nullopt}};
        lab.endpoint().policy = "blob";
        return policy;
    }

    ConfigLab lab;
    const std::string from = "endpoints[0].next.from";
};

TEST_F(RuntimeBuilderTest, OfWhatFitsOnlyThatItIsOpenToAllIsSaid) {
    const auto endpoint = built();
    ASSERT_NE(endpoint, nullptr);
    EXPECT_TRUE(lab.has_warning("endpoints[0].policy", "everybody"));
    for (const auto& fault : lab.faults.list()) {
        const bool expected = fault.path == "endpoints[0].policy" ||  // that, and test data's own
                              fault.what.find("the same key as") != std::string::npos;
        EXPECT_TRUE(expected) << fault.text();
    }
}

// A_K03: whoever gets a certificate for one of them is the server.
TEST_F(RuntimeBuilderTest, A_K03_EveryKeyOfTheConfigurationIsTheServersOwn) {
    const auto challenges = new_key();
    challenge_blob({lab.pair("challenges", challenges, {})});
    const auto previous = new_key();
    lab.endpoint().renewal.emplace().json_path = "endpoints[0].renewal";
    lab.endpoint().renewal->previous_cas = {
        lab.pair("previous", previous, ConfigLab::of_ca()).certificate};
    lab.add_next(kNow + 10 * kDay);
    const auto endpoint = built();
    ASSERT_NE(endpoint, nullptr);
    for (const auto& [what, key] : {std::pair{"CA", lab.ca.key},
                                    {"RA", lab.ra_key},
                                    {"next CA", lab.next_ca.key},
                                    {"next RA", lab.next_ra_key},
                                    {"challenges", challenges},
                                    {"previous CA", previous}}) {
        EXPECT_TRUE(endpoint->own_keys->contains(key.public_key())) << what;
    }
    EXPECT_FALSE(endpoint->own_keys->contains(new_key().public_key()));
}

TEST_F(RuntimeBuilderTest, E18_BeforeARolloverNobodyMayKeepTheCertificates) {
    EXPECT_NE(built()->ca_certificates->header(false).find("Cache-Control: max-age=60\r\n"),
              std::string::npos);
    lab.add_next(kNow + 10 * kDay);
    const auto endpoint = built();
    for (const auto& reply :
         {endpoint->ca_certificates, endpoint->capabilities, endpoint->next_ca_certificates}) {
        EXPECT_NE(reply->header(false).find("Cache-Control: no-cache\r\n"), std::string::npos);
    }
}

TEST_F(RuntimeBuilderTest, TwoCasOfOneNameAreOneCaWithTwoCertificates) {
    const auto add = [&](const std::string& file, const certs::PrivateKey& key) {
        const auto pair = lab.pair(file, key, ConfigLab::of_ca());
        CaConfig& entry = lab.config.cas[file];
        entry.json_path = "cas." + file;
        entry.certificate = pair.certificate;
        entry.key = pair.key;
    };
    add("twin", new_key());
    lab.config.cas["again"] = lab.config.cas["twin"];
    EXPECT_NE(lab.build(), nullptr) << faults();
    add("Twin", new_key());
    EXPECT_EQ(lab.build(), nullptr);
    EXPECT_TRUE(lab.has_error("cas.twin.certificate", "the CA has the name of cas.Twin, 'CN=Twin'"))
        << faults();
}

TEST_F(RuntimeBuilderTest, C16_TheNextCaMustBeValidWhenItTakesOver) {
    auto late = ConfigLab::of_ca();
    late.not_before = kNow - 10 * kDay;
    lab.add_next(kNow - 20 * kDay, late);
    EXPECT_EQ(lab.build(), nullptr);
    EXPECT_TRUE(lab.has_error(from, "'CN=next' is not valid then")) << faults();
    auto early = ConfigLab::of_ca();
    early.not_after = kNow + 20 * kDay;
    lab.add_next(kNow + 20 * kDay, early);
    EXPECT_EQ(lab.build(), nullptr);
    EXPECT_TRUE(lab.has_error(from, "'CN=next' is not valid then")) << faults();
    lab.add_next(kNow + 20 * kDay - 1, early);
    lab.build();
    EXPECT_FALSE(lab.has_error(from, "'CN=next' is not valid then")) << faults();
}

TEST_F(RuntimeBuilderTest, C16_TheNextRaMustBeValidWhenItTakesOver) {
    auto made = ConfigLab::of_ra();
    made.not_after = kNow + 20 * kDay;
    lab.add_next(kNow + 20 * kDay, ConfigLab::of_ca(), made);
    EXPECT_EQ(lab.build(), nullptr);
    EXPECT_TRUE(lab.has_error(from, "'CN=next-ra' is not valid then")) << faults();
}

TEST_F(RuntimeBuilderTest, C16_ARolloverBehindThePresentCasEndIsWarnedOf) {
    auto long_ca = ConfigLab::of_ca();
    auto long_ra = ConfigLab::of_ra();
    long_ca.not_after = long_ra.not_after = kNow + 2000 * kDay;
    lab.add_next(kNow + 1000 * kDay, long_ca, long_ra);
    ASSERT_NE(built(), nullptr);
    EXPECT_FALSE(lab.has_warning(from, "after the present CA's expiry"));
    lab.endpoint().next->from = kNow + 1000 * kDay + 1;
    ASSERT_NE(built(), nullptr);
    EXPECT_TRUE(lab.has_warning(from, "after the present CA's expiry")) << faults();
}

TEST_F(RuntimeBuilderTest, C16_ARolloverThatIsOverIsWarnedOf) {
    lab.add_next(kNow + 1);
    ASSERT_NE(built(), nullptr);
    EXPECT_FALSE(lab.has_warning(from, "is over"));
    lab.endpoint().next->from = kNow;
    ASSERT_NE(built(), nullptr);
    EXPECT_TRUE(lab.has_warning(from, "is over")) << faults();
}

TEST_F(RuntimeBuilderTest, C16_ANextCaOfTheSameNameOrKeyOrAnEarlierEndIsNamed) {
    auto early = ConfigLab::of_ca();
    early.not_after = kNow + 500 * kDay;
    lab.next_ca.key = lab.ca.key;
    lab.add_next(kNow + 10 * kDay, early);
    ASSERT_NE(built(), nullptr);
    EXPECT_TRUE(lab.has_warning("endpoints[0].next.ca", "has the key of the present one"));
    EXPECT_TRUE(lab.has_warning("endpoints[0].next.ca", "before the present one"));
    lab.config.cas["next"].certificate = lab.config.cas["ca"].certificate;
    EXPECT_EQ(lab.build(), nullptr);
    EXPECT_TRUE(lab.has_error("endpoints[0].next.ca", "the name of the present one")) << faults();
}

TEST_F(RuntimeBuilderTest, C16_TheSameRaCannotServeBothCas) {
    lab.add_next(kNow + 10 * kDay);
    lab.endpoint().next->ra = lab.endpoint().ra;
    EXPECT_EQ(lab.build(), nullptr);
    EXPECT_TRUE(lab.has_error("endpoints[0].next", "the same certificate as now")) << faults();
}

TEST_F(RuntimeBuilderTest, C16_BothSidesOfARolloverKnowOneAnother) {
    lab.add_next(kNow + 10 * kDay);
    const auto now = built();
    ASSERT_NE(now, nullptr);
    const auto next = now->next;
    ASSERT_NE(next, nullptr);
    EXPECT_EQ(now->next_from, kNow + 10 * kDay);
    EXPECT_EQ(now->issuers.size(), 2U);
    EXPECT_EQ(next->issuers.size(), 2U);
    EXPECT_EQ(next->issuers.front().certificate, next->ca->chain().front());
    EXPECT_EQ(now->counterpart->ca, next->ca);
    EXPECT_EQ(next->counterpart->ca, now->ca);
    ASSERT_EQ(next->recipients.size(), 2U);
    EXPECT_EQ(next->recipients.back().certificate, now->recipients.front().certificate);
    EXPECT_EQ(next->earlier_ra->signer.certificate, now->signer.certificate);
    EXPECT_EQ(now->recipients.size(), 1U);
}

TEST_F(RuntimeBuilderTest, C06_OneOfTheKeysForChallengesMustNotBeExpired) {
    auto old = ConfigLab::Made();
    old.not_after = kNow - 1;
    const auto expired = lab.pair("expired", new_key(), old);
    const auto valid = lab.pair("valid", new_key(), {});
    challenge_blob({valid, expired});
    ASSERT_NE(built(), nullptr);
    EXPECT_FALSE(lab.has_warning("expired.certificate", "expired"))
        << "its successor is there: " << faults();
    challenge_blob({expired, valid});
    ASSERT_NE(built(), nullptr) << "new challenges are for the valid one";
    EXPECT_TRUE(lab.has_warning("expired.certificate", "expired")) << faults();
    challenge_blob({expired});
    EXPECT_EQ(lab.build(), nullptr);
    EXPECT_TRUE(lab.has_error("expired.certificate", "expired")) << faults();
}

TEST_F(RuntimeBuilderTest, C04_ASignerOfChallengesIsNoCaAndMaySign) {
    ChallengeBlobConfig& policy = challenge_blob({lab.pair("challenges", new_key(), {})});
    const std::string path = "policies.blob.trusted_signers[0]";
    const certs::KeyUsage signs{KeyUsageBit::kDigitalSignature};
    for (const ConfigLab::Made& made :
         {ConfigLab::Made{.ca = true, .usage = signs}, ConfigLab::Made{},
          ConfigLab::Made{.usage = certs::KeyUsage{KeyUsageBit::kKeyEncipherment}}}) {
        policy.trusted_signers = {
            TrustedSignerConfig{lab.pair("mdm", new_key(), made).certificate, std::nullopt}};
        EXPECT_EQ(lab.build(), nullptr);
        EXPECT_TRUE(lab.has_error(path, "'CN=mdm' has key usage")) << faults();
    }
}

TEST_F(RuntimeBuilderTest, APasswordHasAtLeastEightCharacters) {
    PolicyConfig& entry = lab.config.policies["password"];
    entry.json_path = "policies.password";
    auto& policy = entry.module.emplace<StaticPasswordConfig>();
    policy.password.json_path = "policies.password.password";
    policy.password.file = *lab.config.cas["ca"].key.pem.file;
    policy.password.file->replace_extension("password");
    const auto write = [&](std::string_view text) {
        std::ofstream(*policy.password.file) << text;
        std::filesystem::permissions(
            *policy.password.file,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    };
    lab.endpoint().policy = "password";
    write("1234567\n");
    EXPECT_EQ(lab.build(), nullptr);
    EXPECT_TRUE(lab.has_error("policies.password.password", "fewer than 8")) << faults();
    write("12345678\n");
    EXPECT_NE(built(), nullptr);
}

TEST_F(RuntimeBuilderTest, AnExpiredRaIsAnErrorUntilTheNextOneServes) {
    auto expired = ConfigLab::of_ra();
    expired.not_after = kNow - 1;
    const auto pair = lab.pair("ra", lab.ra_key, expired, &lab.ca);
    EXPECT_EQ(lab.build(), nullptr);
    EXPECT_TRUE(lab.has_error("endpoints[0].ra.signing.certificate", "expired")) << faults();
    EXPECT_TRUE(lab.has_error("endpoints[0].ra.encryption.certificate", "expired")) << faults();
    lab.add_next(kNow - kDay);
    ASSERT_NE(built(), nullptr);
    EXPECT_FALSE(lab.has_error("endpoints[0].ra.signing.certificate", "expired")) << faults();
}

TEST_F(RuntimeBuilderTest, AnRaThatClientsMayRefuseIsWarnedOf) {
    lab.pair("ra", lab.ra_key, {}, &lab.ca);
    ASSERT_NE(built(), nullptr);
    EXPECT_TRUE(lab.has_warning("endpoints[0].ra.signing.certificate", "no key usage"));
    EXPECT_FALSE(lab.has_warning("endpoints[0].ra.signing.certificate", "not issued by"));
    lab.pair("ra", lab.ra_key, ConfigLab::of_ra(), &lab.next_ca);
    ASSERT_NE(built(), nullptr);
    EXPECT_TRUE(lab.has_warning("endpoints[0].ra.signing.certificate", "not issued by"));
    EXPECT_FALSE(lab.has_warning("endpoints[0].ra.signing.certificate", "no key usage"));
}

TEST_F(RuntimeBuilderTest, E10_ASingleCertificateCannotTellDevicesOfAnRa) {
    lab.endpoint().shape.get_ca_cert = CaCertShape::kSingle;
    EXPECT_EQ(lab.build(), nullptr);
    EXPECT_TRUE(lab.has_error("endpoints[0].get_ca_cert", "is \"single\"")) << faults();
}

TEST_F(RuntimeBuilderTest, A23_SingleDesIsWarnedOf) {
    ASSERT_NE(built(), nullptr);
    EXPECT_FALSE(lab.has_warning("endpoints[0].algorithms.des", "single DES"));
    lab.endpoint().des = true;
    ASSERT_NE(built(), nullptr);
    EXPECT_TRUE(lab.has_warning("endpoints[0].algorithms.des", "single DES"));
}

}  // namespace
}  // namespace scepgate::server::testing::this_file

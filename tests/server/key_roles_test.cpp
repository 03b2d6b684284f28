#include "server/key_roles.hpp"

#include <gtest/gtest.h>

#include "certs/private_key.hpp"

namespace scepgate::server::this_file {
namespace {

certs::PublicKey new_key() {
    return certs::PrivateKey::generate({certs::KeyType::kEc, 256})->public_key();
}

std::vector<std::string> warnings(const KeyRoles& roles) {
    ConfigFaults faults;
    roles.judge(faults);
    std::vector<std::string> texts;
    for (const auto& fault : faults.list()) {
        EXPECT_TRUE(fault.warning);
        texts.push_back(fault.path + " " + fault.what);
    }
    return texts;
}

TEST(KeyRolesTest, KeysOfTheirOwnAreNotMentioned) {
    KeyRoles roles;
    for (const auto role :
         {KeyRole::kCa, KeyRole::kRaSigning, KeyRole::kRaEncryption, KeyRole::kChallengeDecryption,
          KeyRole::kChallengeSigning, KeyRole::kTls}) {
        roles.add(role, "x", new_key());
    }
    EXPECT_TRUE(warnings(roles).empty());
}

TEST(KeyRolesTest, OneRoleInSeveralPlacesMayShareItsKey) {
    KeyRoles roles;
    const auto key = new_key();
    roles.add(KeyRole::kRaEncryption, "endpoints[0].ra.encryption.key", key);
    roles.add(KeyRole::kRaEncryption, "endpoints[1].ra.encryption.key", key);
    EXPECT_TRUE(warnings(roles).empty());
}

TEST(KeyRolesTest, EveryPairOfRolesWithOneKeyIsNamedWithBothPaths) {
    const KeyRole all[] = {KeyRole::kCa,
                           KeyRole::kRaSigning,
                           KeyRole::kRaEncryption,
                           KeyRole::kChallengeDecryption,
                           KeyRole::kChallengeSigning,
                           KeyRole::kTls};
    const auto key = new_key();
    for (const auto first : all) {
        for (const auto second : all) {
            if (first == second) continue;
            KeyRoles roles;
            roles.add(first, "one.key", key);
            roles.add(KeyRole::kCa, "between.key", new_key());
            roles.add(second, "two.key", key);
            const auto found = warnings(roles);
            ASSERT_EQ(found.size(), 1U);
            EXPECT_TRUE(found[0].starts_with("two.key the same key as one.key")) << found[0];
        }
    }
}

}  // namespace
}  // namespace scepgate::server::this_file

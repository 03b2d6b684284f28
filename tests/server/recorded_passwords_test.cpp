#include "server/recorded_passwords.hpp"

#include <gtest/gtest.h>

#include "ca_backend/wait_for.hpp"
#include "tests/server/support/service_lab.hpp"

namespace scepgate::server::testing::this_file {
namespace {

using ca_backend::wait_for;

class RecordedPasswordsTest : public ::testing::Test {
protected:
    Result<std::optional<policy::RecordedPassword>> find() {
        return passwords_.find("scope", token_, kNow);
    }

    ServiceLab lab_;
    std::shared_ptr<StoreLink> link_ = std::make_shared<StoreLink>();
    RecordedPasswords passwords_{link_};
    Bytes token_ = Bytes(32, 0xAB);
};

TEST_F(RecordedPasswordsTest, CannotTellAsLongAsThereIsNoStore) {
    ASSERT_FALSE(find());
    EXPECT_EQ(find().error().code, Errc::kUnavailable);
    link_->connect(lab_.store);
    EXPECT_TRUE(find());
    lab_.store->reads_fail = true;
    ASSERT_FALSE(find());
    EXPECT_EQ(find().error().code, Errc::kUnavailable);
}

TEST_F(RecordedPasswordsTest, TellWhatAPasswordIsBoundToAndWhatBecameOfIt) {
    link_->connect(lab_.store);
    EXPECT_FALSE(find().value());
    ca_backend::ChallengeRow row;
    row.scope = "scope";
    row.token = token_;
    row.created = kNow;
    row.expires = kNow + 60;
    row.claims = R"({"device_id":"d7"})";
    ASSERT_TRUE(wait_for(lab_.store->add_challenge(row, {})));
    auto found = find().value();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->bindings, row.claims);
    EXPECT_EQ(found->expires, kNow + 60);
    EXPECT_FALSE(found->withdrawn);
    ASSERT_TRUE(wait_for(lab_.store->withdraw_challenge("scope", token_, kNow)));
    EXPECT_TRUE(find().value()->withdrawn);
}

}  // namespace
}  // namespace scepgate::server::testing::this_file

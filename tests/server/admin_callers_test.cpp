#include <gtest/gtest.h>

#include "server/admin/callers.hpp"

namespace scepgate::server::admin::this_file {
namespace {

Sha256 hash(std::string_view text) {
    return sha256(as_bytes(text));
}

class AdminCallersTest : public ::testing::Test {
protected:
    AdminCallersTest() {
        Caller mdm;
        mdm.name = "mdm";
        mdm.passwords = {hash("correct horse battery")};
        mdm.tokens = {hash("old-token"), hash("new-token")};
        Caller other;
        other.name = "other";
        other.passwords = {hash("another password")};
        other.certificates = {hash("DER of a certificate")};
        callers = Callers({mdm, other});
    }

    Identification with(std::string_view authorization, std::string_view certificate = "") const {
        HttpDetails details;
        details.authorization = Secret(authorization);
        details.client_certificate = to_bytes(as_bytes(certificate));
        return callers.identify(details);
    }
    Identification basic(std::string_view text) const {
        return with("Basic " + to_base64(as_bytes(text)));
    }

    Callers callers;
};

TEST_F(AdminCallersTest, KnowsACallerByNameAndPassword) {
    const auto found = basic("mdm:correct horse battery");
    ASSERT_NE(found.caller, nullptr);
    EXPECT_EQ(found.caller->name, "mdm");
}

TEST_F(AdminCallersTest, ThePasswordOfAnotherCallerIsWrong) {
    const auto found = basic("mdm:another password");
    EXPECT_EQ(found.caller, nullptr);
    EXPECT_TRUE(found.tried);
    EXPECT_EQ(found.claimed, "mdm");
}

TEST_F(AdminCallersTest, ANameThatIsNotConfiguredIsNotRepeated) {
    EXPECT_EQ(basic("nobody:correct horse battery").claimed, "");
    EXPECT_EQ(basic("nobody:correct horse battery").caller, nullptr);
}

TEST_F(AdminCallersTest, EachOfSeveralTokensIsGood) {
    EXPECT_NE(with("Bearer old-token").caller, nullptr);
    EXPECT_NE(with("bearer  new-token").caller, nullptr);
    EXPECT_EQ(with("Bearer new-toke").caller, nullptr);
    EXPECT_EQ(with("Bearer ").caller, nullptr);
}

TEST_F(AdminCallersTest, ATokenIsNoPasswordAndAPasswordNoToken) {
    EXPECT_EQ(basic("mdm:new-token").caller, nullptr);
    EXPECT_EQ(with("Bearer correct horse battery").caller, nullptr);
}

TEST_F(AdminCallersTest, WhatIsNoBase64OrHasNoColonIsWrong) {
    for (const char* field : {"Basic ???", "Basic bWRt", "Basic", "Digest x", "mdm"}) {
        const auto found = with(field);
        EXPECT_EQ(found.caller, nullptr) << field;
        EXPECT_TRUE(found.tried) << field;
    }
}

TEST_F(AdminCallersTest, KnowsAPinnedCertificate) {
    const auto found = with("", "DER of a certificate");
    ASSERT_NE(found.caller, nullptr);
    EXPECT_EQ(found.caller->name, "other");
    EXPECT_EQ(with("", "DER of another").caller, nullptr);
}

TEST_F(AdminCallersTest, WrongCredentialsAreNotMendedByACertificate) {
    EXPECT_EQ(with("Bearer wrong", "DER of a certificate").caller, nullptr);
}

TEST_F(AdminCallersTest, NobodyIsNobody) {
    const auto found = with("");
    EXPECT_EQ(found.caller, nullptr);
    EXPECT_FALSE(found.tried);
}

}  // namespace
}  // namespace scepgate::server::admin::this_file

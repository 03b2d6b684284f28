#include "scep/message.hpp"

#include <gtest/gtest.h>

namespace scepgate::scep::this_file {
namespace {

using namespace std::string_view_literals;

TEST(MessageTypeTest, R_B15_KnowsExactlyTheNumbersOfTheRfc) {
    EXPECT_EQ(message_type_from_text("3"), MessageType::kCertRep);
    EXPECT_EQ(message_type_from_text("17"), MessageType::kRenewalReq);
    EXPECT_EQ(message_type_from_text("19"), MessageType::kPkcsReq);
    EXPECT_EQ(message_type_from_text("20"), MessageType::kCertPoll);
    EXPECT_EQ(message_type_from_text("21"), MessageType::kGetCert);
    EXPECT_EQ(message_type_from_text("22"), MessageType::kGetCrl);
    int known = 0;
    for (int number = 0; number <= 255; ++number) {
        if (const auto type = message_type_from_text(std::to_string(number))) {
            EXPECT_EQ(static_cast<int>(*type), number);
            ++known;
        }
    }
    EXPECT_EQ(known, 6);
}

TEST(MessageTypeTest, R_B16_AnotherSpellingIsNoNumber) {
    for (const auto text : {""sv, " 19"sv, "19 "sv, "019"sv, "+19"sv, "-1"sv, "19\0"sv, "0x13"sv,
                            "19.0"sv, "1"sv, "199"sv, "PKCSReq"sv, "\n19"sv}) {
        EXPECT_FALSE(message_type_from_text(text)) << text;
    }
}

TEST(MessageTypeTest, NamesAreTheRfcs) {
    EXPECT_EQ(to_text(MessageType::kCertRep), "CertRep");
    EXPECT_EQ(to_text(MessageType::kRenewalReq), "RenewalReq");
    EXPECT_EQ(to_text(MessageType::kPkcsReq), "PKCSReq");
    EXPECT_EQ(to_text(MessageType::kCertPoll), "CertPoll");
    EXPECT_EQ(to_text(MessageType::kGetCert), "GetCert");
    EXPECT_EQ(to_text(MessageType::kGetCrl), "GetCRL");
}

}  // namespace
}  // namespace scepgate::scep::this_file

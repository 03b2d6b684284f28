#include "server/ca_name_advice.hpp"

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

std::vector<std::string> advice(const std::string& name) {
    return ca_name_advice(certs::Name::from_text(name).value());
}

class GoodCaNameTest : public ::testing::TestWithParam<std::string> {};

TEST_P(GoodCaNameTest, HasNothingAgainstIt) {
    EXPECT_EQ(advice("/CN=" + GetParam()), std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(Names, GoodCaNameTest,
                         ::testing::Values("Example Issuing CA", "CA v1.2", "Example Inc.",
                                           "Node No. 3", "1.2.3.4", "ca", "Müller CA",
                                           std::string(64, 'x')));

struct Bad {
    const char* name;
    const char* says;
};
class BadCaNameTest : public ::testing::TestWithParam<Bad> {};

TEST_P(BadCaNameTest, IsAdvisedAgainstInOneSentence) {
    const auto told = advice(GetParam().name);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_NE(told.front().find(GetParam().says), std::string::npos) << told.front();
}

INSTANTIATE_TEST_SUITE_P(
    Names, BadCaNameTest,
    ::testing::Values(Bad{"/CN=ca.example.com", "looks like a host's"},
                      Bad{"/CN=PKI-1.Example.ORG", "looks like a host's"},
                      Bad{"/CN=Example_CA", "has an underscore"},
                      Bad{"/O=Example", "has no common name"},
                      // 38 characters of two octets each: over 37 where none is Latin.
                      Bad{"/CN=ΑΒΓΔΕΖΗΘΙΚΑΒΓΔΕΖΗΘΙΚΑΒΓΔΕΖΗΘΙΚΑΒΓΔΕΖΗΘ",
                          "has 38 characters: over 37"}));

TEST(CaNameAdviceTest, LengthIsCountedInCharactersAndNotInOctets) {
    EXPECT_EQ(advice("/CN=ΑΒΓΔΕΖΗΘΙΚΑΒΓΔΕΖΗΘΙΚΑΒΓΔΕΖΗΘΙΚΑΒΓΔΕΖΗ"), std::vector<std::string>{});
}

TEST(CaNameAdviceTest, EveryFaultOfANameIsTold) {
    const auto told = advice("/CN=ca_1.example.com");
    EXPECT_EQ(told.size(), 1U) << "no host's name has an underscore";
    EXPECT_EQ(advice("/CN=" + std::string(65, 'a') + "_b").size(), 2U);
}

}  // namespace
}  // namespace scepgate::server::this_file

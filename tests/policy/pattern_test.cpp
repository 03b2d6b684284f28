#include "policy/pattern.hpp"

#include <gtest/gtest.h>

namespace scepgate::policy::testing::this_file {
namespace {

TEST(PatternTest, MatchesTheWholeValue) {
    const auto pattern = Pattern::compile("device-[0-9]+").value();
    EXPECT_TRUE(pattern.matches("device-17"));
    EXPECT_FALSE(pattern.matches("device-17 admin"));
    EXPECT_FALSE(pattern.matches("admin device-17"));
    EXPECT_FALSE(pattern.matches("device-17\n"));
    EXPECT_FALSE(pattern.matches(std::string_view("device-17\0", 10)));
    EXPECT_FALSE(pattern.matches("Device-17"));
    EXPECT_TRUE(Pattern::compile("(?i)device-[0-9]+")->matches("Device-17"));
}

TEST(PatternTest, AlternativesAreBoundAtBothEnds) {
    const auto pattern = Pattern::compile("a|b").value();
    EXPECT_TRUE(pattern.matches("a"));
    EXPECT_FALSE(pattern.matches("ax"));
    EXPECT_FALSE(pattern.matches("xb"));
}

TEST(PatternTest, CountsUnicodeCharactersAsOne) {
    EXPECT_TRUE(Pattern::compile("J.rg")->matches("J\xC3\xB6rg"));
}

TEST(PatternTest, RefusesWhatItCannotCompile) {
    std::string long_one(Pattern::kMaximumLength + 1, 'a');
    for (const std::string& text :
         {std::string(), std::string("("), std::string("a**"), std::string("(a)\\1"),
          std::string("(?=a)"), long_one, std::string("((a{100}){100}){100}")}) {
        const auto pattern = Pattern::compile(text);
        ASSERT_FALSE(pattern) << text;
        EXPECT_EQ(pattern.error().code, Errc::kConfig);
    }
}

TEST(PatternTest, ADisastrousPatternForOthersEndsHere) {
    // Exponential for backtracking engines: this test would not come to its end.
    const auto pattern = Pattern::compile("(a*)*(a*)*(a*)*b").value();
    EXPECT_FALSE(pattern.matches(std::string(4096, 'a')));
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file

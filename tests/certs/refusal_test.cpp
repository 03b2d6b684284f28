#include "certs/refusal.hpp"

#include <gtest/gtest.h>

#include "certs/excerpt.hpp"
#include "certs/result.hpp"

namespace scepgate::this_file {
namespace {

constexpr Reason kReason{FailInfo::kBadRequest, "Code", "check", "hint"};

TEST(ExcerptTest, CutsWhereACharacterEnds) {
    EXPECT_EQ(excerpt("abc", 3), "abc");
    EXPECT_EQ(excerpt("abcd", 3), "abc…");
    EXPECT_EQ(excerpt("aäb", 2), "a…");
    EXPECT_EQ(excerpt(std::string(5, '\x80'), 3), "…") << "no UTF-8 at all";
}

TEST(RefusalTest, EveryPartThatMayQuoteAStrangerIsCut) {
    const std::string longest(100'000, 'x');
    constexpr std::size_t kCut = 510;
    const Refusal all[] = {
        refused(FailInfo::kBadRequest, "Code", {longest, longest, longest, longest}),
        refused(FailInfo::kBadRequest, "Code", longest, longest),
        refused(kReason, longest, longest),
        refused(kReason, longest),
    };
    for (const Refusal& refusal : all) {
        EXPECT_LT(refusal.check.size(), kCut);
        EXPECT_LT(refusal.expected.size(), kCut);
        EXPECT_LT(refusal.found.size(), kCut);
        EXPECT_LT(refusal.hint.size(), kCut);
        EXPECT_LT(refusal.text.size(), 3 * kCut + 30);
        EXPECT_NE(refusal.text.find("…"), std::string::npos);
    }
}

TEST(RefusalTest, AnUncheckedResultThrowsWithTheCode) {
    const Result<int, Refusal> result =
        Refusal{FailInfo::kBadRequest, "SubjectNameMismatch", "", false};
    try {
        (void)result.value();
        FAIL();
    } catch (const std::logic_error& error) {
        EXPECT_NE(std::string(error.what()).find("SubjectNameMismatch"), std::string::npos);
    }
}

}  // namespace
}  // namespace scepgate::this_file

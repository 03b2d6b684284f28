#include "policy/failed_matches.hpp"

#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "certs/certificate_builder.hpp"
#include "certs/oids.hpp"
#include "tests/policy/support/requests.hpp"

namespace scepgate::policy::testing::this_file {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

Sha256 attempt(std::size_t number) {
    return sha256(as_bytes(std::to_string(number)));
}

void fail(FailedMatches& matches, const std::string& challenge, std::size_t times,
          std::int64_t now = kNow) {
    for (std::size_t i = 0; i < times; ++i)
        matches.add(challenge, attempt(i), now);
}

TEST(FailedMatchesTest, A_C14_FiveDifferentOnesLockThatChallengeAlone) {
    FailedMatches matches;
    fail(matches, "a", FailedMatches::kMost - 1);
    EXPECT_FALSE(matches.locked("a", kNow));
    fail(matches, "a", FailedMatches::kMost);
    EXPECT_TRUE(matches.locked("a", kNow));
    EXPECT_FALSE(matches.locked("b", kNow));
}

TEST(FailedMatchesTest, A_C14_TheSameAgainAndAgainIsNoGuessing) {
    FailedMatches matches;
    for (int i = 0; i < 100; ++i)
        matches.add("a", attempt(0), kNow);
    EXPECT_FALSE(matches.locked("a", kNow));
}

TEST(FailedMatchesTest, A_C14_WhoTriesSlowlyIsLockedToo) {
    FailedMatches matches;
    for (std::size_t day = 0; day < FailedMatches::kMost; ++day)
        matches.add("a", attempt(day), kNow + static_cast<std::int64_t>(day) * 86'400);
    EXPECT_TRUE(matches.locked("a", kNow + std::int64_t{FailedMatches::kMost - 1} * 86'400));
}

TEST(FailedMatchesTest, A_C14_TheLockEndsHoweverOftenItIsTriedAndTheNextIsLonger) {
    FailedMatches matches;
    std::int64_t now = kNow;
    std::int64_t length = FailedMatches::kFirstLock;
    for (std::size_t round = 0; round < 12; ++round) {
        fail(matches, "a", FailedMatches::kMost, now);
        for (std::size_t i = 0; i < 100; ++i)
            matches.add("a", attempt(100 + i), now + length - 1);
        EXPECT_TRUE(matches.locked("a", now + length - 1));
        EXPECT_FALSE(matches.locked("a", now + length));
        now += length;
        length = std::min(2 * length, FailedMatches::kLongestLock);
    }
}

TEST(FailedMatchesTest, A_C14_AfterALockItTakesFiveMoreForTheNext) {
    FailedMatches matches;
    fail(matches, "a", FailedMatches::kMost);
    const std::int64_t now = kNow + FailedMatches::kFirstLock;
    for (std::size_t i = 1; i <= FailedMatches::kMost; ++i) {
        EXPECT_FALSE(matches.locked("a", now)) << i;
        matches.add("a", attempt(100 + i), now);
    }
    EXPECT_TRUE(matches.locked("a", now));
}

TEST(FailedMatchesTest, A_A03_AClockThatIsSetBackLocksNothingForLonger) {
    FailedMatches matches;
    const std::int64_t ahead = kNow + 365 * 86'400;
    fail(matches, "a", FailedMatches::kMost, ahead);
    EXPECT_TRUE(matches.locked("a", ahead));
    EXPECT_FALSE(matches.locked("a", kNow));
    fail(matches, "b", FailedMatches::kMost, kNow);
    EXPECT_TRUE(matches.locked("b", kNow));
    EXPECT_FALSE(matches.locked("b", kNow + FailedMatches::kFirstLock));
}

TEST(FailedMatchesTest, A_C14_ItsMemoryIsBoundedAndTheOldestGoFirst) {
    FailedMatches matches(2);
    fail(matches, "a", FailedMatches::kMost);
    fail(matches, "b", FailedMatches::kMost);
    fail(matches, "a", FailedMatches::kMost);
    fail(matches, "c", FailedMatches::kMost);
    EXPECT_FALSE(matches.locked("a", kNow));
    EXPECT_TRUE(matches.locked("b", kNow));
    EXPECT_TRUE(matches.locked("c", kNow));
}

certs::Csr csr(const certs::CsrContents& contents, const char* key = "device") {
    return request(contents, private_key(key)).csr;
}

TEST(FailedMatchesTest, A_C14_AnAttemptIsWhatTheCsrAsksForWhateverItsKeyOrOrder) {
    const certs::CsrContents asked = matching_contents("secret");
    const Sha256 attempt = attempt_of(csr(asked));
    EXPECT_EQ(attempt, attempt_of(csr(asked, "recipient-ec")));
    certs::CsrContents same = matching_contents("another challenge");
    std::swap(same.subject_alt_name[0], same.subject_alt_name[1]);
    EXPECT_EQ(attempt, attempt_of(csr(same)));
}

TEST(FailedMatchesTest, A_C14_EachThingThatACsrAsksForMakesItAnotherAttempt) {
    using Change = void (*)(certs::CsrContents&);
    const std::vector<Change> changes = {
        [](auto&) {},
        [](auto& c) { c.subject = certs::Name::from_text("CN=other").value(); },
        [](auto& c) { c.subject = {}; },
        [](auto& c) { c.subject_alt_name.pop_back(); },
        [](auto& c) { c.subject_alt_name.clear(); },
        [](auto& c) { c.key_usage.reset(); },
        [](auto& c) { c.key_usage = certs::KeyUsage{certs::KeyUsageBit::kKeyEncipherment}; },
        [](auto& c) { c.extended_key_usage.clear(); },
        [](auto& c) {
            c.extended_key_usage = {certs::extended_key_usage_from_text("serverAuth").value()};
        },
        [](auto& c) {
            c.more_extensions = {
                certs::encode_extension(certs::oid::kNtdsCaSecurity, false,
                                        certs::encode_sid_extension("S-1-5-21-1-2-3-500"))};
        },
    };
    std::set<Sha256> attempts;
    for (const Change change : changes) {
        certs::CsrContents asked = matching_contents();
        change(asked);
        attempts.insert(attempt_of(csr(asked)));
    }
    EXPECT_EQ(attempts.size(), changes.size());
}

TEST(FailedMatchesTest, IsSafeToUseFromManyThreads) {
    FailedMatches matches(3);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
        threads.emplace_back([&matches, t] {
            for (std::size_t i = 0; i < 200; ++i) {
                matches.add(std::to_string((i + t) % 7), attempt(i), kNow);
                (void)matches.locked(std::to_string(i % 7), kNow);
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    fail(matches, "a", FailedMatches::kMost);
    EXPECT_TRUE(matches.locked("a", kNow));
}

}  // namespace
}  // namespace scepgate::policy::testing::this_file

// Who is let in: connections, and messages for the workers.
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "server/http_address.hpp"
#include "server/http_connections.hpp"
#include "server/worker_pool.hpp"

namespace scepgate::server::this_file {
namespace {

using boost::asio::ip::make_address;
using std::chrono::milliseconds;

HttpLimits limits() {
    HttpLimits made;
    made.connections = 3;
    made.connections_per_address = 2;
    return made;
}

TEST(ConnectionCountsTest, H08_AsManyAsMayAndNoMore) {
    ConnectionCounts counts(limits());
    const auto first = counts.admit(make_address("192.0.2.1"));
    auto second = counts.admit(make_address("192.0.2.2"));
    const auto third = counts.admit(make_address("192.0.2.3"));
    EXPECT_TRUE(first && second && third);
    EXPECT_FALSE(counts.admit(make_address("192.0.2.4")));
    second.reset();
    EXPECT_TRUE(counts.admit(make_address("192.0.2.4")));
}

TEST(ConnectionCountsTest, H05_LargeRequestsShareWhatTheyHoldAndGiveItBack) {
    constexpr std::size_t kSmall = ConnectionCounts::kSmall, kMost = ConnectionCounts::kMostLarge;
    ConnectionCounts counts(limits());
    auto one = counts.admit(make_address("192.0.2.1"));
    ASSERT_TRUE(one && one->hold(kSmall + kMost - 10));
    {
        auto other = counts.admit(make_address("192.0.2.2"));
        ASSERT_TRUE(other && other->hold(kSmall + 10));
        EXPECT_FALSE(other->hold(kSmall + 11));
        EXPECT_FALSE(one->hold(kSmall + kMost));
        EXPECT_TRUE(other->hold(kSmall)) << "small ones count nothing";
        EXPECT_TRUE(one->hold(kSmall + kMost));
        EXPECT_FALSE(other->hold(kSmall + 1));
        EXPECT_TRUE(one->hold(0));
        EXPECT_TRUE(other->hold(kSmall + kMost));
        const auto moved = std::move(*other);
        EXPECT_FALSE(one->hold(kSmall + 1)) << "the place holds on";
    }
    EXPECT_TRUE(one->hold(kSmall + kMost)) << "the other is gone";
}

TEST(ConnectionCountsTest, H08_AsManyOfOneAddressAsMayAndNoMore) {
    ConnectionCounts counts(limits());
    const auto first = counts.admit(make_address("192.0.2.1"));
    const auto second = counts.admit(make_address("192.0.2.1"));
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(counts.admit(make_address("192.0.2.1")));
    EXPECT_TRUE(counts.admit(make_address("192.0.2.2")));
}

// One subscriber has them all.
TEST(ConnectionCountsTest, H08_TheAddressesOfOneIpv6NetworkAreOne) {
    ConnectionCounts counts(limits());
    const auto first = counts.admit(make_address("2001:db8:0:1::1"));
    const auto second = counts.admit(make_address("2001:db8:0:1:ffff:ffff:ffff:ffff"));
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(counts.admit(make_address("2001:db8:0:1::2")));
    EXPECT_TRUE(counts.admit(make_address("2001:db8:0:2::1"))) << "the next network";
}

TEST(WorkerPoolTest, HasAsManyPlacesAsItSays) {
    WorkerPool pool(1, 2);
    auto first = pool.take_place();
    const auto second = pool.take_place();
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(pool.take_place());
    first.reset();
    EXPECT_TRUE(pool.take_place());
}

/// Work begins every `step`, and leaves `waiting`.
QueuePace::Clock::time_point begin_often(QueuePace& pace, QueuePace::Clock::time_point now,
                                         milliseconds step, std::size_t count,
                                         std::size_t waiting) {
    for (std::size_t i = 0; i < count; ++i)
        pace.begun(now += step, waiting);
    return now;
}

TEST(QueuePaceTest, KnowsHowLongTheLastOfAQueueWaits) {
    QueuePace pace;
    const auto now = begin_often(pace, {}, milliseconds(10), 33, 5);
    EXPECT_EQ(pace.wait(now, 30), milliseconds(300));
}

TEST(QueuePaceTest, LearnsNothingFromWorkersThatWaitForWork) {
    QueuePace pace;
    const auto now = begin_often(pace, {}, milliseconds(1000), 50, 0);
    EXPECT_EQ(pace.wait(now + std::chrono::hours(1), 30), milliseconds(0));
    const auto full = begin_often(pace, now, milliseconds(2), 33, 1);
    const auto empty = begin_often(pace, full, milliseconds(2), 1, 0);
    begin_often(pace, empty, milliseconds(1000), 50, 0);
    EXPECT_EQ(pace.wait(empty, 10), milliseconds(20));
}

TEST(QueuePaceTest, FollowsAMachineThatSlowsDown) {
    QueuePace pace;
    auto now = begin_often(pace, {}, milliseconds(1), 100, 5);
    now = begin_often(pace, now, milliseconds(8), 400, 5);
    EXPECT_GT(pace.wait(now, 100), milliseconds(790));
}

TEST(QueuePaceTest, WorkersThatAreStuckCountAsLongAsTheyAre) {
    QueuePace pace;
    const auto now = begin_often(pace, {}, milliseconds(1), 33, 5);
    EXPECT_EQ(pace.wait(now + milliseconds(900), 6), milliseconds(900));
}

TEST(WorkerPoolTest, TurnsAwayWhatWouldWaitTooLongAndTakesWhatWouldNot) {
    WorkerPool pool(1, 1000, milliseconds(1));
    std::vector<WorkerPool::Place> waiting;
    for (std::size_t i = 0; i < 100; ++i)
        waiting.push_back(*pool.take_place());
    for (std::size_t i = 0; i < 18; ++i) {  // the first two windows' worth, one every 2 ms at least
        std::this_thread::sleep_for(milliseconds(2));
        waiting[i].begin();
    }
    EXPECT_FALSE(pool.take_place()) << "82 wait, at 2 ms each";
    while (waiting.size() > 19)
        waiting.pop_back();
    EXPECT_TRUE(pool.take_place()) << "one waits, which is never too long";
}

/// As many places as `owner` gets.
std::vector<WorkerPool::Place> fill(WorkerPool& pool, const std::string& owner) {
    std::vector<WorkerPool::Place> places;
    while (auto place = pool.take_place(owner))
        places.push_back(*std::move(place));
    return places;
}

TEST(WorkerPoolTest, H20_E15_OneOwnerTakesHalfOfThePlacesTwoTwoThirdsAndANewcomerFindsRoom) {
    WorkerPool pool(1, 60);
    const auto one = fill(pool, "one");
    EXPECT_EQ(one.size(), 30U);
    const auto other = fill(pool, "other");
    EXPECT_EQ(other.size(), 15U);
    EXPECT_FALSE(pool.take_place("one"));
    EXPECT_TRUE(pool.take_place("newcomer"));
    EXPECT_TRUE(pool.take_place()) << "who is none of many takes what is left";
}

TEST(WorkerPoolTest, H20_E15_OneOwnerTakesHalfOfTheTimeThatOneMayWait) {
    WorkerPool pool(1, 10'000, milliseconds(100));
    std::vector<WorkerPool::Place> taught;
    for (std::size_t i = 0; i < 40; ++i)
        taught.push_back(*pool.take_place());
    for (auto& place : taught) {  // one every 2 ms at least
        std::this_thread::sleep_for(milliseconds(2));
        place.begin();
    }
    taught.clear();
    const auto one = fill(pool, "one");
    EXPECT_GE(one.size(), 8U) << "so few are always taken, whoever's they are";
    EXPECT_LE(one.size(), 25U) << "50 ms, at 2 ms each";
    EXPECT_TRUE(pool.take_place("newcomer"));
}

TEST(WorkerPoolTest, NothingIsKeptOfOwnersWhoHaveNoPlaces) {
    WorkerPool pool(1, 100);
    {
        auto first = pool.take_place("one");
        auto second = pool.take_place("one");
        auto other = pool.take_place("other");
        ASSERT_TRUE(first && second && other);
        first->begin();
        EXPECT_EQ(pool.owners(), 2U);
        first.reset();
        EXPECT_EQ(pool.owners(), 2U);
        const auto moved = *std::move(second);
        second.reset();
        EXPECT_EQ(pool.owners(), 2U);
    }
    EXPECT_EQ(pool.owners(), 0U);
    EXPECT_EQ(fill(pool, "one").size(), 50U);
}

TEST(OwnerTest, H15_AnIpv4AddressAndAnIpv6NetworkAreOneOwnerEach) {
    EXPECT_EQ(owner_of("192.0.2.1"), owner_of(make_address("192.0.2.1")));
    EXPECT_EQ(owner_of("192.0.2.1"), owner_of("::ffff:192.0.2.1"));
    EXPECT_NE(owner_of("192.0.2.1"), owner_of("192.0.2.2"));
    EXPECT_EQ(owner_of("2001:db8:0:1::1"), owner_of("2001:db8:0:1:ffff::"));
    EXPECT_NE(owner_of("2001:db8:0:1::1"), owner_of("2001:db8:0:2::1"));
    EXPECT_EQ(owner_of(std::string(1000, 'x')).size(), 64U) << "of what is no address";
}

TEST(WorkerPoolTest, ItsPlacesAreGivenBackWhetherTheyWaitedOrNot) {
    WorkerPool pool(1, 2, milliseconds(1));
    for (const bool begins : {true, false, true, false}) {
        auto one = pool.take_place();
        auto other = pool.take_place();
        ASSERT_TRUE(one && other);
        if (begins) one->begin();
        EXPECT_FALSE(pool.take_place());
    }
}

}  // namespace
}  // namespace scepgate::server::this_file

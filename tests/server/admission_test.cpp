// Who is let in: connections, and messages for the workers.
#include <gtest/gtest.h>

#include "server/http_connections.hpp"
#include "server/worker_pool.hpp"

namespace scepgate::server {
namespace {

using boost::asio::ip::make_address;

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

}  // namespace
}  // namespace scepgate::server

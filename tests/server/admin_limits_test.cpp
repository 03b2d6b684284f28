#include <gtest/gtest.h>

#include "server/admin/limits.hpp"

namespace scepgate::server::admin::this_file {
namespace {

using std::chrono::seconds;

const TimePoint kStart{std::chrono::hours(1000)};

TEST(FailedLoginsTest, TheTenthFailureMakesTheAddressWait) {
    FailedLogins failures;
    for (unsigned i = 1; i < FailedLogins::kMost; ++i)
        EXPECT_FALSE(failures.failed("192.0.2.1", kStart));
    EXPECT_EQ(failures.wait("192.0.2.1", kStart), seconds(0));
    EXPECT_TRUE(failures.failed("192.0.2.1", kStart + seconds(10)));
    EXPECT_EQ(failures.wait("192.0.2.1", kStart + seconds(10)), seconds(290));
    EXPECT_EQ(failures.wait("192.0.2.2", kStart + seconds(10)), seconds(0));
}

TEST(FailedLoginsTest, AfterThePeriodItMayTryAgain) {
    FailedLogins failures;
    for (unsigned i = 0; i < FailedLogins::kMost; ++i)
        failures.failed("192.0.2.1", kStart);
    EXPECT_EQ(failures.wait("192.0.2.1", kStart + FailedLogins::kPeriod), seconds(0));
    EXPECT_FALSE(failures.failed("192.0.2.1", kStart + FailedLogins::kPeriod));
}

TEST(FailedLoginsTest, ANetworkOfIPv6IsOneAddress) {
    FailedLogins failures;
    for (unsigned i = 0; i < FailedLogins::kMost; ++i)
        failures.failed("2001:db8::" + std::to_string(i), kStart);
    EXPECT_GT(failures.wait("2001:db8::ffff", kStart), seconds(0));
    EXPECT_EQ(failures.wait("2001:db8:0:1::1", kStart), seconds(0));
}

TEST(FailedLoginsTest, RemembersABoundedNumberOfAddresses) {
    FailedLogins failures;
    for (std::size_t i = 0; i < FailedLogins::kMostAddresses + 500; ++i) {
        failures.failed("10.1." + std::to_string(i / 256) + "." + std::to_string(i % 256),
                        kStart + std::chrono::milliseconds(i));
    }
    EXPECT_EQ(failures.addresses(), FailedLogins::kMostAddresses);
}

TEST(RequestRatesTest, AllMayComeAtOnceAndThenOneByOne) {
    RequestRates rates;
    const RequestRate rate{3, 60};
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(rates.take("mdm", rate, kStart), seconds(0));
    EXPECT_EQ(rates.take("mdm", rate, kStart), seconds(20));
    EXPECT_EQ(rates.take("other", rate, kStart), seconds(0));
    EXPECT_EQ(rates.take("mdm", rate, kStart + seconds(20)), seconds(0));
    EXPECT_GT(rates.take("mdm", rate, kStart + seconds(20)), seconds(0));
}

TEST(RequestRatesTest, UnusedTimeIsNotSavedBeyondTheRate) {
    RequestRates rates;
    const RequestRate rate{2, 1};
    EXPECT_EQ(rates.take("mdm", rate, kStart), seconds(0));
    const TimePoint later = kStart + std::chrono::hours(1);
    EXPECT_EQ(rates.take("mdm", rate, later), seconds(0));
    EXPECT_EQ(rates.take("mdm", rate, later), seconds(0));
    EXPECT_EQ(rates.take("mdm", rate, later), seconds(1));
}

TEST(RequestRatesTest, AStricterRateOfANewConfigurationCountsAtOnce) {
    RequestRates rates;
    EXPECT_EQ(rates.take("mdm", {1000, 1}, kStart), seconds(0));
    EXPECT_EQ(rates.take("mdm", {1, 60}, kStart), seconds(0));
    EXPECT_GT(rates.take("mdm", {1, 60}, kStart), seconds(0));
}

}  // namespace
}  // namespace scepgate::server::admin::this_file

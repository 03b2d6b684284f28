#include "server/descriptors.hpp"

#include <sys/resource.h>

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

struct Fitted {
    Config config;
    ConfigFaults faults;
};

Fitted fit(std::size_t descriptors, bool admin = false, std::size_t connections = 20'000) {
    Fitted fitted;
    fitted.config.http.limits.connections = connections;
    fitted.config.crypto_threads = fitted.config.http.io_threads = 2;
    if (admin) {
        HttpSettings& http = fitted.config.admin.emplace().http;
        http.io_threads = 1;
        http.limits.connections = 256;
        http.limits.connections_per_address = 64;
    }
    fit_connections(fitted.config, descriptors, fitted.faults);
    return fitted;
}

TEST(DescriptorsTest, H05_LeavesLimitsThatFitAlone) {
    for (const bool admin : {false, true}) {
        const Fitted fitted = fit(32'768, admin);
        EXPECT_EQ(fitted.config.http.limits.connections, 20'000U);
        EXPECT_EQ(fitted.config.http.limits.connections_per_address, 2'000U);
        EXPECT_TRUE(fitted.faults.list().empty());
    }
}

TEST(DescriptorsTest, H05_LowersTheLimitsSoThatDescriptorsAreLeftAndSaysHowToMendIt) {
    for (const std::size_t descriptors : {256U, 1024U, 4096U}) {
        for (const bool admin : {false, true}) {
            const Fitted fitted = fit(descriptors, admin);
            const HttpLimits& limits = fitted.config.http.limits;
            const std::size_t all =
                limits.connections + (admin ? fitted.config.admin->http.limits.connections : 0);
            EXPECT_LE(all + all / 10 + 60, descriptors);
            EXPECT_GE(limits.connections, descriptors / 16);
            EXPECT_LE(limits.connections_per_address * 2, limits.connections);
            ASSERT_EQ(fitted.faults.list().size(), 1U);
            EXPECT_TRUE(fitted.faults.list()[0].warning);
            EXPECT_NE(fitted.faults.list()[0].remedy.find("LimitNOFILE"), std::string::npos);
        }
    }
}

TEST(DescriptorsTest, H05_TellsFewerOf503BeforeItTakesFewer) {
    const Fitted fitted = fit(512, false, 100);
    EXPECT_EQ(fitted.config.http.limits.connections, 100U);
    EXPECT_EQ(fitted.config.http.limits.told_per_second, 5U);
    EXPECT_TRUE(fitted.faults.list().empty());
}

TEST(DescriptorsTest, H05_SaysNothingWhereNearlyAllFit) {
    const Fitted fitted = fit(20'000);
    EXPECT_LT(fitted.config.http.limits.connections, 19'000U);
    EXPECT_GT(fitted.config.http.limits.connections, 17'000U);
    EXPECT_TRUE(fitted.faults.list().empty());
}

TEST(DescriptorsTest, H05_SomeConnectionsAreTakenWithHardlyAnyDescriptors) {
    for (const std::size_t descriptors : {0U, 1U, 16U}) {
        const HttpLimits limits = fit(descriptors, true).config.http.limits;
        EXPECT_GE(limits.connections, 1U);
        EXPECT_GE(limits.connections_per_address, 1U);
    }
}

TEST(DescriptorsTest, H05_RaisesTheSoftLimitToTheHardOne) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit low{before.rlim_max / 2, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    EXPECT_EQ(raise_descriptor_limit(), before.rlim_max);
    rlimit now{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &now), 0);
    EXPECT_EQ(now.rlim_cur, before.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace scepgate::server::this_file

#include "server/libcrypto_gate.hpp"

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

/// "ok", "error", "warning", or "error warning".
std::string verdict(const LibcryptoVersion& running, const LibcryptoVersion& compiled,
                    bool patched = false) {
    ConfigFaults faults;
    judge_libcrypto(running, compiled, patched, faults);
    std::string found;
    for (const auto& fault : faults.list()) {
        EXPECT_EQ(fault.path, "openssl_patched");
        EXPECT_FALSE(fault.remedy.empty());
        found += (found.empty() ? "" : " ") + std::string(fault.warning ? "warning" : "error");
    }
    return found.empty() ? "ok" : found;
}

TEST(LibcryptoGateTest, A_E14_TakesEachSeriesFromItsFixedReleaseOn) {
    for (const LibcryptoVersion& fixed :
         {LibcryptoVersion{3, 0, 22}, LibcryptoVersion{3, 4, 6}, LibcryptoVersion{3, 5, 7},
          LibcryptoVersion{3, 6, 3}, LibcryptoVersion{4, 0, 1}}) {
        EXPECT_EQ(verdict(fixed, fixed), "ok") << fixed.major << fixed.minor;
        LibcryptoVersion before = fixed;
        --before.patch;
        EXPECT_EQ(verdict(before, before), "error") << fixed.major << fixed.minor;
        LibcryptoVersion after = fixed;
        ++after.patch;
        EXPECT_EQ(verdict(after, fixed), "ok") << "a newer release of the series is as good";
    }
}

TEST(LibcryptoGateTest, A_E14_TakesNoSeriesThatEndedBeforeTheFixes) {
    for (const unsigned minor : {1U, 2U, 3U}) {
        const LibcryptoVersion ended{3, minor, 99};
        EXPECT_EQ(verdict(ended, ended), "error") << minor;
    }
    EXPECT_EQ(verdict({1, 1, 1}, {1, 1, 1}), "error");
    EXPECT_EQ(verdict({4, 1, 0}, {4, 1, 0}), "ok") << "what came later has them from the start";
}

TEST(LibcryptoGateTest, A_E14_TakesTheAdministratorsWordForADistributorsFixes) {
    EXPECT_EQ(verdict({3, 0, 13}, {3, 0, 13}, true), "ok");
    EXPECT_EQ(verdict({3, 2, 2}, {3, 2, 2}, true), "ok");
}

TEST(LibcryptoGateTest, A_E14_WarnsOfAnotherLibraryThanItWasCompiledFor) {
    EXPECT_EQ(verdict({3, 0, 22}, {3, 0, 23}), "warning") << "an older release";
    EXPECT_EQ(verdict({3, 5, 7}, {3, 0, 22}), "warning") << "another series";
    EXPECT_EQ(verdict({3, 0, 13}, {3, 0, 22}), "error warning");
}

}  // namespace
}  // namespace scepgate::server::this_file

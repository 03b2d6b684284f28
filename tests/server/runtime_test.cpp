#include "server/runtime.hpp"

#include <gtest/gtest.h>

namespace scepgate::server::this_file {
namespace {

std::shared_ptr<const Endpoint> endpoint(std::vector<std::string> paths) {
    auto made = std::make_shared<Endpoint>();
    made->name = paths.front();
    made->paths = std::move(paths);
    return made;
}

class RoutingTest : public ::testing::Test {
protected:
    std::string routed(std::string_view path) const {
        const auto found = runtime_.route(path);
        return found ? found->name : "none";
    }

    Runtime runtime_{{endpoint({"/scep", "/certsrv/mscep/mscep.dll"}), endpoint({"/scep/second"})}};
};

TEST_F(RoutingTest, E03_TakesPathsWithoutCaseAndAnySuffixBelow) {
    for (const char* path :
         {"/scep", "/SCEP", "/scep/", "/scep/pkiclient.exe", "/scep/ca1/pkiclient.exe",
          "/certsrv/mscep/mscep.dll", "/CertSrv/mscep/MSCEP.dll/pkiclient.exe"}) {
        EXPECT_EQ(routed(path), "/scep") << path;
    }
}

TEST_F(RoutingTest, TheLongestPathWins) {
    EXPECT_EQ(routed("/scep/second"), "/scep/second");
    EXPECT_EQ(routed("/scep/second/pkiclient.exe"), "/scep/second");
    EXPECT_EQ(routed("/scep/secondary"), "/scep");
}

TEST_F(RoutingTest, H11_OddPathsReachNothing) {
    for (const char* path :
         {"", "/", "/scepx", "/other", "//scep", "/scep/../etc/passwd", "/scep//x",
          "/scep/%2e%2e/x", "/scep/%00", "/scep\\x", "/scep/a b", "scep"}) {
        EXPECT_EQ(routed(path), "none") << path;
    }
}

TEST(RolloverTest, TheSuccessorIsThereFromItsTimeOn) {
    auto later = std::make_shared<Endpoint>();
    later->name = "later";
    auto now = std::make_shared<Endpoint>();
    now->name = "now";
    now->paths = {"/scep"};
    now->next = later;
    now->next_from = 1000;
    const auto clock = std::make_shared<certs::FixedClock>(999);
    const Runtime runtime({now}, 4096, clock);
    EXPECT_EQ(runtime.route("/scep")->name, "now");
    EXPECT_EQ(runtime.route("/scep/pkiclient.exe")->name, "now");
    clock->set(1000);
    EXPECT_EQ(runtime.route("/scep")->name, "later");
    EXPECT_EQ(runtime.route("/scep/pkiclient.exe")->name, "later");
    clock->set(999);
    EXPECT_EQ(runtime.route("/scep")->name, "now") << "a clock that was put back";
}

}  // namespace
}  // namespace scepgate::server::this_file

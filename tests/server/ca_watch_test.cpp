#include "server/ca_watch.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/server/support/config_lab.hpp"

namespace scepgate::server::testing::this_file {
namespace {

constexpr std::int64_t kNow = ConfigLab::kNow;
constexpr std::int64_t kDay = ConfigLab::kDay;
/// The lab's CA began 100 days before kNow and ends 1000 days after it.
constexpr std::int64_t kHalf = kNow + 450 * kDay;

class CaWatchTest : public ::testing::Test {
protected:
    /// The CAs that are warned of at `now`, in order.
    std::vector<std::string> warned(std::int64_t now) {
        const auto runtime = lab.build();
        if (!runtime) return {"not built"};
        LogConfig config;
        config.format = LogConfig::Format::kJson;
        config.file = lab.config.cas.at("ca").certificate.parent_path() / "watch.log";
        std::filesystem::remove(*config.file);
        const auto log = Log::open(config).value();
        log_aging_cas(*runtime, now, *log);
        log->flush();
        std::vector<std::string> names;
        std::ifstream stream(*config.file);
        for (std::string line; std::getline(stream, line);) {
            const auto json = nlohmann::json::parse(line);
            EXPECT_EQ(json["level"], "warning");
            names.push_back(json["ca"]);
            last = json;
        }
        return names;
    }

    ConfigLab lab;
    nlohmann::json last;
};

using Names = std::vector<std::string>;

TEST_F(CaWatchTest, NothingIsSaidOfACaInTheFirstHalfOfItsLife) {
    EXPECT_EQ(warned(kHalf - 1), Names{});
}

TEST_F(CaWatchTest, ACaPastHalfOfItsLifeIsWarnedOfWithItsDates) {
    EXPECT_EQ(warned(kHalf), Names{"CN=ca"});
    EXPECT_EQ(last["since"], certs::utc_text(kHalf));
    EXPECT_EQ(last["not_after"], certs::utc_text(kNow + 1000 * kDay));
}

TEST_F(CaWatchTest, ACaOfSeveralEndpointsIsWarnedOfOnce) {
    EndpointConfig second = lab.endpoint();
    second.json_path = "endpoints[1]";
    second.name = "/second";
    second.paths = {"/second"};
    lab.config.endpoints.push_back(second);
    EXPECT_EQ(warned(kHalf), Names{"CN=ca"});
}

TEST_F(CaWatchTest, NothingIsSaidWhereTheSuccessorIsNamed) {
    lab.add_next(kNow + 900 * kDay);
    EXPECT_EQ(warned(kHalf), Names{});
}

TEST_F(CaWatchTest, ASuccessorThatTookOverIsWatchedInItsTurn) {
    ConfigLab::Made next = ConfigLab::of_ca();
    next.not_after = kNow + 100 * kDay;  // half of its life is over at kNow
    ConfigLab::Made ra = ConfigLab::of_ra();
    ra.not_after = next.not_after;
    lab.add_next(kNow + 10 * kDay, next, ra);
    EXPECT_EQ(warned(kNow + 10 * kDay - 1), Names{});
    EXPECT_EQ(warned(kNow + 10 * kDay), Names{"CN=next"});
}

}  // namespace
}  // namespace scepgate::server::testing::this_file

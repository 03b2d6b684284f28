#include "server/revocation_polling.hpp"

#include "tests/server/support/intune_feed.hpp"

namespace scepgate::server::this_file {
namespace {

class RevocationPollingTest : public testing::IntuneFeedTest {
protected:
    Result<policy::HttpAnswer> connector(const policy::testing::FakeHttp::Seen&) override {
        throw std::runtime_error("no memory");
    }
};

TEST_F(RevocationPollingTest, AFaultDoesNotEndAFeed) {
    RevocationPolling polling(parts_);
    std::vector<RevocationFeed> feeds;
    feeds.push_back(feed());
    polling.start(std::move(feeds));
    std::string text;
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
         text.empty() && std::chrono::steady_clock::now() < end;)
        text = logged();
    EXPECT_NE(text.find("no memory"), std::string::npos) << text;
    EXPECT_NE(text.find("3600"), std::string::npos) << "it goes on, late: " << text;
    polling.stop();
}

}  // namespace
}  // namespace scepgate::server::this_file

#include "server/notifier.hpp"

#include <condition_variable>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/server/support/service_lab.hpp"

namespace scepgate::server::this_file {
namespace {

using testing::kNow;

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";
constexpr std::chrono::seconds kPatience{20};

/// A listener; answers with `status`, or not at all while it is 0.
class Listener final : public policy::HttpClient {
public:
    boost::asio::awaitable<Result<policy::HttpAnswer>> send(policy::HttpCall call) override {
        const std::lock_guard lock(mutex_);
        heard_.push_back(std::move(call));
        changed_.notify_all();
        if (std::exchange(throws_, false)) throw std::runtime_error("no memory");
        if (status_ == 0) co_return Error{Errc::kUnavailable, "hook.example: nobody there"};
        co_return policy::HttpAnswer{status_, {}, ""};
    }
    void answer(long status) {
        const std::lock_guard lock(mutex_);
        status_ = status;
    }
    /// Once.
    void fail() {
        const std::lock_guard lock(mutex_);
        throws_ = true;
    }
    /// Waits until so many have come; their bodies.
    std::vector<std::string> wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return heard_.size() >= count; }));
        std::vector<std::string> bodies;
        for (const auto& call : heard_)
            bodies.emplace_back(call.body.text());
        return bodies;
    }
    [[nodiscard]] std::string field(std::size_t of, std::string_view name) {
        const std::lock_guard lock(mutex_);
        for (const auto& [key, value] : heard_.at(of).fields)
            if (key == name) return value;
        return "none";
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<policy::HttpCall> heard_;
    long status_ = 204;
    bool throws_ = false;
};

class NotifierTest : public ::testing::Test {
protected:
    void SetUp() override {
        lab_.module->hears = false;
        parts_.store = lab_.store;
        parts_.audit = AuditLog::open(audit_file_).value();
        parts_.log = Log::open({}).value();
        parts_.clock = lab_.clock;
        notifier_ = std::make_shared<Notifier>(parts_);
    }
    void TearDown() override {
        notifier_->stop(std::chrono::milliseconds(0));
        std::filesystem::remove(audit_file_);
    }

    void use(std::initializer_list<std::pair<const char*, std::shared_ptr<Listener>>> listeners,
             std::set<std::string, std::less<>> kinds = {"issued", "refused"}) {
        auto set = std::make_shared<NotifierSet>();
        for (const auto& [name, listener] : listeners) {
            std::vector<Secret> keys;
            keys.emplace_back(kKey);
            set->subscriptions.push_back({name, kinds, {}, false});
            set->targets.push_back({name, "https://hook.example/",
                                    policy::WebhookKeys(std::move(keys)), listener,
                                    std::chrono::seconds(10), 3600});
        }
        notifier_->use(set);
    }
    std::string issue() {
        auto request = lab_.request();
        request.transaction_id = "transaction-" + std::to_string(++issued_);
        const auto asked = lab_.ask(request);
        EXPECT_EQ(asked.outcome(), "success");
        return asked.record.serial;
    }
    void refuse(const std::string& code) {
        RequestRecord record;
        record.transaction_id = "T";
        record.message_type = "PKCSReq";
        notifier_->refused({"/scep", record, "192.0.2.1", {FailInfo::kBadRequest, code, "why"}});
    }
    std::size_t waiting() { return parts_.store->outbox().list("", 100).value().size(); }
    void wait_until_told() {
        for (const auto end = std::chrono::steady_clock::now() + kPatience;
             waiting() != 0 && std::chrono::steady_clock::now() < end;)
            std::this_thread::yield();
        EXPECT_EQ(waiting(), 0U);
    }
    static std::string serial(const std::string& body) {
        return nlohmann::json::parse(body)["certificate"]["serial"];
    }

    testing::ServiceLab lab_;
    const std::filesystem::path audit_file_ =
        std::filesystem::temp_directory_path() /
        ("scepgate-audit-" + to_hex(random_bytes(8)) + ".jsonl");
    int issued_ = 0;
    ServiceParts parts_;
    std::shared_ptr<Notifier> notifier_;
    std::shared_ptr<Listener> listener_ = std::make_shared<Listener>();
};

TEST(RetryDelayTest, DoublesUpToAnHour) {
    EXPECT_EQ(retry_delay(1, 0), 1);
    EXPECT_EQ(retry_delay(2, 0), 2);
    EXPECT_EQ(retry_delay(3, 0), 4);
    EXPECT_EQ(retry_delay(12, 0), 2048);
    EXPECT_EQ(retry_delay(13, 0), 3600);
    EXPECT_EQ(retry_delay(1'000'000, 0), 3600);
    EXPECT_EQ(retry_delay(0, 0), 1);
}

TEST(RetryDelayTest, TakesUpToHalfOfItAway) {
    EXPECT_EQ(retry_delay(13, 1), 1800);
    EXPECT_EQ(retry_delay(3, 1), 2);
    EXPECT_EQ(retry_delay(1, 1), 1) << "never at once";
}

TEST_F(NotifierTest, TellsOfWhatIsIssuedAtOnceAndSigned) {
    use({{"hook", listener_}});
    const std::string issued = issue();
    const auto heard = listener_->wait_for(1);
    EXPECT_EQ(serial(heard[0]), issued);
    std::vector<Secret> keys;
    keys.emplace_back(kKey);
    EXPECT_EQ(listener_->field(0, "X-Scepgate-Signature"),
              policy::WebhookKeys(std::move(keys)).sign(kNow, heard[0]));
    EXPECT_EQ(listener_->field(0, "X-Scepgate-Id"), nlohmann::json::parse(heard[0])["id"]);
    wait_until_told();
}

TEST_F(NotifierTest, TellsInOrder) {
    use({{"hook", listener_}});
    std::vector<std::string> issued;
    for (int i = 0; i < 20; ++i)
        issued.push_back(issue());
    const auto heard = listener_->wait_for(issued.size());
    for (std::size_t i = 0; i < issued.size(); ++i)
        EXPECT_EQ(serial(heard[i]), issued[i]) << i;
    wait_until_told();
}

TEST_F(NotifierTest, WhatIsNotHeardStaysAndHoldsUpNoOtherTarget) {
    auto other = std::make_shared<Listener>();
    listener_->answer(500);
    use({{"down", listener_}, {"up", other}});
    issue();
    issue();
    (void)other->wait_for(2);
    (void)listener_->wait_for(1);
    notifier_->stop(kPatience);
    const auto rows = parts_.store->outbox().list("down", 10).value();
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].error, "status 500");
    EXPECT_GT(rows[0].due, kNow);
    EXPECT_EQ(rows[1].attempts, 0) << "it did not overtake the first";
    EXPECT_TRUE(parts_.store->outbox().list("up", 10).value().empty());
}

TEST_F(NotifierTest, AFaultDoesNotEndATarget) {
    listener_->fail();
    use({{"hook", listener_}});
    const std::string first = issue();
    (void)listener_->wait_for(1);
    lab_.clock->set(kNow + 100);  // the lease has ended
    const std::string second = issue();
    const auto heard = listener_->wait_for(3);
    EXPECT_EQ(serial(heard[1]), first);
    EXPECT_EQ(serial(heard[2]), second);
    wait_until_told();
}

TEST_F(NotifierTest, ThrowsAwayWhatIsTooOldAndSaysSoInTheAuditFile) {
    use({});
    use({{"hook", listener_}});
    listener_->answer(0);
    notifier_->stop(kPatience);
    const std::string issued = issue();
    lab_.clock->set(kNow + 3600);
    notifier_ = std::make_shared<Notifier>(parts_);
    use({{"hook", listener_}});
    (void)listener_->wait_for(1);
    notifier_->stop(kPatience);
    EXPECT_EQ(waiting(), 0U);
    std::ifstream audit(audit_file_);
    const std::string text(std::istreambuf_iterator<char>(audit), {});
    EXPECT_NE(text.find("notify_given_up"), std::string::npos);
    EXPECT_NE(text.find(issued), std::string::npos);
    EXPECT_NE(text.find("nobody there"), std::string::npos);
}

TEST_F(NotifierTest, TellsOfRefusals) {
    use({{"hook", listener_}});
    refuse("SubjectNameMismatch");
    const auto heard = nlohmann::json::parse(listener_->wait_for(1)[0]);
    EXPECT_EQ(heard["event"], "refused");
    EXPECT_EQ(heard["code"], "SubjectNameMismatch");
    EXPECT_EQ(heard["reason"], "why");
    wait_until_told();
}

TEST_F(NotifierTest, NamesThatAStrangerMadeLongAreCut) {
    use({{"hook", listener_}});
    RequestRecord record;
    record.subject = "CN=" + std::string(200'000, 's');
    record.subject_alt_name = "dns:" + std::string(200'000, 'n');
    notifier_->refused({"/scep", record, "192.0.2.1", {FailInfo::kBadRequest, "Code", "why"}});
    const std::string body = listener_->wait_for(1)[0];
    EXPECT_LT(body.size(), 10'000U);
    EXPECT_EQ(nlohmann::json::parse(body)["subject"].get<std::string>().substr(0, 5), "CN=ss");
    wait_until_told();
}

TEST_F(NotifierTest, AFloodOfRefusalsIsBounded) {
    listener_->answer(0);
    use({{"hook", listener_}});
    for (int i = 0; i < 3000; ++i)
        refuse("Flood" + std::to_string(i));
    notifier_->stop(kPatience);
    const auto rows = parts_.store->outbox().list("hook", 5000).value();
    EXPECT_LE(rows.size(), 1000U);
    ASSERT_FALSE(rows.empty());
    EXPECT_NE(rows.back().event.body.find("Flood2999"), std::string::npos) << "the newest stay";
}

TEST_F(NotifierTest, TellsNobodyAnythingOnceItIsTakenOutOfTheConfiguration) {
    use({{"hook", listener_}});
    issue();
    (void)listener_->wait_for(1);
    wait_until_told();
    use({});
    issue();
    refuse("X");
    EXPECT_EQ(waiting(), 0U);
}

TEST_F(NotifierTest, OnlyWhatIsWantedIsWritten) {
    use({{"hook", listener_}}, {"revoked"});
    issue();
    refuse("X");
    EXPECT_EQ(waiting(), 0U);
}

}  // namespace
}  // namespace scepgate::server::this_file

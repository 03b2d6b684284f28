#include "server/log.hpp"

#include <cstdio>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "server/audit_log.hpp"

namespace scepgate::server::this_file {
namespace {

namespace fs = std::filesystem;

class LogFilesTest : public ::testing::Test {
protected:
    LogFilesTest() {
        std::string pattern = (fs::temp_directory_path() / "scepgate-log-XXXXXX").string();
        directory_ = ::mkdtemp(pattern.data());
    }
    ~LogFilesTest() override { fs::remove_all(directory_); }

    static std::string content(const fs::path& file) {
        std::ostringstream text;
        text << std::ifstream(file).rdbuf();
        return text.str();
    }

    fs::path directory_;
};

TEST_F(LogFilesTest, JsonLinesReadBackWithPeersTextEscaped) {
    LogConfig config;
    config.format = LogConfig::Format::kJson;
    config.file = directory_ / "log";
    auto log = Log::open(config);
    ASSERT_TRUE(log);
    (*log)->info("request", LogFields().add("user_agent", "x\"\r\n{}").add("status", 200U));
    (*log)->debug("not written at level info");
    (*log)->flush();
    const std::string line = content(*config.file);
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["message"], "request");
    EXPECT_EQ(json["user_agent"], "x\"\r\n{}");
    EXPECT_EQ(json["status"], 200);
    EXPECT_EQ(json["level"], "info");
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

TEST_F(LogFilesTest, TextQuotesWhatIsNotPlain) {
    LogConfig config;
    config.file = directory_ / "log";
    auto log = Log::open(config);
    ASSERT_TRUE(log);
    (*log)->warn("request", LogFields().add("path", "/scep").add("user_agent", "a b"));
    const std::string line = content(*config.file);
    EXPECT_NE(line.find(" request path=/scep user_agent=\"a b\"\n"), std::string::npos) << line;
}

TEST_F(LogFilesTest, ReopenWritesToANewFileAfterRotation) {
    LogConfig config;
    config.file = directory_ / "log";
    auto log = Log::open(config);
    ASSERT_TRUE(log);
    (*log)->info("before");
    fs::rename(*config.file, directory_ / "log.1");
    ASSERT_TRUE((*log)->reopen());
    (*log)->info("after");
    (*log)->flush();
    EXPECT_NE(content(directory_ / "log.1").find("before"), std::string::npos);
    EXPECT_NE(content(*config.file).find("after"), std::string::npos);
}

TEST_F(LogFilesTest, AFileThatCannotBeOpenedIsAClearError) {
    LogConfig config;
    config.file = directory_ / "missing" / "log";
    const auto log = Log::open(config);
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().code, Errc::kConfig);
    EXPECT_NE(log.error().detail.find("missing/log"), std::string::npos);
}

TEST_F(LogFilesTest, AuditRecordsAreOneJsonObjectALine) {
    const auto audit = AuditLog::open(directory_ / "audit.jsonl");
    ASSERT_TRUE(audit);
    ASSERT_TRUE((*audit)->write(AuditRecord("issue", 0).add("subject", "CN=a\nb").add("count", 3)));
    ASSERT_TRUE((*audit)->write(
        AuditRecord("refuse", 1).add("left_out", std::vector<std::string>{"a", "b\"c"})));
    std::istringstream lines(content(directory_ / "audit.jsonl"));
    std::string line;
    std::getline(lines, line);
    auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["time"], "1970-01-01T00:00:00Z");
    EXPECT_EQ(json["event"], "issue");
    EXPECT_EQ(json["subject"], "CN=a\nb");
    EXPECT_EQ(json["count"], 3);
    std::getline(lines, line);
    json = nlohmann::json::parse(line);
    EXPECT_EQ(json["left_out"][1], "b\"c");
}

TEST_F(LogFilesTest, ATornLastLineOfACrashDoesNotSwallowTheNextRecord) {
    {
        std::ofstream torn(directory_ / "audit.jsonl");
        torn << "{\"time\":\"20";
    }
    const auto audit = AuditLog::open(directory_ / "audit.jsonl");
    ASSERT_TRUE(audit);
    ASSERT_TRUE((*audit)->write(AuditRecord("start", 0)));
    std::istringstream lines(content(directory_ / "audit.jsonl"));
    std::string line;
    std::getline(lines, line);
    EXPECT_EQ(line, "{\"time\":\"20");
    std::getline(lines, line);
    EXPECT_EQ(nlohmann::json::parse(line)["event"], "chain");
    std::getline(lines, line);
    EXPECT_EQ(nlohmann::json::parse(line)["event"], "start");
}

TEST_F(LogFilesTest, AuditFilesAreForTheirOwnerOnly) {
    ASSERT_TRUE(AuditLog::open(directory_ / "audit.jsonl"));
    EXPECT_EQ(fs::status(directory_ / "audit.jsonl").permissions() & fs::perms::mask,
              fs::perms::owner_read | fs::perms::owner_write);
}

}  // namespace
}  // namespace scepgate::server::this_file

// What the audit file tells of CRLs, and the numbers that are read back from it.
#include "server/crl_records.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/server/support/temporary_folder.hpp"

namespace scepgate::server::this_file {
namespace {

class LastRecordedCrlTest : public ::testing::Test {
protected:
    void add(const std::string& line) {
        std::ofstream(file_, std::ios::app | std::ios::binary) << line << '\n';
    }
    void add_crl(const std::string& number, const std::string& ca = "lab") {
        add(R"({"time":"2026-01-01T00:00:00Z","event":"crl","ca":")" + ca + R"(","number":")" +
            number + "\"}");
    }
    std::int64_t last(const std::string& ca = "lab") {
        return last_recorded_crl(file_, ca).value();
    }

    testing::TemporaryFolder directory_;
    std::filesystem::path file_ = directory_.path() / "audit.jsonl";
};

TEST_F(LastRecordedCrlTest, IsTheGreatestOfThisCa) {
    add_crl("0a");
    add_crl("0c");
    add_crl("0b");
    add_crl("7f", "other");
    EXPECT_EQ(last(), 12);
    EXPECT_EQ(last("other"), 127);
    EXPECT_EQ(last("nobody"), 0);
}

TEST_F(LastRecordedCrlTest, IsFoundFarBeforeTheEnd) {
    add_crl("0123");
    const std::string other = R"({"event":"issue","subject":")" + std::string(1000, 'x') + "\"}";
    for (int i = 0; i < 3000; ++i)
        add(other);
    EXPECT_EQ(last(), 0x123) << "three steps back, whose ends fall into lines";
}

TEST_F(LastRecordedCrlTest, PassesOverWhatOnlyLooksLikeOne) {
    add_crl("05");
    add(R"({"event":"issue","ca":"lab","subject":"\"event\":\"crl\"","number":"99"})");
    add(R"({"event":"crl","ca":"lab","number":99})");
    add(R"({"event":"crl","ca":"lab","number":"not hex"})");
    add(R"({"event":"crl","ca":"lab","number":"ffffffffffffffffffff"})");
    add(R"({"event":"crl","ca":"lab",)");
    EXPECT_EQ(last(), 5);
}

TEST_F(LastRecordedCrlTest, IsNoneInAnEmptyFileAndAFaultWithoutAFile) {
    EXPECT_EQ(last_recorded_crl(file_, "lab").error().code, Errc::kUnavailable);
    add("");
    EXPECT_EQ(last(), 0);
}

}  // namespace
}  // namespace scepgate::server::this_file

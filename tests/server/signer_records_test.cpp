#include <array>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "server/signer/records.hpp"
#include "tests/server/support/temporary_folder.hpp"

namespace scepgate::server::signer::this_file {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNow = 1'800'000'000;

class SignerRecordsTest : public ::testing::Test {
protected:
    static SignedRow row(std::uint8_t number, std::int64_t at = kNow) {
        SignedRow made;
        made.id.fill(number);
        made.ca.fill(9);
        made.template_name = number % 2 == 0 ? "even" : "odd";
        made.serial = {number};
        made.at = at;
        made.not_after = at + 1000;
        made.certificate = {0x30, number};
        return made;
    }

    server::testing::TemporaryFolder directory_;
    fs::path file_ = directory_.path() / "signer.db";
};

TEST_F(SignerRecordsTest, KeepsWhatWasAddedOverARestart) {
    {
        const auto records = SignedRecords::open(file_).value();
        ASSERT_TRUE(records->add(row(1)));
        ASSERT_TRUE(records->add(row(2)));
    }
    EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    const auto records = SignedRecords::open(file_).value();
    EXPECT_EQ(records->find_order(row(1).id, kNow + 5).value(), std::optional(Bytes{0x30, 1}));
    EXPECT_EQ(records->find_order(row(3).id, kNow).value(), std::nullopt);
    EXPECT_EQ(records->not_after(row(2).ca, row(2).serial).value(), std::optional(kNow + 1000));
    EXPECT_EQ(records->not_after(Sha256{}, row(2).serial).value(), std::nullopt);
}

TEST_F(SignerRecordsTest, ForgetsAnOrderAfterSomeDays) {
    const auto records = SignedRecords::open(file_).value();
    ASSERT_TRUE(records->add(row(1)));
    const std::int64_t later = kNow + SignedRecords::kRemembered;
    EXPECT_EQ(records->find_order(row(1).id, later).value(), std::nullopt);
    ASSERT_TRUE(records->add(row(2, later)));
    EXPECT_EQ(records->find_order(row(1).id, kNow).value(), std::nullopt) << "it was removed";
}

TEST_F(SignerRecordsTest, TakesAnOrderAnewHoweverManyAreToBeForgotten) {
    const auto records = SignedRecords::open(file_).value();
    for (std::uint8_t i = 0; i < 40; ++i)
        ASSERT_TRUE(records->add(row(i)));
    for (std::uint8_t i = 0; i < 40; ++i) {
        SignedRow again = row(static_cast<std::uint8_t>(39 - i), kNow + SignedRecords::kRemembered);
        again.serial.push_back(1);
        EXPECT_TRUE(records->add(again)) << "what find_order() does not know is no conflict";
    }
}

TEST_F(SignerRecordsTest, ItsLogDoesNotGrowWithWhatWasSigned) {
    // Much for each, so that few are needed: several times what is moved at once.
    const fs::path log = file_.string() + "-wal";
    const auto records = SignedRecords::open(file_).value();
    std::uintmax_t longest = 0;
    for (std::uint8_t i = 0; i < 120; ++i) {
        SignedRow each = row(i);
        each.certificate.resize(1'000'000, i);
        ASSERT_TRUE(records->add(each));
        longest = std::max(longest, fs::file_size(log));
    }
    EXPECT_LT(longest, 25'000'000U);
    EXPECT_GT(fs::file_size(file_), 90'000'000U) << "where it belongs, while the signer runs";
}

TEST_F(SignerRecordsTest, RefusesASerialNumberOrAnOrderThatWasThere) {
    const auto records = SignedRecords::open(file_).value();
    ASSERT_TRUE(records->add(row(1)));
    SignedRow same_serial = row(2);
    same_serial.serial = row(1).serial;
    EXPECT_EQ(records->add(same_serial).error().code, Errc::kConflict);
    SignedRow same_order = row(3);
    same_order.id = row(1).id;
    EXPECT_EQ(records->add(same_order).error().code, Errc::kConflict);
    EXPECT_EQ(records->not_after(row(3).ca, row(3).serial).value(), std::nullopt)
        << "a row is added whole or not at all";
}

TEST_F(SignerRecordsTest, OneThatFailsDoesNotFailThoseBesideIt) {
    const auto records = SignedRecords::open(file_).value();
    ASSERT_TRUE(records->add(row(0)));
    std::array<bool, 32> added{};
    {
        std::vector<std::jthread> threads;
        for (std::uint8_t i = 1; i < added.size(); ++i) {
            threads.emplace_back([&, i] {
                SignedRow each = row(i);
                if (i % 4 == 0) each.serial = {0};
                added[i] = records->add(each).has_value();
            });
        }
    }
    for (std::size_t i = 1; i < added.size(); ++i)
        EXPECT_EQ(added[i], i % 4 != 0) << i;
}

TEST_F(SignerRecordsTest, CountsByMinuteAndTemplate) {
    const auto records = SignedRecords::open(file_).value();
    for (const std::uint8_t number : Bytes{1, 2, 3})
        ASSERT_TRUE(records->add(row(number)));
    ASSERT_TRUE(records->add(row(4, kNow + 60)));
    std::int64_t even = 0, odd = 0;
    for (const SignedCount& each : records->counts_since(kNow - 1).value())
        (each.template_name == "even" ? even : odd) += each.count;
    EXPECT_EQ(even, 2);
    EXPECT_EQ(odd, 2);
    EXPECT_EQ(records->counts_since(kNow).value().size(), 1U);
}

TEST_F(SignerRecordsTest, TakesNoFileOfSomethingElse) {
    std::ofstream(file_) << std::string(4096, 'x');
    EXPECT_EQ(SignedRecords::open(file_).error().code, Errc::kConfig);
    EXPECT_EQ(SignedRecords::open(directory_.path() / "no/such").error().code, Errc::kConfig);
}

}  // namespace
}  // namespace scepgate::server::signer::this_file

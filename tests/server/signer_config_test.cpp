// A signer's configuration: every sample is read as server/signer.schema.json says (the schema's
// own half is tests/e2e/test_config_schema.py).
#include <fstream>

#include <gtest/gtest.h>

#include "server/config.hpp"

namespace scepgate::server::this_file {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> signer_samples(const char* folder) {
    std::vector<fs::path> files;
    for (const auto& entry :
         fs::directory_iterator(fs::path(SCEPGATE_TEST_DATA "/server/signer") / folder)) {
        files.push_back(entry.path());
    }
    return files;
}

TEST(SignerConfigTest, ReadsEverySampleThatIsAccepted) {
    const auto files = signer_samples("accepted");
    ASSERT_FALSE(files.empty());
    for (const fs::path& file : files) {
        ConfigFaults faults;
        const Config config = load_config(file, faults);
        for (const auto& fault : faults.list())
            ADD_FAILURE() << file << ": " << fault.text();
        ASSERT_TRUE(config.signer) << file;
        EXPECT_EQ(config.signer->socket, "/run/s.sock");
    }
}

TEST(SignerConfigTest, NamesThePathOfTheFaultInEverySampleThatIsRefused) {
    const auto files = signer_samples("refused");
    ASSERT_FALSE(files.empty());
    for (const fs::path& file : files) {
        std::ifstream stream(file);
        std::string first;
        std::getline(stream, first);
        ASSERT_EQ(first.substr(0, 3), "// ") << file;
        ConfigFaults faults;
        (void)load_config(file, faults);
        const bool named = std::any_of(
            faults.list().begin(), faults.list().end(),
            [&](const auto& fault) { return !fault.warning && fault.path == first.substr(3); });
        EXPECT_TRUE(named) << file;
    }
}

TEST(SignerConfigTest, ReadsLimitsAndRules) {
    ConfigFaults faults;
    const Config config =
        load_config(SCEPGATE_TEST_DATA "/server/signer/accepted/full.json", faults);
    ASSERT_TRUE(config.signer);
    EXPECT_EQ(config.signer->rates.in_all,
              (signer::RateLimits{.per_minute = 1, .per_hour = 2, .per_day = 3}));
    EXPECT_EQ(config.signer->rates.templates.at("D").per_day, 1);
    EXPECT_EQ(config.signer->crl_validity, 7 * 86'400);
    EXPECT_EQ(config.signer->allow, (std::vector<std::string>{"scepgate", "1001"}));
    EXPECT_TRUE(config.signer->rules);
}

}  // namespace
}  // namespace scepgate::server::this_file

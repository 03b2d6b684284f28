// Files for web servers.
#include "server/published_file.hpp"

#include <fstream>
#include <sstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "tests/server/support/temporary_folder.hpp"

namespace scepgate::server::this_file {
namespace {

namespace fs = std::filesystem;

class PublishedFileTest : public ::testing::Test {
protected:
    [[nodiscard]] std::string content() const {
        std::ostringstream text;
        text << std::ifstream(file_, std::ios::binary).rdbuf();
        return text.str();
    }
    [[nodiscard]] std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(directory_.path()), fs::directory_iterator()));
    }

    testing::TemporaryFolder directory_;
    fs::path file_ = directory_.path() / "Lab CA+.crl";
};

TEST_F(PublishedFileTest, IsReadableByAllWhateverTheUmask) {
    const mode_t before = ::umask(0077);
    const auto done = publish_file(file_, as_bytes("one"));
    ::umask(before);
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(content(), "one");
    EXPECT_EQ(fs::status(file_).permissions(), fs::perms(0644));
    EXPECT_EQ(files(), 1U) << "nothing is left beside it";
}

TEST_F(PublishedFileTest, ReplacesWhatWasThereInOneStep) {
    ASSERT_TRUE(publish_file(file_, as_bytes("a long one")));
    std::ifstream reader(file_, std::ios::binary);
    ASSERT_TRUE(publish_file(file_, as_bytes("two")));
    std::ostringstream old;
    old << reader.rdbuf();
    EXPECT_EQ(old.str(), "a long one") << "who reads goes on with the old one";
    EXPECT_EQ(content(), "two");
}

TEST_F(PublishedFileTest, SaysWhatIsWrongAndLeavesTheOldOne) {
    const fs::path missing = directory_.path() / "missing" / "a.crl";
    const auto none = publish_file(missing, as_bytes("one"));
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Errc::kUnavailable);
    EXPECT_NE(none.error().detail.find(missing.string()), std::string::npos);
    EXPECT_NE(none.error().detail.find("No such file"), std::string::npos);

    fs::create_directory(file_);
    EXPECT_FALSE(publish_file(file_, as_bytes("one"))) << "a folder has its name";
    EXPECT_EQ(files(), 1U) << "no temporary file is left";
}

}  // namespace
}  // namespace scepgate::server::this_file

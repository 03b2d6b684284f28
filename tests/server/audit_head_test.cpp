// What a log that is open makes of a head file, or an audit file, that others changed meanwhile.
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "server/audit_files.hpp"
#include "server/audit_log.hpp"

namespace scepgate::server::this_file {
namespace {

namespace fs = std::filesystem;

class AuditHeadTest : public ::testing::Test {
protected:
    AuditHeadTest() {
        fs::remove_all(directory_);
        fs::create_directories(directory_);
    }
    ~AuditHeadTest() override { fs::remove_all(directory_); }

    std::shared_ptr<AuditLog> open(std::optional<Secret> key = {}) {
        AuditSettings settings;
        settings.hmac_key = std::move(key);
        return AuditLog::open(file_, std::move(settings)).value();
    }
    static Result<void> add(AuditLog& log) { return log.write(AuditRecord("issue", 0)); }
    AuditReport verify() const { return verify_audit_files({{file_}, {}}, AuditDigest()).value(); }
    void expect_sound(std::uint64_t records) const {
        const auto report = verify();
        EXPECT_EQ(report.fault_count, 0U);
        EXPECT_EQ(report.records, records);
        EXPECT_EQ(report.last.seq, records);
    }

    std::string head() const {
        std::ifstream stream(head_);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    /// In the very file.
    void overwrite_head(const std::string& text) const {
        std::ofstream(head_, std::ios::in | std::ios::out) << text;
    }
    void replace_head(const std::string& text) const {
        std::ofstream(directory_ / "new") << text;
        fs::rename(directory_ / "new", head_);
    }

    fs::path directory_ = fs::temp_directory_path() / ("audit-head-" + std::to_string(::getpid()));
    fs::path file_ = directory_ / "audit.jsonl";
    fs::path head_ = audit_head_file(file_);
};

TEST_F(AuditHeadTest, WhatAnotherProcessHasAppendedMeanwhileIsGoneOnFrom) {
    const auto one = open(), other = open();
    for (AuditLog* log : {one.get(), one.get(), other.get(), other.get(), one.get(), other.get()})
        add(*log).value();
    expect_sound(6);
}

TEST_F(AuditHeadTest, AnOlderHeadThatWasPutBackIsReadAnewAndTheRecordsBehindItAreFound) {
    const auto log = open();
    add(*log).value();
    const std::string older = head();
    add(*log).value();
    overwrite_head(older);
    add(*log).value();
    expect_sound(3);
    replace_head(older);
    add(*log).value();
    expect_sound(4);
    EXPECT_NE(head().find(" 4:"), std::string::npos) << "it is the file there now that is kept";
}

TEST_F(AuditHeadTest, TheSameHeadInAnotherFileIsAsGood) {
    const auto log = open();
    add(*log).value();
    replace_head(head());
    add(*log).value();
    expect_sound(2);
    EXPECT_NE(head().find(" 2:"), std::string::npos);
}

TEST_F(AuditHeadTest, AHeadThatIsDamagedWhileALogIsOpenIsNoHead) {
    const auto log = open();
    add(*log).value();
    std::string damaged = head();
    damaged.replace(damaged.find(" 1:"), 3, " 7:");
    overwrite_head(damaged);
    add(*log).value();
    const auto report = verify();
    EXPECT_EQ(report.fault_count, 0U);
    EXPECT_EQ(report.records, 3U) << "one of them tells of the loss";
    ASSERT_EQ(report.notes.size(), 1U);
    EXPECT_NE(report.notes[0].text.find("head file was lost"), std::string::npos);
}

TEST_F(AuditHeadTest, WhatIsCutOffWhileALogIsOpenIsMissedWhateverBecomesOfTheHead) {
    for (const char* with_the_head : {"nothing", "deleted", "damaged", "an older one"}) {
        for (const bool same_file : {true, false}) {
            fs::remove_all(directory_);
            fs::create_directories(directory_);
            const auto log = open();
            add(*log).value();
            const auto size = fs::file_size(file_);
            const std::string older = head();
            for (int i = 0; i < 3; ++i)
                add(*log).value();
            if (!same_file) {
                fs::copy_file(file_, directory_ / "copy");
                fs::rename(directory_ / "copy", file_);
            }
            fs::resize_file(file_, size);
            const std::string_view how = with_the_head;
            if (how == "deleted") fs::remove(head_);
            if (how == "damaged") overwrite_head("x");
            if (how == "an older one") overwrite_head(older);
            add(*log).value();
            const auto report = verify();
            ASSERT_EQ(report.fault_count, 1U) << how;
            EXPECT_EQ(report.faults[0].kind, "missing") << how;
            EXPECT_EQ(report.last.seq, 6U) << how;
        }
    }
}

TEST_F(AuditHeadTest, WhatOthersHaveAppendedIsKeptThoughTheHeadIsLost) {
    const auto one = open(), other = open();
    add(*one).value();
    add(*other).value();
    fs::remove(head_);
    add(*one).value();
    add(*other).value();
    const auto report = verify();
    EXPECT_EQ(report.fault_count, 0U);
    EXPECT_EQ(report.records, 5U) << "one of them tells of the loss";
    ASSERT_EQ(report.notes.size(), 1U);
    EXPECT_EQ(report.notes[0].place.seq, 3U);
}

TEST_F(AuditHeadTest, AHeadOfAnotherKeyIsRefusedThoughALogIsOpen) {
    const auto log = open(Secret("0123456789abcdef0123456789abcdef"));
    add(*log).value();
    const auto text = head();
    const auto parsed =
        parse_audit_head(text, AuditDigest(Secret("0123456789abcdef0123456789abcdef"))).value();
    ASSERT_TRUE(parsed);
    overwrite_head(render_audit_head(*parsed, AuditDigest()));
    const auto size = fs::file_size(file_);
    const auto refused = add(*log);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().detail.find("audit.hmac_key"), std::string::npos);
    EXPECT_EQ(fs::file_size(file_), size);
}

TEST_F(AuditHeadTest, AHeadOfWhichOnlyAPartWasWrittenIsAnOldOneANewOneOrNone) {
    const AuditDigest plain, keyed(Secret("0123456789abcdef0123456789abcdef"));
    const AuditHead nine{{9, sha256(as_bytes("9"))}, 900, 5};
    const AuditHead ten{{10, sha256(as_bytes("10"))}, 1'000, 5}, next_file{ten.last, 100, 1'234};
    for (const AuditDigest* digest : {&plain, &keyed}) {
        for (const auto& [before, after] :
             {std::pair{nine, ten}, std::pair{ten, next_file}, std::pair{next_file, nine}}) {
            const std::string old = render_audit_head(before, *digest);
            const std::string now = render_audit_head(after, *digest);
            for (std::size_t cut = 0; cut <= now.size(); ++cut) {
                const auto read = parse_audit_head(now.substr(0, cut) + old.substr(cut), *digest);
                ASSERT_TRUE(read) << cut << ": " << read.error().detail;
                const auto last = *read ? (*read)->last : after.last;
                EXPECT_TRUE(last == before.last || last == after.last) << cut;
            }
        }
    }
}

TEST_F(AuditHeadTest, AFileThatWasEmptiedInPlaceIsGoneOnInAsANewOne) {
    const auto log = open();
    add(*log).value();
    fs::resize_file(file_, 0);
    add(*log).value();
    const auto report = verify();
    EXPECT_EQ(report.fault_count, 0U);
    EXPECT_EQ(report.first_seq, 2U);
    EXPECT_EQ(report.last.seq, 3U);
}

/// As when the file was deleted, and the next one got its inode.
TEST_F(AuditHeadTest, OtherRecordsInAFileOfTheSameInodeAreAFault) {
    for (const bool longer : {false, true}) {
        fs::remove_all(directory_);
        fs::create_directories(directory_);
        const auto log = open();
        for (int i = 0; i < 2; ++i)
            add(*log).value();
        std::string other;
        AuditPosition position;
        for (int i = 0; i < (longer ? 3 : 1); ++i) {
            const std::string line = make_audit_line(position, "\"time\":\"then\"");
            position = {position.seq + 1,
                        AuditDigest().of(std::string_view(line).substr(0, line.size() - 1))};
            other += line;
        }
        fs::resize_file(file_, 0);
        std::ofstream(file_, std::ios::in | std::ios::out)
            << other + std::string(longer ? 400 : 0, ' ');
        add(*log).value();
        EXPECT_NE(verify().fault_count, 0U) << longer;
    }
}

TEST_F(AuditHeadTest, AMovedFileIsFollowedByANewOneWithEachLogThatIsOpen) {
    const auto one = open(), other = open();
    for (const char* name : {"audit.2", "audit.1"}) {
        add(*one).value();
        add(*other).value();
        fs::rename(file_, directory_ / name);
    }
    add(*other).value();
    add(*one).value();
    const auto report =
        verify_audit_files({{directory_ / "audit.2", directory_ / "audit.1", file_}, {}},
                           AuditDigest())
            .value();
    EXPECT_EQ(report.fault_count, 0U);
    EXPECT_EQ(report.records, 6U + 2U) << "and two that tell of a new file";
}

}  // namespace
}  // namespace scepgate::server::this_file

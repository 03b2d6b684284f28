// What a crash, a power failure or a full disk leaves in the audit file: no fault, and nothing
// else.
#include "tests/server/support/audit_lab.hpp"

namespace scepgate::server::this_file {
namespace {

namespace fs = std::filesystem;

class AuditCrashTest : public testing::AuditLab {
protected:
    void keep_head() const {
        fs::copy_file(head_file(), kept_head_, fs::copy_options::overwrite_existing);
    }
    /// As when the crash came between a record and its head. In the very file.
    void put_head_back() const {
        fs::copy_file(kept_head_, head_file(), fs::copy_options::overwrite_existing);
    }
    /// From here on; what is behind that stays.
    void overwrite(std::uint64_t from, const std::string& octets) const {
        std::fstream stream(file_, std::ios::in | std::ios::out | std::ios::binary);
        stream.seekp(static_cast<std::streamoff>(from));
        stream << octets;
    }
    void rotate() const { fs::rename(file_, rotated_); }

    fs::path kept_head_ = directory_ / "old", rotated_ = directory_ / "audit.1";
};

TEST_F(AuditCrashTest, ATornLineIsToldOfAndStays) {
    write(2);
    add(R"({"seq":3,"prev":"00)");
    EXPECT_EQ(kinds(verify()), Kinds{});
    EXPECT_EQ(verify().notes.size(), 1U);
    write(1);
    const auto all = lines();
    ASSERT_EQ(all.size(), 5U);
    EXPECT_EQ(all[2], R"({"seq":3,"prev":"00)");
    EXPECT_NE(all[3].find(R"("event":"chain","reason":"torn","octets":20,)"), std::string::npos);
    EXPECT_EQ(kinds(verify()), Kinds{});
    auto changed = all;
    changed[2] = R"({"seq":3,"prev":"01)";
    put(changed);
    EXPECT_EQ(kinds(verify()), Kinds{"not_a_record"});
    changed.erase(changed.begin() + 2);
    put(changed);
    EXPECT_EQ(kinds(verify()), Kinds{"not_a_record"});
}

/// Also behind a brace within it, and where nothing but the line's end is missing.
TEST_F(AuditCrashTest, ALineThatWasCutShortAnywhereIsNoFault) {
    AuditRecord record("issue", 0);
    record.add("quoted", "}\\\"}{");
    for (const bool head : {true, false}) {
        std::string whole;
        for (std::size_t cut = 1; whole.empty() || cut < whole.size(); ++cut) {
            fs::remove(file_);
            fs::remove(head_file());
            write(2);
            const auto size = fs::file_size(file_);
            keep_head();
            open()->write(record).value();
            whole.assign(fs::file_size(file_) - size, ' ');
            fs::resize_file(file_, size + cut);
            fs::remove(head_file());
            if (head) put_head_back();
            write(1);
            const auto report = verify();
            ASSERT_EQ(kinds(report), Kinds{}) << cut;
            EXPECT_EQ(lines().size(), head && cut + 1 == whole.size() ? 4U : 5U) << cut;
            write(1);
            ASSERT_EQ(kinds(verify()), Kinds{}) << cut;
        }
    }
}

/// As when the crash comes back with what is written behind the first one.
TEST_F(AuditCrashTest, ALineThatWasCutShortBehindAnotherIsNoFault) {
    for (const bool head : {true, false}) {
        for (const std::size_t cut : {1U, 5U, 9U, 30U, 83U, 84U, 85U, 120U, 140U}) {
            for (const std::size_t more : {1U, 2U, 40U, 100U, 150U, 250U}) {
                fs::remove_all(directory_);
                fs::create_directories(directory_);
                write(2);
                keep_head();
                const auto size = fs::file_size(file_);
                for (const std::size_t kept : {cut, cut + more}) {
                    write(1);
                    fs::resize_file(file_, size + kept);
                    fs::remove(head_file());
                    if (head) put_head_back();
                }
                EXPECT_EQ(kinds(verify()), head ? Kinds{} : Kinds{"no_head"}) << cut << '+' << more;
                write(1);
                EXPECT_EQ(kinds(verify()), Kinds{}) << cut << '+' << more;
            }
        }
    }
}

TEST_F(AuditCrashTest, AnEmptyLineIsForeign) {
    write(2);
    add("\n");
    EXPECT_EQ(kinds(verify()), Kinds{"not_a_record"});
    write(1);
    EXPECT_EQ(kinds(verify()), Kinds{"foreign"});
}

TEST_F(AuditCrashTest, RecordsThatTheHeadDoesNotKnowYetAreKept) {
    write(2);
    keep_head();
    write(2);
    put_head_back();
    EXPECT_EQ(kinds(verify()), Kinds{});
    write(1);
    const auto report = verify();
    EXPECT_EQ(kinds(report), Kinds{});
    EXPECT_EQ(report.records, 5U);
}

/// As after a full disk and then a power failure: the head is not synced with each record.
TEST_F(AuditCrashTest, RecordsBehindATornLineThatTheHeadDoesNotKnowYetAreKept) {
    write(2);
    keep_head();
    add(R"({"seq":3,"prev":"00)");
    write(2);
    put_head_back();
    EXPECT_EQ(kinds(verify()), Kinds{});
    write(1);
    const auto report = verify();
    EXPECT_EQ(kinds(report), Kinds{});
    EXPECT_EQ(report.records, 6U);
    add(R"({"seq":7,"prev":"00)");
    put_head_back();
    write(1);
    EXPECT_EQ(kinds(verify()), Kinds{});
    EXPECT_EQ(verify().records, 8U);
}

/// Of a record over two pages of the file the second is on the disk and the first is not.
TEST_F(AuditCrashTest, ALineOfWhichAPowerFailureLeftZerosIsTorn) {
    const std::string beginning = R"({"seq":3,"prev":)", zeros(300, '\0');
    for (const std::string& torn :
         {zeros + "\"a\":1}\n", beginning + zeros + "}\n", zeros + "1}\n{\"seq\":4", zeros}) {
        fs::remove_all(directory_);
        fs::create_directories(directory_);
        write(2);
        add(torn);
        EXPECT_EQ(kinds(verify()), Kinds{});
        EXPECT_EQ(verify().notes.size(), 1U);
        write(1);
        const auto report = verify();
        EXPECT_EQ(kinds(report), Kinds{});
        EXPECT_EQ(report.records, 4U);
    }
}

TEST_F(AuditCrashTest, ARecordWithZerosInItIsNoRecord) {
    write(2);
    auto all = lines();
    all[1].replace(all[1].find("issue"), 5, std::string(5, '\0'));
    put(all);
    EXPECT_NE(kinds(verify()), Kinds{});
    write(1);
    EXPECT_NE(kinds(verify()), Kinds{});
}

/// The write of four records was not synced: of the first three pages the second is on the disk.
TEST_F(AuditCrashTest, WholeRecordsBehindZerosThatAPowerFailureLeftAreTornToo) {
    write(2);
    keep_head();
    const auto size = fs::file_size(file_);
    write(4);
    const auto third = lines().at(2).size();
    overwrite(size, std::string(third + 10, '\0'));
    put_head_back();
    write(1);
    const auto report = verify();
    EXPECT_EQ(kinds(report), Kinds{});
    EXPECT_EQ(report.records, 4U) << "two are behind the zeros, and none";
    EXPECT_EQ(report.last.seq, 4U);
    ASSERT_EQ(report.notes.size(), 1U);
    EXPECT_EQ(report.notes[0].place.seq, 3U);
    // What is not as the chain says is a fault as ever.
    overwrite(size, "x");
    EXPECT_NE(kinds(verify()), Kinds{});
}

TEST_F(AuditCrashTest, WholeRecordsBehindZerosThatBeginANewFileAreTornToo) {
    write(2);
    keep_head();
    rotate();
    write(2);
    overwrite(50, std::string(50, '\0'));
    put_head_back();
    write(1);
    const auto report = verify({rotated_});
    EXPECT_EQ(kinds(report), Kinds{});
    EXPECT_EQ(report.last.seq, 4U);
}

TEST_F(AuditCrashTest, ARecordOfARotatedFileThatWasOverwrittenWithZerosIsAFault) {
    for (const std::size_t line : {1U, 2U, 3U}) {
        fs::remove_all(directory_);
        fs::create_directories(directory_);
        write(4);
        auto all = lines();
        all[line].replace(all[line].find("issue"), 5, std::string(5, '\0'));
        put(all);
        rotate();
        write(2);
        EXPECT_NE(kinds(verify({rotated_})), Kinds{}) << line;
    }
}

TEST_F(AuditCrashTest, RecordsThatWerePutBehindALineOfZerosAreAFaultAtTheEnd) {
    write(3);
    const auto all = lines();
    add(std::string("\0\n", 2) + all[1] + '\n');
    EXPECT_EQ(kinds(verify()), (Kinds{"not_a_record", "duplicated"}));
}

TEST_F(AuditCrashTest, AForeignLineBesideZerosStaysAFault) {
    const std::string foreign = "{\"event\":\"issue\"}\n", zeros("\0\n", 2);
    for (const std::string& added : {foreign + zeros, zeros + foreign, foreign + '\0'}) {
        fs::remove_all(directory_);
        fs::create_directories(directory_);
        write(2);
        add(added);
        EXPECT_EQ(kinds(verify()), Kinds{"not_a_record"});
        write(1);
        EXPECT_EQ(kinds(verify()), Kinds{"foreign"});
        add(added);
        rotate();
        write(1);
        EXPECT_EQ(kinds(verify({rotated_})), (Kinds{"foreign", "not_a_record"}));
    }
}

TEST_F(AuditCrashTest, RecordsOfANewFileThatTheHeadDoesNotKnowYetAreKept) {
    write(2);
    keep_head();
    rotate();
    write(1);
    put_head_back();
    EXPECT_EQ(kinds(verify({rotated_})), Kinds{});
    write(1);
    const auto report = verify({rotated_});
    EXPECT_EQ(kinds(report), Kinds{});
    EXPECT_EQ(report.records, 5U) << "one of them tells of the new file";
}

TEST_F(AuditCrashTest, RecordsThatTheHeadDidNotKnowWhenTheirFileWasRotatedAreKept) {
    for (const bool log_is_open : {true, false}) {
        for (const int records_of_new_file : {0, 1}) {
            fs::remove_all(directory_);
            fs::create_directories(directory_);
            auto log = open();
            for (int i = 0; i < 2; ++i)
                log->write(AuditRecord("issue", 0)).value();
            keep_head();
            write(1);
            if (!log_is_open) log.reset();
            rotate();
            write(records_of_new_file);
            put_head_back();
            if (!log) log = open();
            log->write(AuditRecord("issue", 0)).value();
            const auto report = verify({rotated_});
            EXPECT_EQ(kinds(report), Kinds{}) << log_is_open << records_of_new_file;
            EXPECT_EQ(report.last.seq, 5U + static_cast<unsigned>(records_of_new_file));
        }
    }
}

TEST_F(AuditCrashTest, ALineThatLackedOnlyItsEndWhenItsFileWasRotatedIsTorn) {
    write(2);
    keep_head();
    write(1);
    fs::resize_file(file_, fs::file_size(file_) - 1);
    put_head_back();
    rotate();
    write(1);
    const auto report = verify({rotated_});
    EXPECT_EQ(kinds(report), Kinds{});
    EXPECT_EQ(report.records, 4U);
}

TEST_F(AuditCrashTest, ForeignLinesOfAFileThatWasRotatedStayAFault) {
    write(2);
    add("{\"event\":\"issue\"}\n");
    rotate();
    write(1);
    EXPECT_EQ(kinds(verify({rotated_})), Kinds{"not_a_record"});
}

TEST_F(AuditCrashTest, ALineThatWasCutShortAsTheFirstOfANewFileIsTorn) {
    write(2);
    rotate();
    add(R"({"seq":3,"prev":"00)");
    EXPECT_EQ(kinds(verify({rotated_})), Kinds{});
    write(1);
    EXPECT_NE(lines().at(1).find(R"("reason":"torn")"), std::string::npos);
    EXPECT_EQ(kinds(verify({rotated_})), Kinds{});
}

TEST_F(AuditCrashTest, AForeignLineAsTheFirstOfANewFileStaysAFault) {
    write(2);
    rotate();
    add("{\"event\":\"issue\"}\n");
    EXPECT_EQ(kinds(verify({rotated_})), Kinds{"not_a_record"});
    write(1);
    EXPECT_EQ(kinds(verify({rotated_})), Kinds{"foreign"});
}

}  // namespace
}  // namespace scepgate::server::this_file

#include <sys/stat.h>
#include <thread>

#include "tests/server/support/audit_lab.hpp"

namespace scepgate::server::this_file {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";

class AuditChainTest : public testing::AuditLab {};

TEST_F(AuditChainTest, EachRecordNamesTheHashOfTheOneBefore) {
    write(3);
    const auto all = lines();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(parse_audit_line(all[0])->prev, Sha256{});
    EXPECT_EQ(parse_audit_line(all[1])->prev, sha256(as_bytes(all[0])));
    EXPECT_EQ(parse_audit_line(all[2])->prev, sha256(as_bytes(all[1])));
    EXPECT_EQ(parse_audit_line(all[2])->seq, 3U);
    EXPECT_EQ(all[0].substr(all[0].find("\"time\"")),
              R"("time":"1970-01-01T00:00:00Z","event":"issue","number":0})");
}

TEST_F(AuditChainTest, ASoundChainIsSound) {
    write(3);
    write(2);
    const auto report = verify();
    EXPECT_EQ(kinds(report), Kinds{});
    EXPECT_TRUE(report.notes.empty());
    EXPECT_EQ(report.records, 5U);
    EXPECT_EQ(report.last.seq, 5U);
}

TEST_F(AuditChainTest, AnEditedRecordIsFound) {
    write(5);
    auto all = lines();
    all[2].replace(all[2].find("issue"), 5, "issve");
    put(all);
    const auto report = verify();
    EXPECT_EQ(kinds(report), Kinds{"edited"});
    EXPECT_EQ(report.faults[0].place.line, 3U);
    EXPECT_EQ(report.faults[0].place.seq, 3U);
    EXPECT_EQ(report.faults[0].expected, to_hex(parse_audit_line(all[3])->prev));
    EXPECT_EQ(report.faults[0].found, to_hex(sha256(as_bytes(all[2]))));
}

TEST_F(AuditChainTest, AnEditedLastRecordIsFound) {
    write(5);
    auto all = lines();
    all[4].replace(all[4].find("issue"), 5, "issve");
    put(all);
    EXPECT_EQ(kinds(verify()), Kinds{"head_mismatch"});
}

TEST_F(AuditChainTest, AMissingRecordIsFound) {
    write(5);
    auto all = lines();
    all.erase(all.begin() + 2);
    put(all);
    const auto report = verify();
    EXPECT_EQ(kinds(report), Kinds{"missing"});
    EXPECT_EQ(report.faults[0].expected, "record 3");
    EXPECT_EQ(report.faults[0].found, "record 4");
    EXPECT_EQ(report.faults[0].place.line, 3U);
}

TEST_F(AuditChainTest, RecordsThatChangedPlacesAreFound) {
    write(5);
    auto all = lines();
    std::swap(all[1], all[2]);
    put(all);
    const auto report = verify();
    ASSERT_FALSE(report.faults.empty());
    EXPECT_EQ(report.faults[0].place.line, 2U);
    EXPECT_EQ(report.faults[1].kind, "reordered");
}

TEST_F(AuditChainTest, ARecordThatStandsTwiceIsFound) {
    write(3);
    auto all = lines();
    all.insert(all.begin() + 1, all[1]);
    put(all);
    EXPECT_EQ(kinds(verify()), Kinds{"duplicated"});
}

TEST_F(AuditChainTest, AForkIsFound) {
    write(3);
    auto all = lines();
    auto other = all[2];
    other.replace(other.find("issue"), 5, "issve");
    all.push_back(other);
    put(all);
    EXPECT_EQ(verify().faults[0].kind, "forked");
}

TEST_F(AuditChainTest, RecordsThatWereCutOffAtTheEndAreFound) {
    write(5);
    auto all = lines();
    all.resize(3);
    put(all);
    const auto report = verify();
    EXPECT_EQ(kinds(report), Kinds{"truncated"});
    EXPECT_EQ(report.faults[0].place.seq, 5U);
    // And for ever: the next record goes on from what the head says.
    write(1);
    EXPECT_EQ(kinds(verify()), Kinds{"missing"});
}

TEST_F(AuditChainTest, ALineThatIsNoRecordIsFound) {
    write(3);
    auto all = lines();
    all.insert(all.begin() + 1, R"({"event":"issue"})");
    put(all);
    const auto report = verify();
    EXPECT_EQ(kinds(report), Kinds{"not_a_record"});
    EXPECT_EQ(report.faults[0].place.line, 2U);
}

TEST_F(AuditChainTest, AForeignLineAtTheEndStaysAFault) {
    write(2);
    add("{\"event\":\"issue\"}\n");
    EXPECT_EQ(kinds(verify()), Kinds{"not_a_record"});
    write(1);
    EXPECT_EQ(kinds(verify()), Kinds{"foreign"});
}

TEST_F(AuditChainTest, TheChainGoesOnInTheNextFileWithoutBeingTold) {
    const auto log = open();
    log->write(AuditRecord("issue", 0)).value();
    fs::rename(file_, directory_ / "audit.1");
    log->write(AuditRecord("issue", 0)).value();
    const auto all = lines();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_NE(all[0].find(R"("event":"chain","reason":"rotated"})"), std::string::npos);
    const auto both = verify({directory_ / "audit.1"});
    EXPECT_EQ(kinds(both), Kinds{});
    EXPECT_EQ(both.records, 3U);
    EXPECT_EQ(both.first_seq, 1U);
    const auto newest = verify();
    EXPECT_EQ(kinds(newest), Kinds{});
    EXPECT_EQ(newest.first_seq, 2U);
    struct stat status {};
    ASSERT_EQ(::stat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(AuditChainTest, ARotatedFileThatIsMissingIsFound) {
    const auto log = open();
    for (const char* name : {"audit.2", "audit.1"}) {
        log->write(AuditRecord("issue", 0)).value();
        fs::rename(file_, directory_ / name);
    }
    log->write(AuditRecord("issue", 0)).value();
    EXPECT_EQ(kinds(verify({directory_ / "audit.1", directory_ / "audit.2"})), Kinds{});
    EXPECT_EQ(kinds(verify({directory_ / "audit.2"})), Kinds{"missing"});
}

TEST_F(AuditChainTest, AFileOfAnEarlierVersionIsTakenOver) {
    put({R"({"time":"2026-01-01T00:00:00Z","event":"start"})",
         R"({"time":"2026-01-01T00:00:01Z","event":"stop"})"});
    EXPECT_EQ(kinds(verify()), (Kinds{"no_head", "not_a_record"}));
    write(1);
    EXPECT_EQ(kinds(verify()), Kinds{});
    auto all = lines();
    all[0].replace(all[0].find("start"), 5, "stapt");
    put(all);
    EXPECT_EQ(kinds(verify()), Kinds{"not_a_record"});
}

TEST_F(AuditChainTest, ALostHeadIsTold) {
    write(2);
    fs::remove(head_file());
    EXPECT_EQ(kinds(verify()), Kinds{"no_head"});
    write(1);
    const auto report = verify();
    EXPECT_EQ(kinds(report), Kinds{});
    EXPECT_EQ(report.records, 4U);
    ASSERT_EQ(report.notes.size(), 1U);
    EXPECT_NE(report.notes[0].text.find("head file was lost"), std::string::npos);
}

TEST_F(AuditChainTest, ACopyOfTheFileGoesOn) {
    write(2);
    fs::copy_file(file_, directory_ / "copy");
    fs::rename(directory_ / "copy", file_);
    write(1);
    const auto report = verify();
    EXPECT_EQ(kinds(report), Kinds{});
    EXPECT_EQ(report.records, 3U);
}

TEST_F(AuditChainTest, WhatWasKeptElsewhereMustBeInTheChain) {
    write(3);
    const auto kept = verify().last;
    EXPECT_EQ(parse_audit_position(to_text(kept)).value(), kept);
    write(1);
    EXPECT_EQ(kinds(verify({}, "", kept)), Kinds{});
    // All of it made anew: sound in itself.
    fs::remove_all(directory_);
    fs::create_directories(directory_);
    write(2);
    EXPECT_EQ(kinds(verify()), Kinds{});
    EXPECT_EQ(kinds(verify({}, "", kept)), Kinds{"truncated"});
    const auto log = open();
    log->write(AuditRecord("refuse", 0)).value();
    EXPECT_EQ(kinds(verify({}, "", kept)), Kinds{"not_kept"});
}

TEST_F(AuditChainTest, AKeyIsNeededToHashAnew) {
    write(3, kKey);
    EXPECT_EQ(kinds(verify({}, kKey)), Kinds{});
    for (const auto& line : lines())
        EXPECT_EQ(line.find(kKey), std::string::npos);
    // Another key, and none, are refused before anything is written.
    for (const std::string_view other : {"", "another key"}) {
        const auto opened = AuditLog::open(file_, keyed(other));
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, Errc::kConfig);
        EXPECT_NE(opened.error().detail.find("audit.hmac_key"), std::string::npos);
    }
    // A chain that somebody without the key made.
    auto all = lines();
    fs::remove(head_file());
    fs::remove(file_);
    write(3);
    fs::remove(head_file());
    EXPECT_EQ(kinds(verify({}, kKey)), (Kinds{"no_head", "edited", "edited"}));
}

TEST_F(AuditChainTest, SeveralProcessesMakeOneChain) {
    constexpr int kEach = 200;
    std::vector<std::thread> threads;
    std::vector<std::shared_ptr<AuditLog>> logs{open(), open()};  // as two processes
    for (const auto& log : logs) {
        for (int i = 0; i < 2; ++i) {
            threads.emplace_back([log] {
                for (int k = 0; k < kEach; ++k)
                    log->write(AuditRecord("issue", 0).add("number", k)).value();
            });
        }
    }
    for (auto& thread : threads)
        thread.join();
    const auto report = verify();
    EXPECT_EQ(kinds(report), Kinds{});
    EXPECT_EQ(report.records, 4U * kEach);
}

TEST_F(AuditChainTest, ADamagedHeadIsAsGoodAsNone) {
    write(2);
    std::ofstream(head_file()) << "nothing";
    EXPECT_EQ(kinds(verify()), Kinds{"no_head"});
    write(1);
    EXPECT_EQ(kinds(verify()), Kinds{});
}

TEST_F(AuditChainTest, ADeviceHasNoHead) {
    const auto full = AuditLog::open("/dev/full").value();
    const auto refused = full->write(AuditRecord("issue", 0));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kUnavailable);
    EXPECT_NE(refused.error().detail.find("disk is full"), std::string::npos);
    EXPECT_FALSE(fs::exists("/dev/full.head"));
}

TEST_F(AuditChainTest, ARecordThatIsTooLongForTheFileIsRefused) {
    const auto log = open();
    EXPECT_FALSE(
        log->write(AuditRecord("issue", 0)
                       .add("list", std::vector<std::string>(400, std::string(4096, 'a')))));
    log->write(AuditRecord("issue", 0)).value();
    EXPECT_EQ(kinds(verify()), Kinds{});
}

TEST_F(AuditChainTest, AHeadThatWasChangedWithoutTheKeyIsNoHead) {
    const AuditDigest digest(keyed("key").hmac_key);
    const AuditHead head{{7, sha256(as_bytes("x"))}, 100, 5};
    auto text = render_audit_head(head, digest);
    const auto read = parse_audit_head(text, digest).value();
    ASSERT_TRUE(read);
    EXPECT_EQ(read->last, head.last);
    EXPECT_EQ(read->size, 100U);
    text.replace(text.find(" 7:"), 3, " 6:");
    EXPECT_FALSE(parse_audit_head(text, digest).value());
}

TEST_F(AuditChainTest, IsSoundWithTheRotatedFileBeforeTheNextRecord) {
    write(3);
    const fs::path rotated = directory_ / "audit.jsonl.1";
    fs::rename(file_, rotated);
    const auto with = verify({rotated});
    EXPECT_EQ(kinds(with), Kinds{});
    EXPECT_EQ(with.records, 3U);
    ASSERT_EQ(with.notes.size(), 1U);
    EXPECT_EQ(with.notes[0].place.file, file_.string());
    // Gone is gone, whoever took it: only the file that was moved vouches for it.
    const auto without = verify();
    EXPECT_EQ(kinds(without), Kinds{"truncated"});
    EXPECT_EQ(without.faults.at(0).place.file, file_.string());
    ASSERT_EQ(without.notes.size(), 1U);
    EXPECT_NE(without.notes[0].text.find("rotated"), std::string::npos);
}

TEST_F(AuditChainTest, CannotBeReadWhereItNeverWas) {
    const auto read = verify_audit_files({{file_}, {}}, AuditDigest());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::kConfig);
}

TEST_F(AuditChainTest, TellsWithWhichKeyAFileWasWritten) {
    write(2, kKey);
    const fs::path keyed_file = directory_ / "keyed";
    fs::rename(file_, keyed_file);
    fs::remove(head_file());
    write(2);
    std::vector<AuditDigest> digests;
    digests.emplace_back();
    digests.emplace_back(keyed(kKey).hmac_key);
    auto chains = sort_by_key({keyed_file, file_}, std::move(digests)).value();
    ASSERT_EQ(chains.size(), 2U);
    EXPECT_EQ(chains[0].files.files, std::vector<fs::path>{file_});
    EXPECT_EQ(chains[1].files.files, std::vector<fs::path>{keyed_file});
    for (const AuditChain& chain : chains)
        EXPECT_EQ(verify_audit_files(chain.files, chain.digest).value().fault_count, 0U);
}

TEST_F(AuditChainTest, LeavesAFileOfAnUnknownKeyToTheNewestChainWhereItIsAFault) {
    write(2, kKey);
    const fs::path unknown = directory_ / "unknown";
    fs::rename(file_, unknown);
    fs::remove(head_file());
    write(2);
    std::vector<AuditDigest> digests(1);
    auto chains = sort_by_key({unknown, file_}, std::move(digests)).value();
    ASSERT_EQ(chains.size(), 1U);
    EXPECT_EQ(chains[0].files.files.size(), 2U);
    EXPECT_NE(verify_audit_files(chains[0].files, chains[0].digest).value().fault_count, 0U);
}

}  // namespace
}  // namespace scepgate::server::this_file

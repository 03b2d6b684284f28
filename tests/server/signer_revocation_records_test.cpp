// What a signer remembers of CRLs, and what becomes of the records of the schema before.
#include <fstream>

#include <gtest/gtest.h>

#include "ca_backend/sqlite.hpp"
#include "certs/crl_builder.hpp"
#include "certs/name.hpp"
#include "server/signer/records.hpp"
#include "server/signer/revocation_records.hpp"
#include "tests/certs/support/key_fixtures.hpp"
#include "tests/server/support/temporary_folder.hpp"

namespace scepgate::server::signer::this_file {
namespace {

namespace fs = std::filesystem;
using certs::Crl;
using certs::RevocationReason;

constexpr std::int64_t kNow = 1'800'000'000;

class SignerRevocationRecordsTest : public ::testing::Test {
protected:
    void SetUp() override { ca_.fill(9); }

    std::unique_ptr<RevocationRecords> open() {
        SignedRecords::open(file_).value();
        return RevocationRecords::open(file_).value();
    }

    /// What makes the file that of an earlier release.
    void alter(const char* sql) const {
        using ca_backend::sqlite::Database;
        auto database = Database::open(file_, Database::Access::kReadWrite).value();
        ASSERT_TRUE(database.execute(sql));
    }

    static SignedCrl crl(std::int64_t number, bool complete = true) {
        SignedCrl made{number, kNow + number, kNow + number - 1, {}, complete};
        made.hash.fill(static_cast<std::uint8_t>(number));
        return made;
    }

    /// "05@1" on hold: "05@1?"
    std::vector<std::string> on_record(RevocationRecords& records, const Sha256& ca) {
        std::vector<std::string> all;
        const auto next = records.revoked(ca);
        while (const auto row = next().value()) {
            all.push_back(to_hex(row->serial) + "@" + std::to_string(row->number) +
                          (row->on_hold ? "?" : ""));
        }
        return all;
    }

    server::testing::TemporaryFolder directory_;
    fs::path file_ = directory_.path() / "signer.db";
    Sha256 ca_{};
};

using Texts = std::vector<std::string>;

TEST_F(SignerRevocationRecordsTest, KeepWhatWasSignedAndRevokedOverARestart) {
    const Bytes one{0x80}, two{0x01, 0x00}, three{0x03};
    CrlChanges changes;
    changes.revoked = {{two, kNow - 2, RevocationReason::kSuperseded, {}},
                       {one, kNow - 1, RevocationReason::kCertificateHold, {}},
                       {three, kNow - 3, RevocationReason::kKeyCompromise, {}}};
    ASSERT_TRUE(open()->add(ca_, crl(1), changes));
    const auto records = open();
    EXPECT_EQ(on_record(*records, ca_), (Texts{"03@1", "80@1?", "0100@1"})) << "ordered as numbers";
    EXPECT_TRUE(on_record(*records, Sha256{}).empty()) << "another CA's";
    const auto last = records->last(ca_).value();
    ASSERT_TRUE(last);
    EXPECT_EQ(last->number, 1);
    EXPECT_EQ(last->hash, crl(1).hash);
    EXPECT_EQ(last->at, crl(1).at);
    EXPECT_EQ(last->this_update, crl(1).this_update);
    EXPECT_FALSE(records->last(Sha256{}).value());
}

TEST_F(SignerRevocationRecordsTest, KeepACompleteCrlBesideTheDeltaOfItsNumber) {
    const auto records = open();
    ASSERT_TRUE(records->add(ca_, crl(4, false), {}));
    EXPECT_FALSE(records->last(ca_).value()->complete);
    EXPECT_FALSE(records->is_complete(ca_, 4).value());
    ASSERT_TRUE(records->add(ca_, crl(4), {}));
    EXPECT_TRUE(records->last(ca_).value()->complete);
    EXPECT_TRUE(records->is_complete(ca_, 4).value());
    EXPECT_EQ(records->count_since(ca_, kNow).value(), 2);
    EXPECT_FALSE(records->add(ca_, crl(4), {})) << "there is one";
}

TEST_F(SignerRevocationRecordsTest, FollowChanges) {
    const Bytes one{0x01}, two{0x02};
    const auto records = open();
    CrlChanges changes;
    changes.revoked = {{one, kNow, RevocationReason::kCertificateHold, {}},
                       {two, kNow, RevocationReason::kCertificateHold, {}}};
    ASSERT_TRUE(records->add(ca_, crl(1), changes));
    changes.revoked = {{one, kNow, RevocationReason::kSuperseded, {}}};
    changes.released = {two};
    ASSERT_TRUE(records->add(ca_, crl(2, false), changes));
    EXPECT_EQ(on_record(*records, ca_), Texts{"01@2"});
    EXPECT_TRUE(records->is_complete(ca_, 1).value());
    EXPECT_FALSE(records->is_complete(ca_, 2).value()) << "a delta";
    EXPECT_FALSE(records->is_complete(ca_, 3).value());
    EXPECT_EQ(records->count_since(ca_, kNow).value(), 2);
    EXPECT_EQ(records->count_since(ca_, kNow + 1).value(), 1);
}

TEST_F(SignerRevocationRecordsTest, DateNoRevocationBackThatIsForEver) {
    constexpr std::int64_t kDay = 86'400;
    const Bytes superseded{0x05}, held{0x06};
    const auto records = open();
    CrlChanges changes;
    changes.revoked = {{superseded, kNow, RevocationReason::kSuperseded, {}},
                       {held, kNow, RevocationReason::kCertificateHold, {}}};
    ASSERT_TRUE(records->add(ca_, crl(1), changes));
    changes.revoked = {{superseded, kNow - 400 * kDay, RevocationReason::kKeyCompromise, {}},
                       {held, kNow - kDay, RevocationReason::kKeyCompromise, {}}};
    ASSERT_TRUE(records->add(ca_, crl(2), changes));
    const auto next = records->revoked(ca_);
    const auto first = next().value(), second = next().value();
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->revoked_at, kNow) << "or it counts as expired, and may be left out";
    EXPECT_TRUE(first->compromised);
    EXPECT_EQ(second->revoked_at, kNow - kDay) << "it was on hold";
    EXPECT_FALSE(second->on_hold);
}

TEST_F(SignerRevocationRecordsTest, KnowTheKeysOfCompromisedCertificatesFromThenOn) {
    SignedRow row;
    row.ca = ca_;
    row.serial = {0x85};
    row.key.fill(5);
    row.id.fill(1);
    SignedRow other = row;
    other.serial = {0x06};
    other.key.fill(6);
    other.id.fill(2);
    const auto records = open();
    const auto all = SignedRecords::open(file_).value();
    ASSERT_TRUE(all->add(row));
    ASSERT_TRUE(all->add(other));
    EXPECT_FALSE(all->is_compromised(row.key).value());
    CrlChanges changes;
    const Bytes elsewhere{0x07};
    changes.revoked = {{other.serial, kNow, RevocationReason::kSuperseded, {}},
                       {elsewhere, kNow, RevocationReason::kKeyCompromise, {}},
                       {row.serial, kNow, RevocationReason::kKeyCompromise, {}}};
    ASSERT_TRUE(records->add(ca_, crl(1), changes));
    EXPECT_TRUE(all->is_compromised(row.key).value());
    EXPECT_FALSE(all->is_compromised(other.key).value()) << "its key is still its own";
    changes.revoked.clear();
    changes.released = {row.serial};
    ASSERT_TRUE(records->add(ca_, crl(2), changes));
    EXPECT_TRUE(SignedRecords::open(file_).value()->is_compromised(row.key).value())
        << "when the certificate has expired, too";
}

TEST_F(SignerRevocationRecordsTest, TakeOverWhatASignerOfSchema4Knew) {
    const Bytes one{0x01};
    CrlChanges changes;
    changes.revoked = {{one, kNow, RevocationReason::kKeyCompromise, {}}};
    ASSERT_TRUE(open()->add(ca_, crl(6), changes));
    alter("ALTER TABLE revoked DROP COLUMN compromised; PRAGMA user_version = 4;");
    EXPECT_EQ(on_record(*open(), ca_), Texts{"01@6"}) << "what for is told by the next CRL";
}

TEST_F(SignerRevocationRecordsTest, SayWhichCompleteCrlIsTheOldest) {
    const auto records = open();
    const auto oldest = [&] {
        return SignedRecords::open(file_).value()->oldest_complete_crl(ca_).value();
    };
    EXPECT_EQ(oldest(), std::nullopt);
    ASSERT_TRUE(records->add(ca_, crl(4, false), {}));
    EXPECT_EQ(oldest(), std::nullopt) << "a delta is no base";
    ASSERT_TRUE(records->add(ca_, crl(5), {}));
    ASSERT_TRUE(records->add(ca_, crl(6), {}));
    EXPECT_EQ(oldest(), 5);
    EXPECT_EQ(SignedRecords::open(file_).value()->oldest_complete_crl(Sha256{}).value(),
              std::nullopt);
}

TEST_F(SignerRevocationRecordsTest, TakeMoreThanOneTransactionHolds) {
    constexpr std::size_t kMany = 20'001;
    std::vector<Bytes> serials;
    for (std::size_t i = 0; i < kMany; ++i) {
        serials.push_back({0x01, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)});
    }
    CrlChanges changes;
    for (const Bytes& serial : serials)
        changes.revoked.push_back({serial, kNow, RevocationReason::kSuperseded, {}});
    const auto records = open();
    ASSERT_TRUE(records->add(ca_, crl(1), changes));
    EXPECT_EQ(on_record(*records, ca_).size(), kMany);
}

TEST_F(SignerRevocationRecordsTest, TakeOverWhatASignerOfSchema1Knew) {
    certs::CrlContents contents;
    contents.issuer_der = certs::Name::from_text("CN=Test CA").value().der();
    contents.authority_key_identifier = Bytes(20, 1);
    contents.number = 260;
    contents.this_update = kNow;
    contents.next_update = kNow + 86'400;
    certs::CrlBuilder builder(contents);
    builder.add({{0x05}, kNow - 1, RevocationReason::kSuperseded}).value();
    builder.add({{0x06}, kNow - 1, RevocationReason::kCertificateHold}).value();
    const Crl last =
        std::move(builder).sign(certs::testing::ec_key(), certs::Digest::kSha256).value();
    {
        std::ofstream create(file_);
        create.close();
        auto database = ca_backend::sqlite::Database::open(
                            file_, ca_backend::sqlite::Database::Access::kReadWrite)
                            .value();
        ASSERT_TRUE(database.execute(R"(
            CREATE TABLE signed (
                ca BLOB NOT NULL, serial BLOB NOT NULL, template TEXT NOT NULL,
                at INTEGER NOT NULL, not_after INTEGER NOT NULL,
                PRIMARY KEY (ca, serial)) WITHOUT ROWID;
            CREATE INDEX signed_at ON signed (at);
            CREATE INDEX signed_not_after ON signed (not_after);
            CREATE TABLE orders (
                id BLOB PRIMARY KEY, at INTEGER NOT NULL, certificate BLOB NOT NULL) WITHOUT ROWID;
            CREATE INDEX orders_at ON orders (at);
            CREATE TABLE crls (
                ca BLOB PRIMARY KEY, number BLOB NOT NULL, last BLOB NOT NULL,
                complete_tbs BLOB NOT NULL) WITHOUT ROWID;
            PRAGMA user_version = 1;)"));
        auto keep = ca_backend::sql::Statement::prepare(
                        database, "INSERT INTO crls VALUES (?, x'0104', ?, ?)")
                        .value();
        const Sha256 hash = crl(7).hash;
        ASSERT_TRUE(
            keep.run().bind(ByteView(ca_)).bind(ByteView(hash)).bind(last.to_be_signed()).finish());
    }
    const auto records = open();
    EXPECT_EQ(on_record(*records, ca_), (Texts{"05@260", "06@260?"}));
    EXPECT_EQ(records->last(ca_).value()->number, 260);
    EXPECT_EQ(records->last(ca_).value()->hash, crl(7).hash) << "a lost answer is given again";
    EXPECT_TRUE(records->is_complete(ca_, 260).value());
}

TEST_F(SignerRevocationRecordsTest, TakeOverWhatASignerOfSchema2Knew) {
    const Bytes one{0x01};
    CrlChanges changes;
    changes.revoked = {{one, kNow, RevocationReason::kSuperseded, {}}};
    ASSERT_TRUE(open()->add(ca_, crl(6), changes));
    alter(R"(
            ALTER TABLE signed_crls RENAME TO now;
            CREATE TABLE signed_crls (
                issuer INTEGER NOT NULL REFERENCES issuers (id), number INTEGER NOT NULL,
                at INTEGER NOT NULL, hash BLOB NOT NULL, complete INTEGER NOT NULL,
                PRIMARY KEY (issuer, number)) WITHOUT ROWID;
            INSERT INTO signed_crls SELECT issuer, number, at, hash, complete FROM now;
            INSERT INTO signed_crls SELECT issuer, 7, at, hash, 0 FROM now;
            DROP TABLE now;
            ALTER TABLE signed DROP COLUMN key;
            ALTER TABLE revoked DROP COLUMN compromised;
            DROP TABLE compromised_keys;
            PRAGMA user_version = 2;)");
    const auto records = open();
    EXPECT_EQ(on_record(*records, ca_), Texts{"01@6"});
    EXPECT_EQ(records->last(ca_).value()->number, 7);
    EXPECT_FALSE(records->last(ca_).value()->complete);
    EXPECT_EQ(records->last(ca_).value()->hash, crl(6).hash);
    EXPECT_TRUE(records->is_complete(ca_, 6).value());
}

}  // namespace
}  // namespace scepgate::server::signer::this_file

// Each kind of damage is found in either engine, and named with the row that has it.
#include "ca_backend/sql_verify.hpp"

#include <algorithm>

#include "tests/ca_backend/support/pending.hpp"
#include "tests/ca_backend/support/place.hpp"

namespace scepgate::ca_backend::this_file {
namespace {

using testing::describe;
using testing::Engine;
using testing::make_certificate;
using testing::make_record;
using testing::record;

class SqlVerifyTest : public testing::OnEachEngine {
protected:
    SqlVerifyTest() {
        const auto store = place_.open();
        for (const char* subject : {"CN=first", "CN=second"})
            EXPECT_EQ(describe(record(*store, make_record(make_certificate(subject)))), "recorded");
        connection_ = place_.connect();
    }

    /// As somebody does who writes past the constraints.
    void damage(const std::string& sql) const {
        const bool sqlite = GetParam() == Engine::kSqlite;
        const char* unchecked =
            sqlite ? "PRAGMA foreign_keys=OFF; PRAGMA ignore_check_constraints=ON"
                   : "SET session_replication_role = replica;"
                     "ALTER TABLE transactions DROP CONSTRAINT IF EXISTS transactions_check";
        ASSERT_TRUE(connection_->execute(unchecked));
        const auto done = connection_->execute(sql.c_str());
        ASSERT_TRUE(done) << done.error().detail;
    }

    [[nodiscard]] std::vector<StoreFault> faults() const {
        std::vector<StoreFault> all;
        std::vector<std::int64_t> ids;
        const auto read = each_certificate(*connection_, 1, [&](std::vector<RowToVerify>&& rows) {
            for (const auto& row : rows) {
                ids.push_back(row.id);
                const auto found = judge_row(row);
                all.insert(all.end(), found.begin(), found.end());
            }
        });
        EXPECT_TRUE(read);
        EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
        const auto references = verify_references(*connection_).value();
        all.insert(all.end(), references.begin(), references.end());
        return all;
    }

    void expect_fault(const std::string& kind, const std::string& where) const {
        const auto found = faults();
        const bool told = std::any_of(found.begin(), found.end(), [&](const StoreFault& fault) {
            return fault.kind == kind && fault.where.starts_with(where) && !fault.detail.empty();
        });
        std::string all;
        for (const auto& fault : found)
            all += fault.kind + ": " + fault.where + ": " + fault.detail + '\n';
        EXPECT_TRUE(told) << kind << " of " << where << " is not among\n" << all;
    }

    std::unique_ptr<sql::Connection> connection_;
};

SCEPGATE_ON_EACH_ENGINE(SqlVerifyTest);

TEST_P(SqlVerifyTest, FindsNothingInAStoreThatIsSound) {
    const auto store = place_.open(StoreMode::kOpenExisting);
    const auto pending = testing::make_pending("waits");
    ASSERT_EQ(describe(testing::record_pending(*store, pending)), "recorded");
    const auto id = certificate_id(
        certs::Certificate::from_der(store->list({}).value().rows.at(0).der).value());
    ASSERT_TRUE(
        wait_for(store->revoke({id, certs::RevocationReason::kCertificateHold, testing::kNow})));
    EXPECT_EQ(faults().size(), 0U);
}

TEST_P(SqlVerifyTest, NamesACertificateThatCannotBeRead) {
    damage("UPDATE certificates SET der = serial WHERE id = 1");
    expect_fault("certificate_unreadable", "certificate 1 (serial ");
}

TEST_P(SqlVerifyTest, NamesARowWhoseSerialIsNotItsCertificates) {
    damage("UPDATE certificates SET serial = issuer_hash WHERE id = 1");
    expect_fault("serial_differs", "certificate 1 ");
}

TEST_P(SqlVerifyTest, NamesHashesThatDoNotMatch) {
    damage("UPDATE certificates SET issuer_hash = identity WHERE id = 1");
    expect_fault("issuer_differs", "certificate 1 ");
    damage("UPDATE certificates SET identity = issuer_hash WHERE id = 2");
    expect_fault("identity_differs", "certificate 2 ");
}

TEST_P(SqlVerifyTest, TakesTheHashesOfEarlierVersions) {
    std::vector<std::pair<std::int64_t, Bytes>> rows;
    ASSERT_TRUE(each_certificate(*connection_, 10, [&](std::vector<RowToVerify>&& all) {
        for (const auto& row : all) {
            const auto certificate = certs::Certificate::from_der(row.der).value();
            const auto identity = identity_of(certificate, row.template_name);
            rows.emplace_back(row.id, to_bytes(identity.by_octets));
        }
    }));
    auto change =
        sql::Statement::prepare(*connection_, "UPDATE certificates SET identity = ? WHERE id = ?")
            .value();
    for (const auto& [id, hash] : rows)
        ASSERT_TRUE(change.run().bind(hash).bind(id).finish());
    EXPECT_EQ(faults().size(), 0U);
}

TEST_P(SqlVerifyTest, NamesATemplateThatIsNotTheOneItWasRecordedWith) {
    damage("UPDATE certificates SET template = 'Administrator' WHERE id = 2");
    expect_fault("identity_differs", "certificate 2 ");
}

TEST_P(SqlVerifyTest, NamesAValidityThatWasChanged) {
    damage("UPDATE certificates SET not_after = not_after + 1 WHERE id = 2");
    expect_fault("validity_differs", "certificate 2 ");
}

TEST_P(SqlVerifyTest, NamesADoubledSerialThatTheDatabaseLetIn) {
    damage(
        "UPDATE certificates SET (serial, issuer_hash) = (SELECT serial, issuer_hash FROM "
        "certificates WHERE id = 1), issuer = 'CN=the same, spelt otherwise' WHERE id = 2");
    expect_fault("serial_not_unique", "id 2");
}

TEST_P(SqlVerifyTest, NamesATransactionWhoseCertificateIsGone) {
    damage("DELETE FROM certificates WHERE id = 1");
    expect_fault("transaction_without_certificate", "id 1");
}

TEST_P(SqlVerifyTest, NamesACertificateThatNoTransactionHas) {
    damage("DELETE FROM transactions WHERE certificate = 2");
    expect_fault("certificate_without_transaction", "id 2");
}

TEST_P(SqlVerifyTest, NamesATransactionThatIsIssuedWithoutACertificate) {
    damage("UPDATE transactions SET certificate = NULL WHERE id = 1");
    expect_fault("transaction_state", "id 1");
}

TEST_P(SqlVerifyTest, NamesWaitingParticularsWithoutATransaction) {
    damage(
        "INSERT INTO pending(request, message_type, ca, template, policy, device_id, user_id, "
        "subject, subject_alt_name, signer, csr, granted, upstream_id) SELECT 4711, 19, ca, "
        "template, policy, device_id, user_id, subject, subject_alt_name, der, der, der, '' FROM "
        "certificates WHERE id = 1");
    expect_fault("pending_without_transaction", "id 4711");
}

TEST_P(SqlVerifyTest, NamesARevocationThatIsOutOfStep) {
    damage("UPDATE certificates SET revoked_at = 1 WHERE id = 1");
    expect_fault("revocation_reason", "id 1");
}

}  // namespace
}  // namespace scepgate::ca_backend::this_file

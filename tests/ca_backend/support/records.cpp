#include "tests/ca_backend/support/records.hpp"

#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "ca_backend/wait_for.hpp"
#include "tests/ca_backend/support/grants.hpp"

namespace scepgate::ca_backend::testing {

TemporaryDirectory::TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "scepgate-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

certs::Certificate make_certificate(std::string_view subject) {
    return make_ca_certificate({.key = ec_key(), .subject = std::string(subject), .ca = false});
}

Sha256 signer_of(const TransactionKey& key) {
    return sha256(key);
}

IssuanceRecord make_record(const certs::Certificate& certificate) {
    IssuanceRecord made;
    fill_random(made.transaction);
    made.endpoint = "/scep";
    made.transaction_id = "transaction-1";
    made.message_type = 19;
    made.signer_key = signer_of(made.transaction);
    made.ca = "lab";
    made.template_name = "device";
    made.policy = "mdm";
    made.device_id = "device-id";
    made.user_id = "user-id";
    made.certificate = certificate;
    made.now = kNow;
    return made;
}

IssuanceRecord make_redeeming_record(std::string_view token) {
    IssuanceRecord made = make_record();
    made.redemption = Redemption{"mdm", to_bytes(as_bytes(token)), kNow + 3600};
    return made;
}

std::unique_ptr<SqliteStore> open_store(const std::filesystem::path& file, SqliteStore::Mode mode) {
    return SqliteStore::open(file, mode).value();
}

Result<RecordOutcome> record(SqlStore& store, IssuanceRecord record) {
    return wait_for(store.record(std::move(record)));
}

std::vector<Result<RecordOutcome>> record_together(
    const std::vector<std::pair<SqlStore*, IssuanceRecord>>& records) {
    boost::asio::io_context context;
    std::vector<Result<RecordOutcome>> outcomes(records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
        boost::asio::co_spawn(
            context, records[i].first->record(records[i].second),
            [&outcomes, i](std::exception_ptr failure, Result<RecordOutcome> outcome) {
                if (failure) std::rethrow_exception(failure);
                outcomes[i] = std::move(outcome);
            });
    }
    context.run();
    return outcomes;
}

std::optional<certs::Certificate> found(SqlStore& store, const TransactionKey& key) {
    IssuanceRecord made = make_record({});
    made.transaction = key;
    made.signer_key = signer_of(key);
    const auto transaction = stored(store, made);
    return transaction ? transaction->certificate : std::nullopt;
}

std::string describe(const Result<RecordOutcome>& outcome) {
    if (!outcome) return outcome.error().detail;
    if (std::holds_alternative<Recorded>(*outcome)) return "recorded";
    if (std::holds_alternative<RecordedBefore>(*outcome)) return "recorded before";
    if (std::holds_alternative<AlreadyRedeemed>(*outcome)) return "already redeemed";
    if (std::holds_alternative<KeyCompromised>(*outcome)) return "key compromised";
    return std::holds_alternative<SignerRevoked>(*outcome) ? "signer revoked" : "already renewed";
}

}  // namespace scepgate::ca_backend::testing

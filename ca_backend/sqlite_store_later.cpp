#include "ca_backend/sqlite_store.hpp"

namespace scepgate::ca_backend {
namespace {
Error later() {
    return {Errc::kUnsupported, "not in this schema"};
}
}  // namespace
namespace asio = boost::asio;
Result<std::optional<StoredTransaction>> SqliteStore::find_pending(const PollKey&, std::int64_t) {
    return later();
}
asio::awaitable<Result<PendingOutcome>> SqliteStore::record_pending(PendingRecord) {
    co_return later();
}
asio::awaitable<Result<StoredTransaction>> SqliteStore::decide(Decision) {
    co_return later();
}
asio::awaitable<Result<void>> SqliteStore::mark_notified(TransactionKey) {
    co_return later();
}
Result<std::vector<StoredTransaction>> SqliteStore::list_pending(const PendingFilter&) {
    return later();
}
Result<std::optional<CertificateRow>> SqliteStore::find_certificate(const CertificateId&) {
    return later();
}
Result<std::optional<CertificateRow>> SqliteStore::newest_of_identity(const certs::Certificate&,
                                                                      std::string_view,
                                                                      std::int64_t) {
    return later();
}
asio::awaitable<Result<CertificateRow>> SqliteStore::revoke(RevocationOrder) {
    co_return later();
}
Result<std::int64_t> SqliteStore::revocation_revision(const IssuerHash&) {
    return later();
}
asio::awaitable<Result<CrlBasis>> SqliteStore::begin_crl(IssuerHash, std::int64_t) {
    co_return later();
}
asio::awaitable<Result<void>> SqliteStore::keep_crl(IssuerHash, KeptCrl) {
    co_return later();
}
Result<std::optional<KeptCrl>> SqliteStore::find_crl(const IssuerHash&) {
    return later();
}
}  // namespace scepgate::ca_backend

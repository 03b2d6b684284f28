#include "ca_backend/sqlite_reader.hpp"

#include <limits>

namespace scepgate::ca_backend::sqlite {
namespace {

const std::string kSelectRow =
    "SELECT serial, subject, subject_alt_name, issuer, not_before, not_after, issued_at, endpoint, "
    "transaction_id, ca, template, policy, device_id, user_id, der FROM certificates ";

CertificateRow read_row(const Query& query) {
    CertificateRow row;
    int column = 0;
    row.serial = to_hex(query.blob(column++));
    row.subject = query.text(column++);
    row.subject_alt_name = query.text(column++);
    row.issuer = query.text(column++);
    row.not_before = query.integer(column++);
    row.not_after = query.integer(column++);
    row.issued_at = query.integer(column++);
    row.endpoint = query.text(column++);
    row.transaction_id = query.text(column++);
    row.ca = query.text(column++);
    row.template_name = query.text(column++);
    row.policy = query.text(column++);
    row.device_id = query.text(column++);
    row.user_id = query.text(column++);
    row.der = query.blob(column++);
    return row;
}

}  // namespace

Result<std::unique_ptr<Reader>> Reader::open(const std::filesystem::path& file) {
    auto database = Database::open(file, Database::Access::kReadOnly);
    if (!database) return database.error();
    auto lookups = Lookups::prepare(*database);
    if (!lookups) return lookups.error();
    auto by_serial =
        Statement::prepare(*database, kSelectRow + "WHERE serial = ? ORDER BY id DESC LIMIT 1");
    if (!by_serial) return by_serial.error();
    return std::make_unique<Reader>(
        Reader{*std::move(database), *std::move(lookups), *std::move(by_serial)});
}

Result<std::vector<CertificateRow>> Reader::list(const CertificateFilter& filter) {
    std::string sql = kSelectRow + "WHERE TRUE ";
    if (filter.subject_contains) sql += "AND instr(lower(subject), lower(?)) > 0 ";
    if (filter.transaction_id) sql += "AND transaction_id = ? ";
    sql += "ORDER BY id DESC LIMIT ?";
    auto statement = Statement::prepare(database, sql);
    if (!statement) return statement.error();

    Query query = statement->run();
    if (filter.subject_contains) query.bind(*filter.subject_contains);
    if (filter.transaction_id) query.bind(*filter.transaction_id);
    constexpr std::size_t kMaxLimit = std::numeric_limits<std::int64_t>::max();
    query.bind(static_cast<std::int64_t>(std::min(filter.limit, kMaxLimit)));

    std::vector<CertificateRow> rows;
    for (;;) {
        const auto row = query.next();
        if (!row) return row.error();
        if (!*row) return rows;
        rows.push_back(read_row(query));
    }
}

Result<std::optional<CertificateRow>> Reader::find_serial(ByteView serial) {
    Query query = by_serial.run();
    query.bind(serial);
    const auto row = query.next();
    if (!row) return row.error();
    if (!*row) return std::optional<CertificateRow>();
    return std::optional(read_row(query));
}

Result<std::unique_ptr<Reader>> ReaderPool::take() {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            auto reader = std::move(idle_.back());
            idle_.pop_back();
            return reader;
        }
    }
    return Reader::open(file_);
}

void ReaderPool::give_back(std::unique_ptr<Reader> reader) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(reader));
}

}  // namespace scepgate::ca_backend::sqlite

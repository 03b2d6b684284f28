#include "server/audit_log.hpp"

namespace scepgate::server {

namespace {

/// For what stands before a record's members.
constexpr std::size_t kRoomOfALink = 256;

/// Whatever happens, those that wait are told.
AuditChainFile::Appended append(AuditChainFile& file,
                                const std::vector<const AuditRecord*>& records) {
    try {
        return file.append(records);
    } catch (const std::exception& fault) {
        return {0, Error{Errc::kUnavailable,
                         std::string("cannot write the audit file: ") + fault.what()}};
    }
}

}  // namespace

Result<std::shared_ptr<AuditLog>> AuditLog::open(const std::filesystem::path& file,
                                                 AuditSettings settings) {
    auto chain = AuditChainFile::open(file, std::move(settings));
    if (!chain) return chain.error();
    return std::shared_ptr<AuditLog>(new AuditLog(*std::move(chain)));
}

Result<void> AuditLog::write(const AuditRecord& record) {
    if (record.members().size() + kRoomOfALink > kLongestAuditLine) {
        return Error{Errc::kInternal, "a record of " + std::to_string(record.members().size()) +
                                          " octets is too long for the audit file"};
    }
    Waiting own{&record};
    std::unique_lock lock(mutex_);
    queue_.push_back(&own);
    changed_.wait(lock, [&] { return own.done || !writing_; });
    if (!own.done) {
        // Whoever comes while nobody writes does it for all that wait.
        writing_ = true;
        const auto batch = std::exchange(queue_, {});
        lock.unlock();
        write_all(batch);
        lock.lock();
        for (Waiting* each : batch)
            each->done = true;
        writing_ = false;
        changed_.notify_all();
    }
    if (own.error) return *std::move(own.error);
    return {};
}

void AuditLog::write_all(const std::vector<Waiting*>& batch) {
    std::vector<const AuditRecord*> records;
    records.reserve(batch.size());
    for (const Waiting* each : batch)
        records.push_back(each->record);
    const auto appended = append(*file_, records);
    for (std::size_t i = appended.count; i < batch.size(); ++i) {
        batch[i]->error =
            appended.error.value_or(Error{Errc::kInternal, "the audit file took no record"});
    }
}

Result<void> AuditLog::reopen() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !writing_; });
    return file_->reopen();
}

}  // namespace scepgate::server

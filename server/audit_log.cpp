#include "server/audit_log.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace scepgate::server {

namespace asio = boost::asio;

namespace {

/// For what stands before a record's members.
constexpr std::size_t kRoomOfALink = 256;

Result<void> check_length(const AuditRecord& record) {
    if (record.members().size() + kRoomOfALink <= kLongestAuditLine) return {};
    return Error{Errc::kInternal, "a record of " + std::to_string(record.members().size()) +
                                      " octets is too long for the audit file"};
}

/// Whatever happens, those that wait are told.
template <class Waiting>
AuditChainFile::Appended append(AuditChainFile& file, const std::vector<Waiting>& batch) {
    try {
        std::vector<const AuditRecord*> records;
        records.reserve(batch.size());
        for (const Waiting& each : batch)
            records.push_back(each.record);
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
    if (auto fit = check_length(record); !fit) return fit;
    std::optional<Result<void>> outcome;
    std::unique_lock lock(mutex_);
    queue_.push_back({&record, &outcome});
    changed_.wait(lock, [&] { return outcome || !writing_; });
    // Whoever comes while nobody writes does it for all that wait. Whatever the caller holds, no
    // coroutine goes on here.
    if (!outcome) write_queue(lock, Offer::kToOthers);
    return *std::move(outcome);
}

asio::awaitable<Result<void>> AuditLog::write_with_others(AuditRecord record) {
    if (auto fit = check_length(record); !fit) co_return fit;
    if (auto written = write_as_last(record)) co_return *std::move(written);
    const auto executor = co_await asio::this_coro::executor;
    const auto initiate = [this](Suspended::Handler handler, const AuditRecord* waiting,
                                 const asio::any_io_executor& own) {
        enqueue(*waiting, Suspended(std::move(handler), own));
    };
    auto wait = asio::async_initiate<const asio::use_awaitable_t<>, void(Result<void>)>(
        initiate, asio::use_awaitable, &record, executor);
    co_return co_await std::move(wait);
}

/// Nothing when it can wait for others.
std::optional<Result<void>> AuditLog::write_as_last(const AuditRecord& record) {
    std::optional<Result<void>> outcome;
    std::unique_lock lock(mutex_);
    if (writing_ || queue_.size() + 1 < kMostTogether) return std::nullopt;
    queue_.push_back({&record, &outcome});
    write_queue(lock, Offer::kHereAlone);
    lock.unlock();
    resumptions_->run_here();
    return outcome;
}

void AuditLog::enqueue(const AuditRecord& record, Suspended coroutine) {
    const auto executor = coroutine.guard.get_executor();
    const std::lock_guard lock(mutex_);
    queue_.push_back({&record, nullptr, std::move(coroutine)});
    if (writing_ || std::exchange(called_, true)) return;
    // Behind all that is ready to run.
    asio::defer(executor, [log = shared_from_this()] { log->write_what_waits(); });
}

void AuditLog::write_what_waits() {
    std::unique_lock lock(mutex_);
    called_ = false;
    if (!writing_) write_queue(lock, Offer::kHereAlone);
    lock.unlock();
    resumptions_->run_here();
}

/// Until nobody waits. `offer`: of the first coroutine; the others are for whoever has time.
/// noexcept: an exception would leave others waiting for ever.
void AuditLog::write_queue(std::unique_lock<std::mutex>& lock, Offer offer) noexcept {
    writing_ = true;
    while (!queue_.empty()) {
        auto batch = std::exchange(queue_, {});
        lock.unlock();
        const auto appended = append(*file_, batch);
        lock.lock();
        for (std::size_t i = 0; i < batch.size(); ++i) {
            Result<void> outcome;
            if (i >= appended.count) {
                outcome = appended.error.value_or(
                    Error{Errc::kInternal, "the audit file took no record"});
            }
            if (auto& coroutine = batch[i].coroutine) {
                coroutine->outcome = std::move(outcome);
                resumptions_->add(*std::move(coroutine), std::exchange(offer, Offer::kToOthers));
            } else {
                batch[i].outcome->emplace(std::move(outcome));
            }
        }
        changed_.notify_all();
    }
    writing_ = false;
    changed_.notify_all();
}

Result<void> AuditLog::reopen() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !writing_; });
    return file_->reopen();
}

}  // namespace scepgate::server

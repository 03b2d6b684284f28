#include "server/audit_chain_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "certs/clock.hpp"
#include "server/given_file.hpp"

namespace scepgate::server {
namespace {

/// A name that is made durable: the folder that holds it is written too.
void sync_folder_of(const std::filesystem::path& file) {
    const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
}

}  // namespace

AuditChainFile::AuditChainFile(std::filesystem::path file, AuditSettings settings)
    : file_(std::move(file)), digest_(std::move(settings.hmac_key)), sync_(settings.sync) {}

AuditChainFile::~AuditChainFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Error AuditChainFile::cannot_write(std::string_view why) const {
    return {Errc::kUnavailable,
            "cannot write the audit file " + file_.string() + ": " + std::string(why)};
}

Result<std::unique_ptr<AuditChainFile>> AuditChainFile::open(std::filesystem::path file,
                                                             AuditSettings settings) {
    std::unique_ptr<AuditChainFile> chain(new AuditChainFile(std::move(file), std::move(settings)));
    if (auto opened = chain->reopen(); !opened) return opened.error();
    if (!chain->regular_) return chain;
    const auto locked = chain->lock();
    if (!locked) return locked.error();
    // Another key is told now, not with the first request.
    if (const auto head = chain->head_->read(chain->digest_); !head) return head.error();
    return chain;
}

Result<void> AuditChainFile::reopen() {
    struct stat status {
    }, head{};
    // A command that root ran must not make the next file root's.
    const bool given_away = ::geteuid() == 0 && ::stat(audit_head_file(file_).c_str(), &head) == 0;
    if (given_away) create_for(file_, head.st_uid, head.st_gid);
    // For reading too: what a crash left behind is looked at.
    const int flags = O_APPEND | O_CREAT | O_CLOEXEC;
    int descriptor = ::open(file_.c_str(), O_RDWR | flags, 0600);
    if (descriptor < 0) {
        return Error{Errc::kConfig,
                     "cannot write the audit file " + file_.string() + ": " + std::strerror(errno)};
    }
    if (::fstat(descriptor, &status) != 0) {
        Error error = cannot_write(std::strerror(errno));
        ::close(descriptor);
        return error;
    }
    if (given_away && S_ISREG(status.st_mode) && status.st_size == 0 &&
        ::fchown(descriptor, head.st_uid, head.st_gid) != 0) {
        Error error = cannot_write(std::strerror(errno));
        ::close(descriptor);
        return error;
    }
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = descriptor;
    id_ = FileId::of(status);
    regular_ = S_ISREG(status.st_mode);
    if (sync_ && regular_) sync_folder_of(file_);
    return {};
}

Result<void> AuditChainFile::open_head() {
    head_.reset();
    auto head =
        AuditHeadFile::open(audit_head_file(file_), AuditHeadFile::Use::kWrite, descriptor_);
    if (!head) return head.error();
    head_.emplace(*std::move(head));
    return {};
}

Result<AuditHeadFile::Lock> AuditChainFile::lock() {
    for (;;) {
        if (!head_) {
            if (auto opened = open_head(); !opened) return opened.error();
        }
        auto locked = head_->lock();
        if (!locked || head_->is_current()) return locked;
        { const auto released = std::move(locked); }  // before its descriptor is closed
        if (auto opened = open_head(); !opened) return opened.error();
    }
}

/// The size of the file that has the name: another one after logrotate or an operator moved the one
/// that was open away.
Result<std::uint64_t> AuditChainFile::follow() {
    struct stat now {};
    if (::stat(file_.c_str(), &now) != 0 || FileId::of(now) != id_) {
        if (auto opened = reopen(); !opened) return opened.error();
        if (::fstat(descriptor_, &now) != 0) return cannot_write(std::strerror(errno));
    }
    return static_cast<std::uint64_t>(now.st_size);
}

Result<AuditChainFile::State> AuditChainFile::state(std::uint64_t size) const {
    const auto read = head_->read(digest_);
    if (!read) return read.error();
    std::optional<AuditHead> head = *read;
    const bool lost = !head && last_.last.seq != 0;
    // Where the head was lost, or an older one put back, this process knows what it wrote itself:
    // meanwhile nobody can cut that off unseen.
    if (last_.last.seq > (head ? head->last.seq : 0)) head = last_;
    if (!lost && head && head->inode == id_.inode && head->size == size)
        return State{{head->last, "", size}, size};
    auto recovered = recover_audit_file({file_, descriptor_, size, id_.inode}, head, digest_);
    if (!recovered) return recovered.error();
    if (lost && recovered->reason.empty()) recovered->reason = "head_lost";
    char last = '\n';
    if (size > 0 && ::pread(descriptor_, &last, 1, static_cast<off_t>(size - 1)) != 1)
        return cannot_write(std::strerror(errno));
    return State{*std::move(recovered), size, last != '\n'};
}

/// Says why the chain was interrupted, and what lies between its last record and this one, so that
/// it can be told from what was tampered with.
Result<AuditRecord> AuditChainFile::chain_record(const State& state) const {
    AuditRecord record("chain", certs::SystemClock().now());
    record.add("reason", state.chain.reason);
    if (state.chain.from == state.size) return record;
    RunningSha256 hash;
    AuditLineReader reader(descriptor_, state.chain.from, state.size);
    bool ended = true;
    std::int64_t octets = 0;
    for (;;) {
        const auto line = reader.next();
        if (!line) return line.error();
        if (!*line) break;
        hash.add((*line)->text);
        if ((*line)->ends) hash.add("\n");
        ended = (*line)->ends;
        octets += static_cast<std::int64_t>((*line)->size());
    }
    if (!ended) {  // append() ends it
        hash.add("\n");
        ++octets;
    }
    record.add("octets", octets).add("sha256", to_hex(hash.finish()));
    return record;
}

AuditChainFile::Appended AuditChainFile::append(std::span<const AuditRecord* const> records) {
    if (!regular_) {
        if (auto followed = follow(); !followed) return {0, followed.error()};
    }
    if (!regular_) return write(records, State{{last_.last, "", 0}, 0});
    const auto locked = lock();
    if (!locked) return {0, locked.error()};
    const auto size = follow();
    if (!size) return {0, size.error()};
    if (!regular_) return write(records, State{{last_.last, "", 0}, 0});
    auto now = state(*size);
    if (!now) return {0, now.error()};
    return write(records, *std::move(now));
}

AuditChainFile::Appended AuditChainFile::write(std::span<const AuditRecord* const> records,
                                               State state) {
    struct End {
        std::size_t offset;
        AuditPosition position;
    };
    std::string text;
    std::vector<End> ends;
    AuditPosition position = state.chain.at;
    const auto add = [&](const AuditRecord& record) {
        const std::string line = make_audit_line(position, record.members());
        position = {position.seq + 1,
                    digest_.of(std::string_view(line).substr(0, line.size() - 1))};
        text += line;
        ends.push_back({text.size(), position});
    };
    std::size_t extra = 0;
    if (state.lacks_end) text = "\n";
    if (!state.chain.reason.empty()) {
        auto record = chain_record(state);
        if (!record) return {0, record.error()};
        add(*record);
        extra = 1;
    }
    for (const AuditRecord* record : records)
        add(*record);

    const ssize_t result = ::write(descriptor_, text.data(), text.size());
    const int failure = result < 0 ? errno : ENOSPC;
    const auto written = static_cast<std::size_t>(std::max<ssize_t>(result, 0));
    Appended appended;
    if (written < text.size()) {
        appended.error =
            cannot_write(failure == ENOSPC ? "the disk is full" : std::strerror(failure));
    }
    // What is whole of a write that fell short counts too.
    if (written > 0 && sync_ && regular_ && ::fdatasync(descriptor_) != 0) {
        Error error = cannot_write(std::strerror(errno));
        // Nobody knows what is on the disk now, and the kernel will not try again: nothing may be
        // chained to it. Where it cannot be taken back (chattr +a) the chain may show a fault.
        if (::ftruncate(descriptor_, static_cast<off_t>(state.size)) != 0)
            error.detail += "; nor can the records be taken back";
        return {0, std::move(error)};
    }
    std::size_t whole = 0;
    while (whole < ends.size() && ends[whole].offset <= written)
        ++whole;
    if (whole == 0) return appended;
    const End& end = ends[whole - 1];
    last_ = {end.position, state.size + end.offset, id_.inode};
    // Where this fails the next one finds the records behind the head.
    if (regular_) (void)head_->write(last_, digest_);
    appended.count = whole - std::min(whole, extra);
    return appended;
}

}  // namespace scepgate::server

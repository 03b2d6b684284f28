#include "server/audit_log.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

#include "certs/clock.hpp"
#include "server/text_escape.hpp"

namespace scepgate::server {
namespace {

constexpr std::size_t kLongestValue = 4096;

Result<int> open_audit_file(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return Error{Errc::kConfig,
                     "cannot write the audit file " + file.string() + ": " + std::strerror(errno)};
    }
    return descriptor;
}

/// True when the file's last line has no end: a crash or a full disk cut it short.
bool last_line_is_torn(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary | std::ios::ate);
    if (!stream || stream.tellg() <= 0) return false;
    stream.seekg(-1, std::ios::end);
    return stream.get() != '\n';
}

}  // namespace

AuditRecord::AuditRecord(std::string_view event, std::int64_t now) {
    line_.reserve(1024);
    line_ = "{\"time\":\"" + certs::utc_text(now) + "\",\"event\":";
    append_json_string(line_, event);
}

AuditRecord& AuditRecord::add(std::string_view key, std::string_view value) {
    line_ += ',';
    append_json_string(line_, key);
    line_ += ':';
    append_json_string(line_, value, kLongestValue);
    return *this;
}

AuditRecord& AuditRecord::add_if(std::string_view key, std::string_view value) {
    return value.empty() ? *this : add(key, value);
}

AuditRecord& AuditRecord::add(std::string_view key, std::int64_t value) {
    line_ += ',';
    append_json_string(line_, key);
    line_ += ':' + std::to_string(value);
    return *this;
}

AuditRecord& AuditRecord::add(std::string_view key, const std::vector<std::string>& values) {
    line_ += ',';
    append_json_string(line_, key);
    line_ += ":[";
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i != 0) line_ += ',';
        append_json_string(line_, values[i], kLongestValue);
    }
    line_ += ']';
    return *this;
}

AuditLog::AuditLog(std::filesystem::path file, int descriptor)
    : file_(std::move(file)), descriptor_(descriptor), torn_(last_line_is_torn(file_)) {}

AuditLog::~AuditLog() {
    ::close(descriptor_);
}

Result<std::shared_ptr<AuditLog>> AuditLog::open(const std::filesystem::path& file) {
    const auto descriptor = open_audit_file(file);
    if (!descriptor) return descriptor.error();
    return std::shared_ptr<AuditLog>(new AuditLog(file, *descriptor));
}

Result<void> AuditLog::write(const AuditRecord& record) {
    const std::lock_guard lock(mutex_);
    std::string line = (torn_ ? "\n" : "") + record.line_ + "}\n";
    const ssize_t written = ::write(descriptor_, line.data(), line.size());
    if (written == static_cast<ssize_t>(line.size())) {
        torn_ = false;
        return {};
    }
    if (written > 0) torn_ = true;
    return Error{Errc::kUnavailable, "cannot write the audit file " + file_.string() + ": " +
                                         (written < 0 ? std::strerror(errno) : "the disk is full")};
}

Result<void> AuditLog::reopen() {
    const auto descriptor = open_audit_file(file_);
    if (!descriptor) return descriptor.error();
    const std::lock_guard lock(mutex_);
    ::close(descriptor_);
    descriptor_ = *descriptor;
    torn_ = false;
    return {};
}

}  // namespace scepgate::server

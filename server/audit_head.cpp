#include "server/audit_head.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "server/given_file.hpp"

namespace scepgate::server {
namespace {

constexpr std::string_view kFormat = "scepgate-audit-head-1";
constexpr std::size_t kLength = 320;

Error cannot_use_head(std::string_view what, const std::filesystem::path& file) {
    return {Errc::kConfig, "cannot " + std::string(what) + " " + file.string() + ": " +
                               std::strerror(errno) +
                               " (it says where the audit file's chain is; it belongs to the user "
                               "that the server runs as)"};
}

std::optional<std::uint64_t> number(std::string_view word) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || word.empty())
        return std::nullopt;
    return value;
}

/// FORMAT SEQ:HASH SIZE INODE KEY, and then the hash over that.
std::string signed_part(const AuditHead& head, const AuditDigest& digest) {
    return std::string(kFormat) + ' ' + std::to_string(head.last.seq) + ':' +
           to_hex(head.last.hash) + ' ' + std::to_string(head.size) + ' ' +
           std::to_string(head.inode) + ' ' + digest.key_id();
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
        if (end > at) words.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

Error other_key(std::string_view begun_with) {
    return {Errc::kConfig,
            std::string("the audit file's chain was begun ") +
                (begun_with == "-" ? "without a key, and audit.hmac_key gives one"
                                   : "with another audit.hmac_key than is given now, or none is") +
                "; restore that, or begin a new chain: move the audit file and its .head away "
                "(keep both, with their key)"};
}

}  // namespace

std::string render_audit_head(const AuditHead& head, const AuditDigest& digest) {
    std::string text = signed_part(head, digest);
    text += ' ' + to_hex(digest.of(text));
    text.resize(kLength - 1, ' ');
    return text + '\n';
}

Result<std::optional<AuditHead>> parse_audit_head(std::string_view text,
                                                  const AuditDigest& digest) {
    const auto words = words_of(text);
    if (words.size() != 6 || words[0] != kFormat) return std::optional<AuditHead>();
    const std::size_t colon = words[1].find(':');
    const auto seq = number(words[1].substr(0, std::min(colon, words[1].size())));
    const auto size = number(words[2]), inode = number(words[3]);
    if (colon == std::string_view::npos || !seq || !size || !inode)
        return std::optional<AuditHead>();
    const auto hash = from_hex(words[1].substr(colon + 1));
    AuditHead head{{*seq, {}}, *size, *inode};
    if (!hash || hash->size() != head.last.hash.size()) return std::optional<AuditHead>();
    std::copy(hash->begin(), hash->end(), head.last.hash.begin());
    if (!AuditDigest::is_key_id(words[4])) return std::optional<AuditHead>();
    if (words[4] != digest.key_id()) return other_key(words[4]);
    if (words[5] != to_hex(digest.of(signed_part(head, digest)))) return std::optional<AuditHead>();
    return std::optional(head);
}

std::filesystem::path audit_head_file(const std::filesystem::path& audit_file) {
    return audit_file.string() + ".head";
}

Result<AuditHeadFile> AuditHeadFile::open(std::filesystem::path file, Use use,
                                          int audit_descriptor) {
    struct stat audit {};
    // A command that root ran must not lock the server out.
    const bool given_away = use == Use::kWrite && ::geteuid() == 0 && audit_descriptor >= 0 &&
                            ::fstat(audit_descriptor, &audit) == 0;
    if (given_away) create_for(file, audit.st_uid, audit.st_gid);
    const int flags = (use == Use::kWrite ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW;
    const int descriptor = ::open(file.c_str(), flags, 0600);
    if (descriptor < 0) {
        Error error = cannot_use_head(use == Use::kWrite ? "write" : "read", file);
        if (errno == ENOENT && use == Use::kRead) error.code = Errc::kNotFound;
        return error;
    }
    if (given_away && ::fchown(descriptor, audit.st_uid, audit.st_gid) != 0) {
        Error error = cannot_use_head("give away", file);
        ::close(descriptor);
        return error;
    }
    struct stat own {};
    if (::fstat(descriptor, &own) != 0) {
        Error error = cannot_use_head("read", file);
        ::close(descriptor);
        return error;
    }
    return AuditHeadFile(std::move(file), use, descriptor, FileId::of(own));
}

AuditHeadFile::AuditHeadFile(AuditHeadFile&& other) noexcept
    : file_(std::move(other.file_)),
      use_(other.use_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      id_(other.id_),
      written_(std::move(other.written_)),
      head_(other.head_) {}

AuditHeadFile::~AuditHeadFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

AuditHeadFile::Lock::~Lock() {
    if (descriptor_ >= 0) ::flock(descriptor_, LOCK_UN);
}

Result<AuditHeadFile::Lock> AuditHeadFile::lock() {
    while (::flock(descriptor_, use_ == Use::kWrite ? LOCK_EX : LOCK_SH) != 0) {
        if (errno != EINTR) return cannot_use_head("lock", file_);
    }
    return Lock(descriptor_);
}

bool AuditHeadFile::is_current() const {
    struct stat named {};
    return ::stat(file_.c_str(), &named) == 0 && FileId::of(named) == id_;
}

Result<std::optional<AuditHead>> AuditHeadFile::read(const AuditDigest& digest) const {
    std::array<char, kLength + 1> text{};
    const ssize_t got = ::pread(descriptor_, text.data(), text.size(), 0);
    if (got < 0) return cannot_use_head("read", file_);
    if (static_cast<std::size_t>(got) != kLength) return std::optional<AuditHead>();
    const std::string_view now(text.data(), kLength);
    if (now == written_) return std::optional(head_);
    return parse_audit_head(now, digest);
}

Result<void> AuditHeadFile::write(const AuditHead& head, const AuditDigest& digest) {
    std::string text = render_audit_head(head, digest);
    const ssize_t written = ::pwrite(descriptor_, text.data(), text.size(), 0);
    if (written != static_cast<ssize_t>(text.size())) return cannot_use_head("write", file_);
    written_ = std::move(text);
    head_ = head;
    return {};
}

}  // namespace scepgate::server

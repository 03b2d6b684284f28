#include "server/audit_files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace scepgate::server {
namespace {

namespace fs = std::filesystem;

/// One file, open, with as much of it as there was when it was opened.
class OpenFile {
public:
    /// kNotFound: there is none; kConfig: it cannot be read.
    static Result<OpenFile> open(const fs::path& file) {
        const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
        struct stat status {};
        if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
            Error error{
                errno == ENOENT ? Errc::kNotFound : Errc::kConfig,
                "cannot read the audit file " + file.string() + ": " + std::strerror(errno)};
            if (descriptor >= 0) ::close(descriptor);
            return error;
        }
        OpenFile opened(file, descriptor, static_cast<std::uint64_t>(status.st_size));
        if (!S_ISREG(status.st_mode)) {
            return Error{Errc::kConfig, file.string() + " is not a file: it keeps no records"};
        }
        if (auto found = opened.find_first(); !found) return found.error();
        return opened;
    }
    OpenFile(OpenFile&& other) noexcept
        : name(std::move(other.name)),
          descriptor(std::exchange(other.descriptor, -1)),
          size(other.size),
          first_seq(other.first_seq) {}
    OpenFile& operator=(OpenFile&& other) noexcept {
        std::swap(name, other.name);
        std::swap(descriptor, other.descriptor);
        std::swap(size, other.size);
        std::swap(first_seq, other.first_seq);
        return *this;
    }
    ~OpenFile() {
        if (descriptor >= 0) ::close(descriptor);
    }

    fs::path name;
    int descriptor;
    std::uint64_t size;
    std::uint64_t first_seq = 0;  ///< of the first record; 0: there is none

private:
    OpenFile(fs::path file, int opened, std::uint64_t octets)
        : name(std::move(file)), descriptor(opened), size(octets) {}

    Result<void> find_first() {
        AuditLineReader reader(descriptor, 0, size);
        while (first_seq == 0) {
            const auto line = reader.next();
            if (!line) return line.error();
            if (!*line) break;
            const auto link = (*line)->whole() ? parse_audit_line((*line)->text) : std::nullopt;
            if (link) first_seq = link->seq;
        }
        return {};
    }
};

/// The head first, then how much there is: records that come meanwhile are behind both.
struct Snapshot {
    std::optional<AuditHead> head;
    std::vector<OpenFile> files;
    bool newest_missing = false;
};

Error as_config(Error error) {
    error.code = Errc::kConfig;
    return error;
}

/// Whether the file's records name each other's hashes so; nothing where it has not two records
/// one behind the other. One pair that fits tells: others may have been tampered with.
Result<std::optional<bool>> fits(const OpenFile& file, const AuditDigest& digest) {
    constexpr int kPairs = 100;
    std::optional<bool> fitting;
    std::optional<AuditPosition> before;
    AuditLineReader reader(file.descriptor, 0, file.size);
    for (int pairs = 0; pairs < kPairs;) {
        const auto line = reader.next();
        if (!line) return line.error();
        if (!*line) break;
        const auto link = (*line)->whole() ? parse_audit_line((*line)->text) : std::nullopt;
        if (!link) continue;
        if (before && link->seq == before->seq + 1) {
            if (link->continues(*before)) return std::optional(true);
            fitting = false;
            ++pairs;
        }
        before = AuditPosition{link->seq, digest.of((*line)->text)};
    }
    return fitting;
}

Result<Snapshot> take(const AuditFiles& wanted, const AuditDigest& digest) {
    Snapshot snapshot;
    if (wanted.files.empty()) return Error{Errc::kConfig, "no audit file was named"};
    auto head =
        AuditHeadFile::open(audit_head_file(wanted.files.back()), AuditHeadFile::Use::kRead);
    if (!head && head.error().code != Errc::kNotFound) return head.error();
    std::optional<AuditHeadFile::Lock> lock;
    if (head) {
        auto locked = head->lock();
        if (!locked) return locked.error();
        lock.emplace(*std::move(locked));
        auto read = head->read(digest);
        if (!read) return read.error();
        snapshot.head = *read;
    }
    for (const auto& file : wanted.files) {
        auto opened = OpenFile::open(file);
        const bool missing = !opened && opened.error().code == Errc::kNotFound;
        if (missing && snapshot.head && &file == &wanted.files.back()) {
            snapshot.newest_missing = true;
            continue;
        }
        if (!opened) return as_config(opened.error());
        snapshot.files.push_back(*std::move(opened));
    }
    std::stable_sort(
        snapshot.files.begin(), snapshot.files.end(),
        [](const OpenFile& one, const OpenFile& other) { return one.first_seq < other.first_seq; });
    return snapshot;
}

}  // namespace

Result<AuditReport> verify_audit_files(const AuditFiles& wanted, const AuditDigest& digest,
                                       AuditVerifier::OnRecord on_record) {
    const auto snapshot = take(wanted, digest);
    if (!snapshot) return snapshot.error();
    AuditVerifier verifier(digest, std::move(on_record));
    if (wanted.kept) verifier.require(*wanted.kept);
    if (snapshot->head) {
        verifier.require_head(snapshot->head->last);
    } else if (wanted.head_needed) {
        verifier.miss_head(audit_head_file(wanted.files.back()).string());
    }
    if (snapshot->newest_missing) verifier.miss_newest(wanted.files.back().string());
    for (const OpenFile& file : snapshot->files) {
        verifier.begin_file(file.name.string());
        AuditLineReader reader(file.descriptor, 0, file.size);
        for (;;) {
            const auto line = reader.next();
            if (!line) return line.error();
            if (!*line) break;
            verifier.line(**line);
        }
    }
    return verifier.finish();
}

Result<std::vector<AuditChain>> sort_by_key(std::vector<fs::path> files,
                                            std::vector<AuditDigest> digests) {
    std::vector<AuditChain> chains;
    for (AuditDigest& digest : digests) {
        AuditChain& chain = chains.emplace_back(AuditChain{{}, std::move(digest)});
        chain.files.head_needed = chains.size() == 1;
    }
    for (fs::path& file : files) {
        std::size_t owner = 0;
        if (&file != &files.back()) {
            const auto opened = OpenFile::open(file);
            if (!opened) return as_config(opened.error());
            for (std::size_t i = 0; i < chains.size(); ++i) {
                const auto fit = fits(*opened, chains[i].digest);
                if (!fit) return fit.error();
                if (!*fit || !**fit) continue;
                owner = i;
                break;
            }
        }
        chains[owner].files.files.push_back(std::move(file));
    }
    std::erase_if(chains, [](const AuditChain& chain) { return chain.files.files.empty(); });
    return chains;
}

Result<std::optional<AuditHead>> read_audit_head(const fs::path& audit_file,
                                                 const AuditDigest& digest) {
    auto head = AuditHeadFile::open(audit_head_file(audit_file), AuditHeadFile::Use::kRead);
    if (!head) {
        if (head.error().code == Errc::kNotFound) return std::optional<AuditHead>();
        return head.error();
    }
    const auto lock = head->lock();
    if (!lock) return lock.error();
    return head->read(digest);
}

}  // namespace scepgate::server

#include "server/cli/files.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <pwd.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include "server/sandbox/run_as.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;

/// What a file is given besides its content.
struct FileGift {
    FileOwner owner;
    std::optional<mode_t> mode;  ///< whatever the umask says
};

std::string owner_text(const FileOwner& owner) {
    return (owner.user ? std::to_string(*owner.user) : "") + ":" +
           (owner.group ? std::to_string(*owner.group) : "");
}

Error cannot_write(const char* what, const fs::path& file, int error) {
    return {Errc::kUnavailable,
            std::string("cannot ") + what + " " + file.string() + ": " + std::strerror(error)};
}

/// By its descriptor: whoever owns the folder may have put something else under the name.
Result<void> give(int descriptor, const fs::path& file, const FileGift& gift) {
    constexpr auto kUnchanged = static_cast<uid_t>(-1);
    struct stat now {};
    if (::fstat(descriptor, &now) != 0) return cannot_write("look at", file, errno);
    const uid_t user = gift.owner.user.value_or(now.st_uid);
    const gid_t group = gift.owner.group.value_or(now.st_gid);
    const bool same_user = user == now.st_uid;
    if (!same_user || group != now.st_gid) {
        const bool given = ::fchown(descriptor, same_user ? kUnchanged : user, group) == 0;
        // A group that may do nothing with it is nobody's loss.
        const bool idle_group = same_user && gift.mode && (*gift.mode & S_IRWXG) == 0;
        if (!given && !idle_group) {
            return Error{Errc::kUnavailable,
                         "cannot give " + file.string() + " to " + owner_text(gift.owner) +
                             ", as the configuration's files are: " + std::strerror(errno) +
                             "; run this as root"};
        }
    }
    std::optional<mode_t> mode = gift.mode;
    if (gift.owner.group_reads)
        mode = (now.st_mode & 07777) | (S_ISDIR(now.st_mode) ? S_IRGRP | S_IXGRP : S_IRGRP);
    if (mode && ::fchmod(descriptor, *mode) != 0)
        return cannot_write("set the mode of", file, errno);
    return {};
}

Result<void> write_octets(int descriptor, const fs::path& file, ByteView content) {
    std::string_view rest = as_text(content);
    while (!rest.empty()) {
        const ssize_t written = ::write(descriptor, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return cannot_write("write", file, errno);
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(descriptor) != 0) return cannot_write("write", file, errno);
    return {};
}

Result<void> create_file(const fs::path& file, ByteView content, bool secret,
                         const FileGift& gift) {
    const int descriptor =
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0644);
    if (descriptor < 0) {
        Error error = cannot_write("create", file, errno);
        if (errno == EEXIST) error.code = Errc::kDenied;
        return error;
    }
    auto done = give(descriptor, file, gift);
    if (done) done = write_octets(descriptor, file, content);
    if (::close(descriptor) != 0 && done) done = cannot_write("write", file, errno);
    if (!done) ::unlink(file.c_str());
    return done;
}

Result<void> replace_with(const fs::path& file, ByteView content, bool secret,
                          const FileGift& gift) {
    fs::path temporary = file;
    temporary += ".new." + std::to_string(::getpid());
    if (auto written = create_file(temporary, content, secret, gift); !written)
        return written.error();
    if (::rename(temporary.c_str(), file.c_str()) != 0) {
        const Error error = cannot_write("write", file, errno);
        ::unlink(temporary.c_str());
        return error;
    }
    return {};
}

/// With a private group, as most systems give each user, a group is nobody else.
bool is_own_group(uid_t user, gid_t group) {
    const passwd* entry = ::getpwuid(user);
    return group == (entry != nullptr ? entry->pw_gid : ::getegid());
}

}  // namespace

Result<std::string> read_whole_file(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    // Of nothing to be copied a stream says no more than that it failed.
    if (stream && stream.peek() == std::ifstream::traits_type::eof() && !stream.bad())
        return Error{Errc::kUnavailable, file.string() + " is empty"};
    if (!stream || !(text << stream.rdbuf())) return cannot_write("read", file, errno);
    return text.str();
}

FileOwner owner_beside(const Config& config) {
    struct stat status {};
    if (::stat(config.file.c_str(), &status) != 0) return {};
    return owner_beside(status, config.run_as, ::geteuid());
}

FileOwner owner_beside(const struct stat& file, const std::optional<RunAsConfig>& run_as,
                       uid_t me) {
    FileOwner owner;
    if (me == 0 && file.st_uid != 0) {
        owner.user = file.st_uid;
        owner.group = file.st_gid;
    }
    const uid_t user = owner.user.value_or(me);
    owner.group_reads = (file.st_mode & S_IRGRP) != 0 && !is_own_group(user, file.st_gid);
    if (owner.group_reads) owner.group = file.st_gid;
    if (!run_as) return owner;
    // One that is not there is told by whoever serves.
    const auto account = sandbox::find_account(*run_as);
    if (!account || account->user == user) return owner;
    const bool has_group = sandbox::is_in_group(*account, file.st_gid);
    owner.group = has_group ? file.st_gid : account->group;
    owner.group_reads = true;
    return owner;
}

Result<void> write_new_file(const fs::path& file, ByteView content, bool secret,
                            const FileOwner& owner) {
    return create_file(file, content, secret, {owner, std::nullopt});
}

Result<void> replace_file(const fs::path& file, ByteView content, bool secret) {
    return replace_with(file, content, secret, {});
}

Result<void> replace_file_like(const fs::path& model, const fs::path& file, ByteView content) {
    struct stat status {};
    if (::stat(model.c_str(), &status) != 0) return cannot_write("read", model, errno);
    return replace_with(file, content, true,
                        {{status.st_uid, status.st_gid}, status.st_mode & 07777});
}

Result<void> copy_file_like(const fs::path& file, const fs::path& copy) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) return cannot_write("read", file, errno);
    const std::string content{std::istreambuf_iterator<char>(stream), {}};
    return replace_file_like(file, copy, as_bytes(content));
}

Result<void> give_folder(const fs::path& folder, const FileOwner& owner) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0) return cannot_write("open", folder, errno);
    auto given = give(descriptor, folder, {owner, std::nullopt});
    ::close(descriptor);
    return given;
}

NewFiles::~NewFiles() {
    std::error_code ignored;
    for (const auto& file : files_)
        fs::remove(file, ignored);
}

Result<void> NewFiles::write(const fs::path& file, ByteView content, bool secret) {
    auto written = write_new_file(file, content, secret, owner_);
    if (written) files_.push_back(file);
    return written;
}

}  // namespace scepgate::server::cli

#include "server/cli/folder_builder.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWorkshop = ".unfinished";

/// A descriptor of the folder: holds its lock, and makes renames in it durable.
class FolderLock {
public:
    explicit FolderLock(const fs::path& folder)
        : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
    ~FolderLock() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;

    [[nodiscard]] bool take() const {
        return descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    }
    [[nodiscard]] bool sync() const { return ::fsync(descriptor_) == 0; }

private:
    int descriptor_;
};

Error cannot_build(const std::string& what, const fs::path& path) {
    return {Errc::kUnavailable,
            "cannot " + what + " " + path.string() + ": " + std::strerror(errno)};
}

Result<void> move_up(const fs::path& directory, const std::string& last, const FolderLock& lock) {
    const fs::path workshop = directory / kWorkshop;
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(workshop, error)) {
        if (entry.path().filename() != last) names.push_back(entry.path().filename().string());
    }
    names.push_back(last);
    for (const auto& name : names) {
        if (::rename((workshop / name).c_str(), (directory / name).c_str()) != 0) {
            return cannot_build("move up", workshop / name);
        }
        if (!lock.sync()) return cannot_build("write", directory);
    }
    fs::remove_all(workshop, error);
    return {};
}

/// Files of others beside a workshop that was never complete: not ours to touch.
bool holds_other_files(const fs::path& directory) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
        if (entry.path().filename() != kWorkshop) return true;
    }
    return static_cast<bool>(error);
}

}  // namespace

Result<void> build_folder(const fs::path& named, const std::string& last,
                          const std::function<Result<void>(const fs::path&)>& build) {
    // "lab/" is "lab".
    const fs::path directory = named.has_filename() ? named : named.parent_path();
    std::error_code error;
    if (directory.has_parent_path()) fs::create_directories(directory.parent_path(), error);
    const bool created = ::mkdir(directory.c_str(), 0700) == 0;
    if (!created && errno != EEXIST) return cannot_build("create", directory);

    const FolderLock lock(directory);
    if (!lock.take()) {
        if (errno != EWOULDBLOCK) return cannot_build("lock", directory);
        return Error{Errc::kDenied, "another process is making " + directory.string()};
    }
    if (fs::exists(directory / last, error)) {
        return Error{Errc::kDenied, directory.string() +
                                        " holds a lab already; name another folder, or remove it "
                                        "if nothing in it is needed"};
    }
    const fs::path workshop = directory / kWorkshop;
    if (fs::exists(workshop / last, error)) return move_up(directory, last, lock);
    if (holds_other_files(directory)) {
        return Error{Errc::kDenied, directory.string() + " holds other files; name a new folder"};
    }
    fs::remove_all(workshop, error);
    if (::mkdir(workshop.c_str(), 0700) != 0) return cannot_build("create", workshop);
    if (const auto built = build(workshop); !built) {
        fs::remove_all(workshop, error);
        if (created) ::rmdir(directory.c_str());
        return built.error();
    }
    return move_up(directory, last, lock);
}

}  // namespace scepgate::server::cli

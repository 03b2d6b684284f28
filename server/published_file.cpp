#include "server/published_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "server/sandbox/file_confinement.hpp"

namespace scepgate::server {
namespace {

namespace fs = std::filesystem;

class Descriptor {
public:
    Descriptor(const fs::path& path, int flags, mode_t mode = 0)
        : number_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int get() const noexcept { return number_; }
    /// A late error of the file system comes with closing.
    [[nodiscard]] bool close() noexcept { return ::close(std::exchange(number_, -1)) == 0; }

private:
    int number_;
};

Error cannot_publish(const fs::path& file, const char* what) {
    const int failure = errno;
    return {Errc::kUnavailable, "cannot publish " + file.string() + ": " + what + ": " +
                                    std::generic_category().message(failure) +
                                    sandbox::confinement_hint(file, failure)};
}

bool write_octets(int descriptor, ByteView content) {
    while (!content.empty()) {
        const ssize_t written = ::write(descriptor, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        content = content.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

Result<void> write_file(const fs::path& temporary, const fs::path& file, ByteView content) {
    constexpr mode_t kForAll = 0644;
    Descriptor out(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, kForAll);
    if (out.get() < 0) return cannot_publish(file, "creating a file beside it");
    // Whatever the umask: web servers run as somebody else.
    if (::fchmod(out.get(), kForAll) != 0) return cannot_publish(file, "setting its mode");
    if (!write_octets(out.get(), content)) return cannot_publish(file, "writing");
    if (::fsync(out.get()) != 0) return cannot_publish(file, "syncing");
    if (!out.close()) return cannot_publish(file, "closing");
    return {};
}

}  // namespace

Result<void> publish_file(const fs::path& file, ByteView content) {
    // Hidden, and nobody else's: several processes may publish at once.
    const fs::path temporary =
        file.parent_path() / ("." + file.filename().string() + "." + to_hex(random_bytes(8)));
    auto written = write_file(temporary, file, content);
    if (written && ::rename(temporary.c_str(), file.c_str()) != 0)
        written = cannot_publish(file, "renaming");
    if (!written) {
        ::unlink(temporary.c_str());
        return written;
    }
    const Descriptor folder(file.parent_path(), O_RDONLY | O_DIRECTORY);
    if (folder.get() < 0 || ::fsync(folder.get()) != 0)
        return cannot_publish(file, "syncing its folder");
    return {};
}

}  // namespace scepgate::server

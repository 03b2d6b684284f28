#include "server/given_file.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace scepgate::server {

void create_for(const std::filesystem::path& file, uid_t user, gid_t group) noexcept try {
    std::error_code ignored;
    if (std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) return;
    std::string temporary = file.string() + ".XXXXXX";
    const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);
    if (descriptor < 0) return;
    // By its descriptor: whoever owns the folder may have put something else under the name.
    const std::string made = "/proc/self/fd/" + std::to_string(descriptor);
    if (::fchown(descriptor, user, group) == 0) {
        [[maybe_unused]] const int linked =
            ::linkat(AT_FDCWD, made.c_str(), AT_FDCWD, file.c_str(), AT_SYMLINK_FOLLOW);
    }
    ::unlink(temporary.c_str());
    ::close(descriptor);
} catch (const std::exception&) {
    // No memory: as if it could not be made.
}

}  // namespace scepgate::server

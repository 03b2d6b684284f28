#include "server/file_access.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "server/shell_word.hpp"

namespace scepgate::server {
namespace {

namespace fs = std::filesystem;

std::string user_name() {
    const passwd* entry = ::getpwuid(::geteuid());
    return entry != nullptr ? entry->pw_name : std::to_string(::geteuid());
}

std::string group_name() {
    const group* entry = ::getgrgid(::getegid());
    return entry != nullptr ? entry->gr_name : std::to_string(::getegid());
}

/// The first folder from the root on in which this process may not look a name up; or nothing.
fs::path closed_folder(const fs::path& file) {
    std::error_code ignored;
    fs::path at;
    const fs::path folder = fs::absolute(file, ignored).parent_path();
    for (const auto& name : folder) {
        at /= name;
        if (::faccessat(AT_FDCWD, at.c_str(), X_OK, AT_EACCESS) != 0) return at;
    }
    return {};
}

}  // namespace

std::string this_user() {
    return "user '" + user_name() + "'";
}

std::string how_to_let_read(const fs::path& file) {
    const fs::path closed = closed_folder(file);
    const std::string name = shell_path(closed.empty() ? file : closed);
    return (closed.empty() ? "" : "the folder " + closed.string() + " is closed to it: ") +
           "as root, run: chgrp " + shell_word(group_name()) + ' ' + name + " && chmod g+r" +
           (closed.empty() ? "" : "x") + ' ' + name;
}

std::string how_to_let_write(const fs::path& path) {
    std::error_code ignored;
    const bool folder = fs::is_directory(path, ignored);
    return (folder ? "name a file in a folder of its own, or, where this one holds nothing else, "
                   : "") +
           ("as root, run: chown " + shell_word(user_name() + ":") + ' ' + shell_path(path));
}

}  // namespace scepgate::server

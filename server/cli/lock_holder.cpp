#include "server/cli/lock_holder.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>

#include "server/text_escape.hpp"

namespace scepgate::server::cli {
namespace {

/// Its arguments with spaces between them, fit for a terminal; empty where they cannot be read.
std::string command_line(long process) {
    constexpr std::size_t kLongest = 200;
    std::ifstream file("/proc/" + std::to_string(process) + "/cmdline", std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    while (!text.empty() && text.back() == '\0')
        text.pop_back();
    for (char& c : text) {
        if (c == '\0') c = ' ';
    }
    if (text.size() > kLongest) text = text.substr(0, kLongest) + "…";
    return printable(text);
}

}  // namespace

bool lock_within(int descriptor, std::chrono::milliseconds patience) {
    constexpr std::chrono::milliseconds kPause{50};
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return true;
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK || std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(kPause);
    }
}

std::string lock_holder(int descriptor) {
    const std::string nobody = "another process";
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) return nobody;
    // "1: FLOCK  ADVISORY  WRITE 4711 fe:01:131074 0 EOF"; one that waits has "->" before "FLOCK".
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
        std::istringstream words(line);
        std::string number, kind, advisory, mode, place;
        long process = 0;
        if (!(words >> number >> kind >> advisory >> mode >> process >> place)) continue;
        unsigned major_number = 0, minor_number = 0;
        unsigned long inode = 0;
        char colon = 0, second = 0;
        std::istringstream parts(place);
        if (!(parts >> std::hex >> major_number >> colon >> minor_number >> second >> std::dec >>
              inode))
            continue;
        if (kind != "FLOCK" || inode != status.st_ino || process <= 0 ||
            makedev(major_number, minor_number) != status.st_dev)
            continue;
        const std::string command = command_line(process);
        return "process " + std::to_string(process) + (command.empty() ? "" : " (" + command + ")");
    }
    return nobody;
}

}  // namespace scepgate::server::cli

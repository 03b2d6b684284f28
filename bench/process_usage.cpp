#include "bench/process_usage.hpp"

#include <fstream>
#include <iterator>
#include <sstream>
#include <unistd.h>

#include <fmt/format.h>

namespace scepgate::bench {
namespace {

/// "VmRSS:   1234 kB" of /proc/PID/status, in MiB; 0 when the line is missing.
double memory_line(const std::string& status, std::string_view name) {
    const std::size_t at = status.find(name);
    if (at == std::string::npos) return 0;
    return std::strtod(status.c_str() + at + name.size(), nullptr) / 1024;
}

std::string content(const std::string& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

Result<ProcessUsage> process_usage(pid_t pid) {
    const std::string stat = content(fmt::format("/proc/{}/stat", pid));
    const std::string status = content(fmt::format("/proc/{}/status", pid));
    // The second field, the name in parentheses, may hold spaces and parentheses itself.
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) {
        return Error{Errc::kNotFound, fmt::format("there is no process {}", pid)};
    }
    std::istringstream fields(stat.substr(name_end + 1));
    std::string skipped;
    for (int field = 3; field < 14; ++field)
        fields >> skipped;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    ProcessUsage usage;
    usage.cpu_seconds = (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    usage.rss_mib = memory_line(status, "VmRSS:");
    usage.peak_rss_mib = memory_line(status, "VmHWM:");
    return usage;
}

}  // namespace scepgate::bench

// What a process has used, from /proc.
#pragma once

#include <sys/types.h>

#include "certs/result.hpp"

namespace scepgate::bench {

struct ProcessUsage {
    double cpu_seconds = 0;  ///< user and system time of all its threads, also of ended ones
    double rss_mib = 0;
    double peak_rss_mib = 0;
};

/// kNotFound when there is no such process (or it is not ours to look at).
Result<ProcessUsage> process_usage(pid_t pid);

}  // namespace scepgate::bench

// Latencies of a run, summed up.
#pragma once

#include <cstdint>
#include <vector>

namespace scepgate::bench {

/// In milliseconds; all zero when nothing was measured.
struct LatencySummary {
    double mean = 0;
    double p50 = 0;
    double p99 = 0;
    double p999 = 0;
    double max = 0;
};

/// Sorts `nanoseconds` in place. Percentiles by nearest rank: always a value that was measured,
/// never one between two.
[[nodiscard]] LatencySummary summarise(std::vector<std::uint64_t>& nanoseconds);

}  // namespace scepgate::bench

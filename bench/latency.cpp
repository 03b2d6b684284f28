#include "bench/latency.hpp"

#include <algorithm>
#include <numeric>

namespace scepgate::bench {
namespace {

double milliseconds(std::uint64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / 1e6;
}

/// `per_mille` from 1 to 1000 of a sorted, non-empty list; in whole numbers, so that no rounding of
/// a fraction moves the rank.
double ranked(const std::vector<std::uint64_t>& sorted, std::size_t per_mille) {
    const std::size_t rank = (sorted.size() * per_mille + 999) / 1000;
    return milliseconds(sorted[rank - 1]);
}

}  // namespace

LatencySummary summarise(std::vector<std::uint64_t>& nanoseconds) {
    if (nanoseconds.empty()) return {};
    std::sort(nanoseconds.begin(), nanoseconds.end());
    const auto total = std::accumulate(nanoseconds.begin(), nanoseconds.end(), std::uint64_t{0});
    return {milliseconds(total) / static_cast<double>(nanoseconds.size()), ranked(nanoseconds, 500),
            ranked(nanoseconds, 990), ranked(nanoseconds, 999), milliseconds(nanoseconds.back())};
}

}  // namespace scepgate::bench

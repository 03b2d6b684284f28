// The result of a run, for people and for scripts.
#pragma once

#include <string>

#include "bench/latency.hpp"
#include "bench/workloads.hpp"

namespace scepgate::bench {

struct LoadReport {
    std::string operation;
    std::string method;  ///< "GET" or "POST"
    std::size_t connections = 0;
    LoadResult result;
    std::optional<Verdict> verdict;  ///< enrolments only
    bool server_measured = false;

    /// What the run was for: certificates that are right, or static replies.
    [[nodiscard]] std::size_t good() const;
    /// Faults of the run and of the verification together.
    [[nodiscard]] std::map<std::string, std::size_t> errors() const;
};

/// Sorts the latencies on the way.
[[nodiscard]] std::string to_json(LoadReport& report);
[[nodiscard]] std::string to_text(LoadReport& report);

}  // namespace scepgate::bench

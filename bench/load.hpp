// Sends prebuilt requests over keep-alive connections, and measures what comes of them.
#pragma once

#include <chrono>
#include <map>
#include <optional>

#include "bench/http_response.hpp"
#include "bench/process_usage.hpp"
#include "bench/url.hpp"

namespace scepgate::bench {

/// What is sent, and what is made of the answers.
class Workload {
public:
    virtual ~Workload() = default;
    /// The HTTP request of this number, whole. Called within the measured time: must cost nothing.
    [[nodiscard]] virtual std::string_view request(std::size_t index) const = 0;
    /// Takes the answer, once for each number and from several threads. An error's detail is the
    /// kind of failure that it is counted under.
    [[nodiscard]] virtual Result<void> answer(std::size_t index, const HttpResponse& response) = 0;
};

struct LoadSettings {
    Url url;
    std::size_t connections = 8;
    unsigned threads = 1;
    std::chrono::milliseconds timeout{30'000};  ///< for one request
    /// Stops sending after this time, also when there are requests left.
    std::optional<std::chrono::milliseconds> duration;
    /// An open loop: so many requests a second are due on average, whatever comes of those before,
    /// at moments fixed in advance (exponential gaps, the same in each run).
    std::optional<double> rate;
    std::optional<pid_t> server;  ///< whose CPU time and memory are read, on this machine
};

struct LoadResult {
    double seconds = 0;                         ///< from the first request to the last answer
    std::size_t answered = 0;                   ///< what Workload::answer() took
    std::size_t reconnects = 0;                 ///< beside each connection's first
    std::map<std::string, std::size_t> errors;  ///< by kind
    std::vector<std::uint64_t> latencies;       ///< nanoseconds, of those answered; see run_load()
    double generator_cpu_seconds = 0;
    double server_cpu_seconds = 0;  ///< in the measured time
    ProcessUsage server;            ///< at its end
};

/// Sends requests [first, last) from a closed loop: each connection sends its next request when it
/// has the answer to the one before. With a rate, it sends the next one that is due, and latencies
/// count from that moment: what waits here for a connection waits for the server, too. All
/// connections are open before the clock starts. Fails when the server cannot be reached at all;
/// later failures are counted.
Result<LoadResult> run_load(const LoadSettings& settings, Workload& workload, std::size_t first,
                            std::size_t last);

/// One request on a connection of its own, for what is asked before the run.
Result<std::string> fetch(const Url& url, std::string_view request);

}  // namespace scepgate::bench

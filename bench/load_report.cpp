#include "bench/load_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace scepgate::bench {
namespace {

double ratio(double value, double by) {
    return by > 0 ? value / by : 0;
}

/// The figures that both forms show.
struct Figures {
    LatencySummary latency;
    double per_second;
    double cpu_ms_each;
    double server_cores;  ///< CPU seconds a second
    double generator_cores;

    explicit Figures(LoadReport& report) {
        const LoadResult& result = report.result;
        const auto good = static_cast<double>(report.good());
        latency = summarise(report.result.latencies);
        per_second = ratio(good, result.seconds);
        cpu_ms_each = ratio(result.server_cpu_seconds * 1e3, good);
        server_cores = ratio(result.server_cpu_seconds, result.seconds);
        generator_cores = ratio(result.generator_cpu_seconds, result.seconds);
    }
};

}  // namespace

std::size_t LoadReport::good() const {
    return verdict ? verdict->certificates : result.answered;
}

std::map<std::string, std::size_t> LoadReport::errors() const {
    auto all = result.errors;
    if (verdict) {
        for (const auto& [kind, count] : verdict->errors)
            all[kind] += count;
    }
    return all;
}

std::string to_json(LoadReport& report) {
    const Figures figures(report);
    nlohmann::ordered_json json{{"operation", report.operation},
                                {"method", report.method},
                                {"connections", report.connections},
                                {"seconds", report.result.seconds},
                                {"good", report.good()},
                                {"per_second", figures.per_second}};
    if (report.verdict) json["duplicate_serials"] = report.verdict->duplicate_serials;
    json["errors"] = report.errors();
    json["reconnects"] = report.result.reconnects;
    json["latency_ms"] = {{"mean", figures.latency.mean},
                          {"p50", figures.latency.p50},
                          {"p99", figures.latency.p99},
                          {"p99.9", figures.latency.p999},
                          {"max", figures.latency.max}};
    json["generator_cores"] = figures.generator_cores;
    if (report.server_measured) {
        json["server"] = {{"cpu_ms_each", figures.cpu_ms_each},
                          {"cores", figures.server_cores},
                          {"rss_mib", report.result.server.rss_mib},
                          {"peak_rss_mib", report.result.server.peak_rss_mib}};
    }
    return json.dump(2);
}

std::string to_text(LoadReport& report) {
    const Figures figures(report);
    std::string text = fmt::format("{} by {}, {} connections\n", report.operation, report.method,
                                   report.connections);
    text += fmt::format("  {} {} in {:.2f} s: {:.0f} a second\n", report.good(),
                        report.verdict ? "certificates" : "replies", report.result.seconds,
                        figures.per_second);
    text +=
        fmt::format("  latency ms: p50 {:.3f}  p99 {:.3f}  p99.9 {:.3f}  max {:.3f}  mean {:.3f}\n",
                    figures.latency.p50, figures.latency.p99, figures.latency.p999,
                    figures.latency.max, figures.latency.mean);
    if (report.server_measured) {
        text += fmt::format(
            "  server: {:.4f} CPU-ms each, {:.2f} cores, RSS {:.1f} MiB (peak {:.1f})\n",
            figures.cpu_ms_each, figures.server_cores, report.result.server.rss_mib,
            report.result.server.peak_rss_mib);
    }
    text += fmt::format("  generator: {:.2f} cores, {} reconnects\n", figures.generator_cores,
                        report.result.reconnects);
    if (report.verdict && report.verdict->duplicate_serials > 0) {
        text += fmt::format("  DUPLICATE SERIALS: {} certificates share theirs with another\n",
                            report.verdict->duplicate_serials);
    }
    const auto errors = report.errors();
    if (errors.empty()) text += "  no errors; every reply verified\n";
    for (const auto& [kind, count] : errors)
        text += fmt::format("  error: {} x {}\n", count, kind);
    return text;
}

}  // namespace scepgate::bench

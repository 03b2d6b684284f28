#include "server/descriptors.hpp"

#include <algorithm>
#include <sys/resource.h>

#include "server/cores.hpp"

namespace scepgate::server {
namespace {

/// Files, listeners, what libraries open, and some to spare.
constexpr std::size_t kOwn = 96;
/// An event queue, its timer and what wakes it.
constexpr std::size_t kPerIoThread = 3;
/// SQLite: the database and its journal, for each thread that reads.
constexpr std::size_t kPerReader = 2;
/// Calls to services outside at one time (OutboundSettings::in_flight).
constexpr std::size_t kOutbound = 64;

std::size_t threads(unsigned configured) {
    return configured != 0 ? configured : usable_cores();
}

std::size_t reserve_of(const Config& config) {
    const std::size_t io = threads(config.http.io_threads) * (config.admin ? 2 : 1);
    const std::size_t readers = config.store_postgresql ? config.store_postgresql->connections
                                                        : threads(config.crypto_threads) + io;
    return kOwn + io * kPerIoThread + (readers + 1) * kPerReader + kOutbound;
}

/// Those that are taken, and those that are told 503 for two seconds.
std::size_t most_of(const HttpLimits& limits) {
    return limits.connections + 2 * limits.told_per_second;
}

/// In proportion to the limit, so that they do not take more than a tenth of it.
void tell_fewer(HttpLimits& limits) {
    limits.told_per_second =
        std::clamp<std::size_t>(limits.connections / 20, 1, limits.told_per_second);
}

/// To `descriptors`; a tenth of them are for those that are told 503.
void lower(HttpLimits& limits, std::size_t descriptors) {
    const std::size_t fit = std::max<std::size_t>(descriptors * 10 / 11, 1);
    limits.connections = std::min(limits.connections, fit);
    tell_fewer(limits);
    // One address is not to shut out all others.
    limits.connections_per_address =
        std::min(limits.connections_per_address, std::max<std::size_t>(limits.connections / 2, 1));
}

}  // namespace

std::size_t raise_descriptor_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    const rlimit most{limit.rlim_max, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &most) == 0) limit = most;
    return limit.rlim_cur;
}

void fit_connections(Config& config, std::size_t descriptors, ConfigFaults& faults) {
    HttpLimits& scep = config.http.limits;
    HttpLimits* admin = config.admin ? &config.admin->http.limits : nullptr;
    const std::size_t wanted = scep.connections + (admin ? admin->connections : 0);
    const auto needed = [&] {
        return reserve_of(config) + most_of(scep) + (admin ? most_of(*admin) : 0);
    };
    if (descriptors >= needed()) return;
    tell_fewer(scep);
    if (descriptors >= needed()) return;
    const std::size_t enough = needed();

    // Far too few: all the same some for connections.
    const std::size_t reserve = std::min(reserve_of(config), descriptors);
    std::size_t left = std::max(descriptors - reserve, descriptors / 4);
    const std::size_t before = scep.connections;
    if (admin) {
        if (most_of(*admin) > left / 4) lower(*admin, left / 4);
        left -= std::min(left, most_of(*admin));
    }
    lower(scep, left);
    // The default is as many as there can be: nobody has to do anything about nearly as many.
    if (2 * scep.connections >= before) return;
    faults.warn(
        "limits.connections",
        std::to_string(wanted) + " connections do not fit into the " + std::to_string(descriptors) +
            " file descriptors that this process may have: " + std::to_string(scep.connections) +
            " instead of " + std::to_string(before) + " are taken, and " +
            std::to_string(scep.connections_per_address) + " of one address",
        "raise LimitNOFILE in the systemd unit, or the limit (ulimit -Hn) of who starts it, to " +
            std::to_string(enough) + ", or lower limits.connections");
}

}  // namespace scepgate::server

#include "server/cores.hpp"

#include <algorithm>
#include <sched.h>
#include <thread>

namespace scepgate::server {

unsigned usable_cores() noexcept {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    // A machine with more cores than fit into the set fails here.
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        return std::max(1U, std::thread::hardware_concurrency());
    }
    return static_cast<unsigned>(std::max(1, CPU_COUNT(&allowed)));
}

}  // namespace scepgate::server

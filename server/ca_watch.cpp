#include "server/ca_watch.hpp"

#include <set>

#include "certs/clock.hpp"
#include "server/ca_chain.hpp"

namespace scepgate::server {

void log_aging_cas(const Runtime& runtime, std::int64_t now, Log& log) {
    std::set<std::string> told;
    for (const auto& endpoint : runtime.endpoints()) {
        const Endpoint& at =
            endpoint->next && endpoint->next_from <= now ? *endpoint->next : *endpoint;
        if (at.next) continue;
        const certs::Certificate& ca = at.ca->chain().front();
        if (now < half_life(ca) || !told.insert(ca.subject_text()).second) continue;
        log.warn("this CA is past half of its validity: renew it (docs/ca.md)",
                 LogFields()
                     .add("ca", ca.subject_text())
                     .add("since", certs::utc_text(half_life(ca)))
                     .add("not_after", certs::utc_text(ca.not_after())));
    }
}

}  // namespace scepgate::server

// What the builders of a Runtime's parts share.
#pragma once

#include <memory>

#include "certs/clock.hpp"
#include "server/config.hpp"
#include "server/credentials.hpp"
#include "server/key_roles.hpp"

namespace scepgate::server {

struct RuntimeContext {
    RuntimeContext(std::shared_ptr<const certs::Clock> the_clock, ConfigFaults& the_faults)
        : clock(std::move(the_clock)), faults(the_faults), loader(the_faults, clock->now()) {}

    std::shared_ptr<const certs::Clock> clock;
    ConfigFaults& faults;
    CredentialLoader loader;
    KeyRoles keys;
};

}  // namespace scepgate::server

// What the builders of a Runtime's parts share.
#pragma once

#include <memory>

#include "certs/clock.hpp"
#include "server/config.hpp"
#include "server/credentials.hpp"
#include "server/key_roles.hpp"
#include "server/revocation_feed.hpp"
#include "server/runtime_services.hpp"

namespace scepgate::server {

struct RuntimeContext {
    RuntimeContext(std::shared_ptr<const certs::Clock> the_clock, ConfigFaults& the_faults,
                   RuntimeServices the_services = {})
        : clock(std::move(the_clock)),
          faults(the_faults),
          services(std::move(the_services)),
          loader(the_faults, clock->now()) {}

    std::shared_ptr<const certs::Clock> clock;
    ConfigFaults& faults;
    RuntimeServices services;
    CredentialLoader loader;
    KeyRoles keys;
    std::vector<RevocationFeed> revocation_feeds;  ///< of the policies; not yet with our CAs
    std::filesystem::path config_file;             ///< for commands in remedies; empty: unknown
};

}  // namespace scepgate::server

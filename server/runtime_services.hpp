// What the parts of a Runtime reach out with. Made once a process: runtimes come and go with each
// reload of the configuration.
#pragma once

#include <atomic>
#include <memory>

#include "ca_backend/store.hpp"
#include "server/crl_records.hpp"
#include "server/outbound_http.hpp"

namespace scepgate::server {

/// The store, for what is built before it is opened. Safe for concurrent use.
class StoreLink {
public:
    void connect(std::shared_ptr<ca_backend::Store> store) { store_.store(std::move(store)); }
    /// Null until it is open, and where only a configuration is looked at.
    [[nodiscard]] std::shared_ptr<ca_backend::Store> get() const { return store_.load(); }

private:
    std::atomic<std::shared_ptr<ca_backend::Store>> store_;
};

struct RuntimeServices {
    std::shared_ptr<StoreLink> store = std::make_shared<StoreLink>();
    std::shared_ptr<CrlRecords> crls = std::make_shared<CrlRecords>();
    std::shared_ptr<OutboundHttp> http = std::make_shared<OutboundHttp>();
};

}  // namespace scepgate::server

// Goes through the revocation feeds, each in its own time.
#pragma once

#include <memory>
#include <vector>

#include "server/operation.hpp"
#include "server/revocation_feed.hpp"

namespace scepgate::server {

/// One thread for all feeds, and none where there is no feed. What goes wrong is logged, and tried
/// again later: each time after twice as long, up to an hour. Called by one thread.
class RevocationPolling {
public:
    explicit RevocationPolling(ServiceParts parts);
    /// Stops.
    ~RevocationPolling();
    RevocationPolling(const RevocationPolling&) = delete;
    RevocationPolling& operator=(const RevocationPolling&) = delete;

    /// These feeds from now on; each is asked at once.
    void start(std::vector<RevocationFeed> feeds);
    /// Breaks off what runs, and joins the thread.
    void stop();

private:
    class Run;
    ServiceParts parts_;
    std::unique_ptr<Run> run_;
};

}  // namespace scepgate::server

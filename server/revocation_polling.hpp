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

    /// These feeds from now on; each is asked at once. Does not wait for what the ones before are
    /// at: that is broken off.
    void start(std::vector<RevocationFeed> feeds);
    /// Breaks off what runs, and joins the threads: after OutboundHttp::stop(), so that none waits
    /// for an answer.
    void stop();

private:
    class Run;
    ServiceParts parts_;
    std::unique_ptr<Run> run_;
    std::vector<std::unique_ptr<Run>> leaving_;  ///< they may still wait for an answer
};

}  // namespace scepgate::server

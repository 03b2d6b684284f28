// Keeps CRLs current while the server runs, and puts them into folders.
#pragma once

#include <memory>
#include <vector>

#include "server/log.hpp"
#include "server/publisher_duties.hpp"
#include "server/runtime_services.hpp"

namespace scepgate::server {

/// Looks once a second whether a revocation was recorded (which reads one row), a period has
/// passed or a file is missing; makes the CRL if it is time, and writes the files. A thread of low
/// priority for each CRL: a large one is made beside enrolments and beside the small ones. What
/// fails is logged when it begins and when it ends, and tried again each second.
/// Called by one thread.
class CrlPublisher {
public:
    CrlPublisher(std::shared_ptr<StoreLink> store, std::shared_ptr<Log> log);
    /// Stops.
    ~CrlPublisher();
    CrlPublisher(const CrlPublisher&) = delete;
    CrlPublisher& operator=(const CrlPublisher&) = delete;

    /// These duties from now on. Does not wait for what the ones before are at.
    void start(PublisherDuties duties);
    /// Joins the threads, after what they are at.
    void stop();

private:
    class Clerk;
    std::shared_ptr<StoreLink> store_;
    std::shared_ptr<Log> log_;
    std::vector<std::unique_ptr<Clerk>> clerks_;
    std::vector<std::unique_ptr<Clerk>> leaving_;
};

}  // namespace scepgate::server

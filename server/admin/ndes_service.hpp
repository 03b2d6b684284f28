// NDES's mscep_admin: the page with a password, and its two operations for programs.
#pragma once

#include "server/admin/services.hpp"

namespace scepgate::server::admin {

class NdesService {
public:
    explicit NdesService(const Services& services) : services_(services) {}

    /// GET or POST, whatever is in the body: there are scrapers that do both. 405 to the rest.
    [[nodiscard]] boost::asio::awaitable<HttpReply> answer(const Call& call,
                                                           const AdminPage& page) const;

private:
    [[nodiscard]] boost::asio::awaitable<HttpReply> show_password(const Call& call,
                                                                  const AdminPage& page) const;
    [[nodiscard]] boost::asio::awaitable<HttpReply> generate_challenge(const Call& call,
                                                                       const AdminPage& page,
                                                                       std::string key_usage,
                                                                       std::string params) const;

    const Services& services_;
};

}  // namespace scepgate::server::admin

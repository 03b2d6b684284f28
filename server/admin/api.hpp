// The REST API for MDMs (server/admin/openapi.json, docs/mdm-api.md).
#pragma once

#include "server/admin/challenge_order.hpp"
#include "server/admin/services.hpp"

namespace scepgate::server::admin {

inline constexpr std::string_view kApiRoot = "/api/v1/";

class Api {
public:
    explicit Api(const Services& services) : services_(services) {}

    /// Answers a path below kApiRoot; 404 and 405 too.
    [[nodiscard]] boost::asio::awaitable<HttpReply> answer(const Call& call) const;

private:
    [[nodiscard]] boost::asio::awaitable<HttpReply> create(const Call& call) const;
    [[nodiscard]] HttpReply list(const Call& call) const;
    [[nodiscard]] boost::asio::awaitable<HttpReply> withdraw(const Call& call,
                                                             std::string_view below) const;
    [[nodiscard]] static HttpReply policies(const Call& call);
    /// The policy of an order: the one it names, or the caller's only one.
    [[nodiscard]] Result<std::string, Problem> choose_policy(const Call& call,
                                                             const std::string& named) const;
    /// Where the challenge will be good: at the endpoint that the order names, which has to be the
    /// caller's own where it has some with this policy; else at all of these.
    [[nodiscard]] Result<void, Problem> bind_endpoints(
        const Call& call, const AdminPolicy& policy, policy::ChallengeParameters& parameters) const;

    const Services& services_;
};

}  // namespace scepgate::server::admin

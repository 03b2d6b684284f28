// What answers on the admin listener: who is asking, whether they may, and then what for.
#pragma once

#include "server/admin/api.hpp"
#include "server/admin/limits.hpp"
#include "server/admin/ndes_service.hpp"

namespace scepgate::server::admin {

class AdminHandler final : public HttpHandler {
public:
    AdminHandler(std::shared_ptr<const AdminRuntime> runtime, ServiceParts parts);

    /// Other callers and policies from now on; requests in progress keep theirs.
    void replace(std::shared_ptr<const AdminRuntime> runtime);

    [[nodiscard]] bool wants_details() const noexcept override { return true; }
    std::shared_ptr<const PreparedReply> immediate(const HttpRequest&) noexcept override {
        return nullptr;
    }
    boost::asio::awaitable<HttpReply> handle(HttpRequest request) override;
    void refused(std::string_view client_address, unsigned status,
                 std::string_view detail) noexcept override;

private:
    /// For the log.
    struct Outcome {
        std::string caller;
        std::string code;
    };

    [[nodiscard]] boost::asio::awaitable<HttpReply> answer(const AdminRuntime& runtime,
                                                           const HttpRequest& request,
                                                           Outcome& outcome);
    /// The caller, who may ask now; else what to answer.
    [[nodiscard]] Result<const Caller*, Problem> admit(const AdminRuntime& runtime,
                                                       const HttpRequest& request,
                                                       Outcome& outcome);
    [[nodiscard]] HttpReply health(const HttpRequest& request);

    std::mutex mutex_;
    std::shared_ptr<const AdminRuntime> runtime_;
    Services services_;
    Api api_;
    NdesService ndes_;
    FailedLogins failed_logins_;
    RequestRates rates_;
    TimePoint last_look_{};  ///< of health(), at the store
    bool healthy_ = false;
};

}  // namespace scepgate::server::admin

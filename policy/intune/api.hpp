// Calls to the services of Intune that third-party CAs use.
#pragma once

#include "policy/intune/service_map.hpp"

namespace scepgate::policy::intune {

/// One of Intune's services and the version of its interface.
struct Service {
    std::string name;  ///< as Graph has it, in lower case
    std::string version;
};

/// Tokens, discovery and the fields of every call. Safe for concurrent use.
class Api {
public:
    Api(std::shared_ptr<const Settings> settings, std::shared_ptr<HttpClient> http,
        std::shared_ptr<const certs::Clock> clock);

    /// POST {service}/{action}. The body of an answer with a status of 2xx. kUnavailable otherwise,
    /// with the status and Intune's own name of the error, never with what was sent; kUnsupported:
    /// it was too large.
    ///
    /// Asked a second time, once, only when what was kept from earlier proves stale: a token that
    /// was refused (401), or a URL that Graph does not give any more.
    boost::asio::awaitable<Result<std::string>> post(Service service, std::string action,
                                                     Secret json);

    [[nodiscard]] const Settings& settings() const noexcept { return *settings_; }

private:
    struct Attempt;
    boost::asio::awaitable<Result<Attempt>> attempt(const Service& service,
                                                    const std::string& action, const Secret& json);

    std::shared_ptr<const Settings> settings_;
    std::shared_ptr<HttpClient> http_;
    std::shared_ptr<TokenSource> tokens_;
    std::shared_ptr<ServiceMap> services_;
};

/// The "code" of {"error":{"code":…}}, when it is a plain word.
[[nodiscard]] std::string service_error(std::string_view body);

}  // namespace scepgate::policy::intune

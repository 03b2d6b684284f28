// Access tokens from Entra ID (OAuth 2 client credentials, RFC 6749 section 4.4).
#pragma once

#include <memory>

#include "certs/clock.hpp"
#include "policy/http_client.hpp"
#include "policy/intune/settings.hpp"
#include "policy/single_flight.hpp"

namespace scepgate::policy::intune {

struct AccessToken {
    std::shared_ptr<const Secret> text;
    std::int64_t renew_at = 0;  ///< seconds since the epoch: some time before it expires
};

/// The token for one scope, kept until shortly before it expires. However many wait for it, it is
/// asked for once. Safe for concurrent use.
class TokenSource : public std::enable_shared_from_this<TokenSource> {
public:
    TokenSource(std::shared_ptr<const Settings> settings, std::string scope,
                std::shared_ptr<HttpClient> http, std::shared_ptr<const certs::Clock> clock);

    struct Given {
        AccessToken token;
        bool cached = false;  ///< it was there already: it may have been withdrawn since
    };
    /// kUnavailable: no answer, or not a token; with Entra's error code, never what was sent.
    boost::asio::awaitable<Result<Given>> get();
    /// This one was refused. A newer one stays.
    void forget(const AccessToken& refused);

private:
    [[nodiscard]] std::optional<AccessToken> kept() const;
    static boost::asio::awaitable<Result<AccessToken>> fetch(std::shared_ptr<TokenSource> self);
    [[nodiscard]] Result<Secret> form() const;
    [[nodiscard]] Result<AccessToken> read(const HttpAnswer& answer) const;

    std::shared_ptr<const Settings> settings_;
    std::string url_;
    std::string scope_;
    std::shared_ptr<HttpClient> http_;
    std::shared_ptr<const certs::Clock> clock_;
    SingleFlight<AccessToken> flight_;
    mutable std::mutex mutex_;
    std::optional<AccessToken> kept_;
};

/// application/x-www-form-urlencoded, one value.
[[nodiscard]] std::string form_encode(std::string_view text);

}  // namespace scepgate::policy::intune

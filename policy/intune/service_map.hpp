// Where the services of a tenant are: Intune has many shards, Microsoft Graph knows them.
#pragma once

#include <map>

#include "policy/intune/token_source.hpp"

namespace scepgate::policy::intune {

/// The name of a service, in lower case, and its URL without a slash at its end.
using ServiceUrls = std::map<std::string, std::string, std::less<>>;

/// Asked for once, however many wait for it, and kept until forget(). Safe for concurrent use.
class ServiceMap : public std::enable_shared_from_this<ServiceMap> {
public:
    /// `tokens`: for Microsoft Graph.
    ServiceMap(std::shared_ptr<const Settings> settings, std::shared_ptr<TokenSource> tokens,
               std::shared_ptr<HttpClient> http);

    struct Found {
        std::string url;
        std::shared_ptr<const ServiceUrls> in;
        bool cached = false;
    };
    /// kUnavailable, also where Graph's list lacks the service: that is no decision of Intune's.
    boost::asio::awaitable<Result<Found>> find(std::string lower_name);
    /// A call to one of these URLs failed: it may have moved. A newer map stays.
    void forget(const std::shared_ptr<const ServiceUrls>& stale);

private:
    using Urls = std::shared_ptr<const ServiceUrls>;
    [[nodiscard]] Urls kept() const;
    static boost::asio::awaitable<Result<Urls>> fetch(std::shared_ptr<ServiceMap> self);
    boost::asio::awaitable<Result<HttpAnswer>> ask();

    std::shared_ptr<const Settings> settings_;
    std::shared_ptr<TokenSource> tokens_;
    std::shared_ptr<HttpClient> http_;
    SingleFlight<Urls> flight_;
    mutable std::mutex mutex_;
    Urls kept_;
};

/// What Graph's answer says: {"value":[{"providerName":…,"uri":…}]}. An entry without a name or URL
/// is passed over. kUnavailable for what is not of this form.
[[nodiscard]] Result<ServiceUrls> read_service_urls(std::string_view body);

}  // namespace scepgate::policy::intune

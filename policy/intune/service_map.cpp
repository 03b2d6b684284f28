#include "policy/intune/service_map.hpp"

#include "policy/intune/client_assertion.hpp"
#include "policy/strict_json.hpp"

namespace scepgate::policy::intune {
namespace {

constexpr std::size_t kMostServices = 1000;
constexpr std::size_t kLongestUrl = 2048;

Error unknown_services(std::string_view why) {
    return {Errc::kUnavailable,
            "Microsoft Graph did not say where Intune's services are: " + std::string(why)};
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return text;
}

std::string text_of(const nlohmann::json& object, const char* name) {
    const auto member = object.find(name);
    return member != object.end() && member->is_string() ? member->get<std::string>() : "";
}

}  // namespace

Result<ServiceUrls> read_service_urls(std::string_view body) {
    const auto json = parse_strict_json(body);
    if (!json || !json->root.is_object()) return unknown_services("its answer is no JSON object");
    const auto list = json->root.find("value");
    if (list == json->root.end() || !list->is_array() || list->size() > kMostServices)
        return unknown_services("there is no list in its answer");
    ServiceUrls urls;
    for (const auto& entry : *list) {
        if (!entry.is_object()) return unknown_services("its list is not of objects");
        std::string name = text_of(entry, "providerName");
        if (name.empty()) name = text_of(entry, "serviceName");
        std::string url = text_of(entry, "uri");
        while (!url.empty() && url.back() == '/')
            url.pop_back();
        if (name.empty() || url.empty() || url.size() > kLongestUrl) continue;
        urls.emplace(lower(std::move(name)), std::move(url));
    }
    return urls;
}

ServiceMap::ServiceMap(std::shared_ptr<const Settings> settings,
                       std::shared_ptr<TokenSource> tokens, std::shared_ptr<HttpClient> http)
    : settings_(std::move(settings)), tokens_(std::move(tokens)), http_(std::move(http)) {}

boost::asio::awaitable<Result<ServiceMap::Found>> ServiceMap::find(std::string lower_name) {
    Urls urls = kept();
    const bool cached = urls != nullptr;
    if (!cached) {
        SingleFlight<Urls>::Work work = [self = shared_from_this()] { return fetch(self); };
        auto fetched = co_await flight_.join(std::move(work));
        if (!fetched) co_return fetched.error();
        urls = std::move(*fetched);
    }
    const auto found = urls->find(lower_name);
    if (found == urls->end()) {
        // It may come: with a licence, or with the permission.
        forget(urls);
        co_return Error{Errc::kUnavailable,
                        "Microsoft Graph knows no service " + lower_name + " of tenant " +
                            settings_->tenant +
                            ": has the app the permission Application.Read.All with admin "
                            "consent, and the tenant a licence for Intune?"};
    }
    co_return Found{found->second, std::move(urls), cached};
}

void ServiceMap::forget(const std::shared_ptr<const ServiceUrls>& stale) {
    const std::lock_guard lock(mutex_);
    if (kept_ == stale) kept_.reset();
}

ServiceMap::Urls ServiceMap::kept() const {
    const std::lock_guard lock(mutex_);
    return kept_;
}

boost::asio::awaitable<Result<ServiceMap::Urls>> ServiceMap::fetch(
    std::shared_ptr<ServiceMap> self) {
    // Another's may have ended between the look at it and this.
    if (auto urls = self->kept()) co_return std::move(urls);
    const auto answer = co_await self->ask();
    if (!answer) co_return unknown_services(answer.error().detail);
    if (!answer->ok()) {
        const std::string status = "HTTP " + std::to_string(answer->status);
        const bool denied = answer->status == 401 || answer->status == 403;
        co_return unknown_services(
            denied ? status + ": grant the app Application.Read.All with admin consent" : status);
    }
    auto urls = read_service_urls(answer->body);
    if (!urls) co_return urls.error();
    auto shared = std::make_shared<const ServiceUrls>(std::move(*urls));
    const std::lock_guard lock(self->mutex_);
    self->kept_ = shared;
    co_return Urls(std::move(shared));
}

boost::asio::awaitable<Result<HttpAnswer>> ServiceMap::ask() {
    for (bool again = false;; again = true) {
        const auto given = co_await tokens_->get();
        if (!given) co_return given.error();
        HttpCall call;
        call.method = "GET";
        call.url = settings_->graph + '/' + settings_->graph_version +
                   "/servicePrincipals/appId=" + settings_->intune_app_id + "/endpoints";
        call.fields = {{"Authorization", "Bearer " + std::string(given->token.text->text())},
                       {"client-request-id", make_guid()},
                       {"Accept", "application/json"}};
        call.timeout = settings_->call_timeout;
        auto answer = co_await http_->send(std::move(call));
        if (!answer || answer->status != 401) co_return answer;
        tokens_->forget(given->token);
        if (again || !given->cached) co_return answer;
    }
}

}  // namespace scepgate::policy::intune

#include "policy/intune/api.hpp"

#include "policy/intune/client_assertion.hpp"
#include "policy/strict_json.hpp"

namespace scepgate::policy::intune {
namespace {

/// Entra's v2 endpoint names all of an app's permissions for a resource so. The resource of Intune
/// ends with a slash, and its scope has two: that is what Microsoft's own libraries ask for.
std::string scope_of(const std::string& resource) {
    return resource + "/.default";
}

std::string describe(const HttpAnswer& answer) {
    std::string text = "HTTP " + std::to_string(answer.status);
    const std::string error = service_error(answer.body);
    if (!error.empty()) text += ", " + error;
    if (answer.status == 401 || answer.status == 403) {
        text += ": grant the app Intune's permission scep_challenge_provider with admin consent";
    }
    return text;
}

/// After a failure the service may have moved; an answer that is too large came from it.
bool place_doubtful(const Result<HttpAnswer>& answer) {
    return answer ? !answer->ok() : answer.error().code != Errc::kUnsupported;
}

}  // namespace

/// One call, as far as it came.
struct Api::Attempt {
    TokenSource::Given token;
    ServiceMap::Found service;
    Result<HttpAnswer> answer;
};

std::string service_error(std::string_view body) {
    const auto json = parse_strict_json(body);
    if (!json || !json->root.is_object()) return {};
    const auto error = json->root.find("error");
    if (error == json->root.end() || !error->is_object()) return {};
    const auto code = error->find("code");
    if (code == error->end() || !code->is_string()) return {};
    const auto& text = code->get_ref<const std::string&>();
    const bool plain = text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                  (c >= '0' && c <= '9') || c == '_' || c == '.';
                       });
    return plain ? text : std::string();
}

Api::Api(std::shared_ptr<const Settings> settings, std::shared_ptr<HttpClient> http,
         std::shared_ptr<const certs::Clock> clock)
    : settings_(std::move(settings)),
      http_(std::move(http)),
      tokens_(
          std::make_shared<TokenSource>(settings_, scope_of(settings_->resource), http_, clock)),
      services_(std::make_shared<ServiceMap>(
          settings_,
          std::make_shared<TokenSource>(settings_, scope_of(settings_->graph), http_, clock),
          http_)) {}

boost::asio::awaitable<Result<Api::Attempt>> Api::attempt(const Service& service,
                                                          const std::string& action,
                                                          const Secret& json) {
    auto token = co_await tokens_->get();
    if (!token) co_return token.error();
    auto found = co_await services_->find(service.name);
    if (!found) co_return found.error();
    HttpCall call;
    call.url = found->url + '/' + action;
    call.fields = {{"Authorization", "Bearer " + std::string(token->token.text->text())},
                   {"client-request-id", make_guid()},
                   {"api-version", service.version},
                   {"Content-Type", "application/json"},
                   {"Accept", "application/json"},
                   // Not User-Agent: this is what Intune looks at.
                   {"UserAgent", settings_->provider}};
    call.body = json.clone();
    call.timeout = settings_->call_timeout;
    Attempt made{std::move(*token), std::move(*found), Error{}};
    made.answer = co_await http_->send(std::move(call));
    if (place_doubtful(made.answer)) services_->forget(made.service.in);
    if (made.answer && made.answer->status == 401) tokens_->forget(made.token.token);
    co_return made;
}

boost::asio::awaitable<Result<std::string>> Api::post(Service service, std::string action,
                                                      Secret json) {
    auto made = co_await attempt(service, action, json);
    if (!made) co_return made.error();
    if (!made->answer || !made->answer->ok()) {
        bool stale = made->answer && made->answer->status == 401 && made->token.cached;
        if (!stale && made->service.cached && place_doubtful(made->answer)) {
            const auto anew = co_await services_->find(service.name);
            stale = anew && anew->url != made->service.url;
        }
        if (stale) {
            made = co_await attempt(service, action, json);
            if (!made) co_return made.error();
        }
    }
    if (!made->answer) co_return made->answer.error();
    if (!made->answer->ok()) co_return Error{Errc::kUnavailable, describe(*made->answer)};
    co_return std::move(made->answer->body);
}

}  // namespace scepgate::policy::intune

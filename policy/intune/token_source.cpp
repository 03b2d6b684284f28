#include "policy/intune/token_source.hpp"

#include <charconv>

#include <openssl/crypto.h>

#include "policy/intune/client_assertion.hpp"
#include "policy/strict_json.hpp"

namespace scepgate::policy::intune {
namespace {

/// So long before its end a token is not used any more, or half of a shorter life.
constexpr std::int64_t kMargin = 300;
constexpr std::int64_t kLongestLife = 86'400;
constexpr std::size_t kLongestToken = 32 << 10;

Error no_token(std::string_view why) {
    return {Errc::kUnavailable, "Entra ID gave no token: " + std::string(why)};
}

/// Entra's own name of the error and its numbers; its description may repeat what was sent.
std::string entra_error(const nlohmann::json& answer) {
    std::string text;
    const auto error = answer.find("error");
    if (error != answer.end() && error->is_string()) {
        const auto& name = error->get_ref<const std::string&>();
        const bool plain = name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
                               return (c >= 'a' && c <= 'z') || c == '_';
                           });
        if (plain) text = name;
    }
    const auto codes = answer.find("error_codes");
    if (codes == answer.end() || !codes->is_array()) return text;
    std::size_t count = 0;
    for (const auto& code : *codes) {
        if (code.is_number_unsigned() && ++count <= 4)
            text += " AADSTS" + std::to_string(code.get<std::uint64_t>());
    }
    return text;
}

/// A number, or a number as text, as older versions of the service have it.
std::optional<std::int64_t> seconds_in(const nlohmann::json& answer, const char* name) {
    const auto member = answer.find(name);
    if (member == answer.end()) return std::nullopt;
    if (member->is_number_integer()) return member->get<std::int64_t>();
    if (!member->is_string()) return std::nullopt;
    const auto& text = member->get_ref<const std::string&>();
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, status] = std::from_chars(text.data(), end, value);
    if (status != std::errc{} || stopped != end) return std::nullopt;
    return value;
}

bool is_bearer(const nlohmann::json& answer) {
    const auto type = answer.find("token_type");
    if (type == answer.end() || !type->is_string()) return false;
    std::string text = type->get<std::string>();
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return text == "bearer";
}

/// RFC 6750 section 2.1: b64token.
bool is_token_text(std::string_view text) {
    return !text.empty() && text.size() <= kLongestToken &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

std::string form_encode(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
            continue;
        }
        const auto octet = static_cast<unsigned char>(c);
        out += '%';
        out += kDigits[octet >> 4];
        out += kDigits[octet & 15];
    }
    return out;
}

TokenSource::TokenSource(std::shared_ptr<const Settings> settings, std::string scope,
                         std::shared_ptr<HttpClient> http,
                         std::shared_ptr<const certs::Clock> clock)
    : settings_(std::move(settings)),
      url_(settings_->authority + '/' + settings_->tenant + "/oauth2/v2.0/token"),
      scope_(std::move(scope)),
      http_(std::move(http)),
      clock_(std::move(clock)) {}

boost::asio::awaitable<Result<TokenSource::Given>> TokenSource::get() {
    if (auto token = kept()) co_return Given{std::move(*token), true};
    SingleFlight<AccessToken>::Work work = [self = shared_from_this()] { return fetch(self); };
    auto fetched = co_await flight_.join(std::move(work));
    if (!fetched) co_return fetched.error();
    co_return Given{std::move(*fetched), false};
}

void TokenSource::forget(const AccessToken& refused) {
    const std::lock_guard lock(mutex_);
    if (kept_ && kept_->text == refused.text) kept_.reset();
}

std::optional<AccessToken> TokenSource::kept() const {
    const std::lock_guard lock(mutex_);
    if (!kept_ || clock_->now() >= kept_->renew_at) return std::nullopt;
    return kept_;
}

boost::asio::awaitable<Result<AccessToken>> TokenSource::fetch(std::shared_ptr<TokenSource> self) {
    // Another's may have ended between the look at it and this.
    if (auto token = self->kept()) co_return std::move(*token);
    auto body = self->form();
    if (!body) co_return body.error();
    HttpCall call;
    call.url = self->url_;
    call.fields = {{"Content-Type", "application/x-www-form-urlencoded"},
                   {"Accept", "application/json"},
                   {"client-request-id", make_guid()}};
    call.body = std::move(*body);
    call.timeout = self->settings_->call_timeout;
    auto answer = co_await self->http_->send(std::move(call));
    if (!answer) co_return no_token(answer.error().detail);
    auto token = self->read(*answer);
    OPENSSL_cleanse(answer->body.data(), answer->body.size());
    if (!token) co_return token.error();
    const std::lock_guard lock(self->mutex_);
    self->kept_ = *token;
    co_return std::move(*token);
}

Result<Secret> TokenSource::form() const {
    std::string text = "client_id=" + form_encode(settings_->app_id) +
                       "&scope=" + form_encode(scope_) + "&grant_type=client_credentials";
    if (settings_->app_certificate) {
        const auto assertion = make_client_assertion(*settings_->app_certificate, settings_->app_id,
                                                     url_, clock_->now());
        if (!assertion) return assertion.error();
        text += "&client_assertion_type=" +
                form_encode("urn:ietf:params:oauth:client-assertion-type:jwt-bearer") +
                "&client_assertion=" + std::string(assertion->text());
    } else {
        text += "&client_secret=" + form_encode(settings_->client_secret.text());
    }
    Secret form(text);
    OPENSSL_cleanse(text.data(), text.size());
    return form;
}

Result<AccessToken> TokenSource::read(const HttpAnswer& answer) const {
    const auto json = parse_strict_json(answer.body);
    const bool object = json && json->root.is_object();
    if (!answer.ok()) {
        const std::string error = object ? entra_error(json->root) : std::string();
        return no_token("HTTP " + std::to_string(answer.status) +
                        (error.empty() ? "" : ", " + error));
    }
    if (!object) return no_token("its answer is no JSON object");
    if (!is_bearer(json->root)) return no_token("its answer is not of type Bearer");
    const auto text = json->root.find("access_token");
    if (text == json->root.end() || !text->is_string() ||
        !is_token_text(text->get_ref<const std::string&>())) {
        return no_token("there is none in its answer");
    }
    const auto life = seconds_in(json->root, "expires_in");
    if (!life || *life <= 0) return no_token("its answer does not say for how long it is good");
    const std::int64_t used = std::min(*life, kLongestLife);
    AccessToken token;
    token.text = std::make_shared<const Secret>(text->get_ref<const std::string&>());
    token.renew_at = clock_->now() + used - std::min(kMargin, used / 2);
    return token;
}

}  // namespace scepgate::policy::intune

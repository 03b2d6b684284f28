#include "server/cli/web_client.hpp"

#include <curl/curl.h>

#include "certs/ossl.hpp"

namespace scepgate::server::cli {
namespace {

constexpr std::size_t kLargestReply = 4 << 20;

using HeaderList = std::unique_ptr<curl_slist, certs::Deleter<curl_slist_free_all>>;

std::size_t collect(char* data, std::size_t size, std::size_t count, void* target) {
    auto& body = *static_cast<Bytes*>(target);
    const std::size_t octets = size * count;
    if (body.size() + octets > kLargestReply) return 0;
    body.insert(body.end(), data, data + octets);
    return octets;
}

}  // namespace

struct WebClient::Handle {
    std::unique_ptr<CURL, certs::Deleter<curl_easy_cleanup>> curl{curl_easy_init()};
};

WebClient::WebClient(std::string url, WebSettings settings)
    : url_(std::move(url)), settings_(std::move(settings)), handle_(std::make_unique<Handle>()) {
    if (!handle_->curl) throw std::runtime_error("libcurl does not start");
}

WebClient::~WebClient() = default;

Result<WebReply> WebClient::get(std::string_view operation, std::string_view message) {
    const std::unique_ptr<char, certs::Deleter<curl_free>> escaped(
        curl_easy_escape(handle_->curl.get(), message.data(), static_cast<int>(message.size())));
    if (!escaped) return Error{Errc::kInternal, "cannot encode the message for the URL"};
    const char* const joint = url_.find('?') == std::string::npos ? "?" : "&";
    return perform(
        url_ + joint + "operation=" + std::string(operation) + "&message=" + escaped.get(),
        nullptr);
}

Result<WebReply> WebClient::post(ByteView body) {
    const char* const joint = url_.find('?') == std::string::npos ? "?" : "&";
    return perform(url_ + joint + "operation=PKIOperation", &body);
}

Result<WebReply> WebClient::perform(const std::string& url, const ByteView* body) {
    CURL* curl = handle_->curl.get();
    curl_easy_reset(curl);
    WebReply reply;
    HeaderList headers;
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, settings_.timeout_seconds);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "scepgate/" SCEPGATE_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply.body);
    if (!settings_.ca_file.empty())
        curl_easy_setopt(curl, CURLOPT_CAINFO, settings_.ca_file.c_str());
    if (body != nullptr) {
        headers.reset(curl_slist_append(nullptr, "Content-Type: application/x-pki-message"));
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data());
    }
    const CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        return Error{Errc::kUnavailable,
                     "cannot talk to " + url_ + ": " + curl_easy_strerror(code)};
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    const char* type = nullptr;
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    if (type != nullptr) reply.content_type = type;
    if (reply.status >= 300 && reply.status < 400) {
        return Error{Errc::kUnavailable, url_ + " redirects (HTTP " + std::to_string(reply.status) +
                                             "): a login page in front, or the wrong path"};
    }
    return reply;
}

}  // namespace scepgate::server::cli

#include "server/outbound_url.hpp"

#include <algorithm>
#include <memory>

#include <curl/curl.h>

#include "certs/ossl.hpp"

namespace scepgate::server {
namespace {

using UrlPtr = std::unique_ptr<CURLU, certs::Deleter<curl_url_cleanup>>;

std::string part(CURLU* url, CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(url, which, &text, 0) != CURLUE_OK) return {};
    const std::unique_ptr<char, certs::Deleter<curl_free>> owner(text);
    return text;
}

Error refuse_url(std::string what) {
    return {Errc::kConfig, std::move(what)};
}

}  // namespace

Result<std::string> check_outbound_url(const std::string& url, bool allow_http) {
    const bool plain = std::all_of(url.begin(), url.end(), [](char c) {
        return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F;
    });
    const UrlPtr parsed(curl_url());
    if (!parsed) return Error{Errc::kInternal, "libcurl does not start"};
    if (!plain || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
        return refuse_url("is no URL: give it as https://host/path");
    const std::string scheme = part(parsed.get(), CURLUPART_SCHEME);
    if (scheme != "https" && !(allow_http && scheme == "http")) {
        return refuse_url(
            "is not https://: what is sent there is secret, and what it answers decides "
            "about certificates");
    }
    if (!part(parsed.get(), CURLUPART_USER).empty() ||
        !part(parsed.get(), CURLUPART_PASSWORD).empty()) {
        return refuse_url("has a user or password in it: secrets have keys of their own");
    }
    if (!part(parsed.get(), CURLUPART_FRAGMENT).empty()) return refuse_url("has a fragment (#…)");
    const std::string port = part(parsed.get(), CURLUPART_PORT);
    return part(parsed.get(), CURLUPART_HOST) + (port.empty() ? "" : ":" + port);
}

}  // namespace scepgate::server

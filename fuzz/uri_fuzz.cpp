// A URI that can be judged leads where libcurl's parser says it leads: the same host, port and
// user, and a path that no reader shortens. It lies under its own host, and under no other. Input:
// a URI.
#include <memory>
#include <string>

#include <curl/curl.h>

#include "certs/asn1_string.hpp"
#include "fuzz/fuzz.hpp"
#include "policy/name_ranges.hpp"
#include "policy/uri_parts.hpp"

namespace scepgate::fuzz {
namespace {

using Url = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::optional<std::string> part(CURLU* url, CURLUPart which, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return std::nullopt;
    std::string copy(text);
    curl_free(text);
    return copy;
}

void require_as_curl_reads(const std::string& uri, const policy::UriParts& parts) {
    const Url url(curl_url(), curl_url_cleanup);
    // As it stands: curl's repairs of dot segments would hide what a reader sees.
    const unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS;
    if (curl_url_set(url.get(), CURLUPART_URL, uri.c_str(), flags) != CURLUE_OK) return;
    FUZZ_REQUIRE(!part(url.get(), CURLUPART_USER));
    FUZZ_REQUIRE(!part(url.get(), CURLUPART_PASSWORD));
    const auto host = part(url.get(), CURLUPART_HOST);
    FUZZ_REQUIRE(host.has_value());
    const bool address = parts.host->starts_with('[');  // canonical here, as sent there
    FUZZ_REQUIRE(address ? host->starts_with('[')
                         : certs::equal_ignoring_ascii_case(*host, *parts.host));
    const auto port = part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
    FUZZ_REQUIRE(!port || *port == std::to_string(parts.port));
}

}  // namespace

void run(ByteView input) {
    const std::string uri(as_text(input));
    const auto whole = policy::UriRange::parse(uri);
    const auto parts = policy::split_uri(uri);
    FUZZ_REQUIRE(!whole || parts);
    if (whole) FUZZ_REQUIRE(whole->contains(uri));
    for (const char* other : {"https://a.example", "urn:example:", "https://192.0.2.1/x/"}) {
        const auto range = policy::UriRange::parse(other).value();
        FUZZ_REQUIRE(parts || !range.contains(uri));
    }
    if (!parts || !parts->host) return;
    FUZZ_REQUIRE(parts->host->find_first_of("@/\\?#%* ") == std::string::npos);
    FUZZ_REQUIRE(parts->path.empty() || parts->path.starts_with('/'));
    std::string own = parts->scheme + "://" + *parts->host;
    if (parts->port != 0) own += ':' + std::to_string(parts->port);
    const auto range = policy::UriRange::parse(own);
    FUZZ_REQUIRE(range && range->contains(uri));
    const auto other = policy::UriRange::parse(parts->scheme + "://other-host.invalid:65535");
    FUZZ_REQUIRE(other && (!other->contains(uri) || *parts->host == "other-host.invalid"));
    if (parts->scheme == "http" || parts->scheme == "https") require_as_curl_reads(uri, *parts);
}

}  // namespace scepgate::fuzz

#include "server/cli/web_client.hpp"

#include <array>
#include <cstring>

#include <curl/curl.h>

#include "certs/ossl.hpp"

namespace scepgate::server::cli {
namespace {

constexpr std::size_t kLargestReply = 4 << 20;
constexpr std::size_t kLargestHeader = 64 << 10;

using HeaderList = std::unique_ptr<curl_slist, certs::Deleter<curl_slist_free_all>>;

std::size_t collect(char* data, std::size_t size, std::size_t count, void* target) {
    auto& body = *static_cast<Bytes*>(target);
    const std::size_t octets = size * count;
    if (body.size() + octets > kLargestReply) return 0;
    body.insert(body.end(), data, data + octets);
    return octets;
}

std::size_t collect_header(char* data, std::size_t size, std::size_t count, void* target) {
    auto& headers = *static_cast<std::string*>(target);
    const std::size_t octets = size * count;
    if (headers.size() + octets > kLargestHeader) return 0;
    headers.append(data, octets);
    return octets;
}

/// What broke between here and the server, and where to look.
Error explain(CURLcode code, const std::string& said, const std::string& url, long seconds) {
    const std::string what = "cannot talk to " + without_credentials(url) + ": " +
                             (said.empty() ? curl_easy_strerror(code) : said) + ". ";
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return {Errc::kUnavailable, what + "Check the host name in --url, and the name server"};
        case CURLE_COULDNT_CONNECT:
            return {Errc::kUnavailable,
                    what +
                        "Is the server running, and is the port in --url right? Else a firewall "
                        "stands in between"};
        case CURLE_OPERATION_TIMEDOUT:
            return {Errc::kUnavailable, what + "It has " + std::to_string(seconds) +
                                            " s to answer: is it busy, or a firewall in between?"};
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
            return {Errc::kUnavailable,
                    what + "--tls-ca FILE names the CA that its TLS certificate comes from"};
        case CURLE_SSL_CONNECT_ERROR:
            return {Errc::kUnavailable, what + "Is it http:// that the server speaks there?"};
        case CURLE_WRITE_ERROR:
            return {Errc::kUnavailable, what + "Its answer is longer than any of SCEP"};
        case CURLE_URL_MALFORMAT:
            return {Errc::kConfig, what + "A SCEP URL is such as http://HOST/scep"};
        case CURLE_GOT_NOTHING:
        case CURLE_RECV_ERROR:
        case CURLE_SEND_ERROR:
        case CURLE_PARTIAL_FILE:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL:  // how curl calls an answer without a status line
            return {Errc::kMalformed,
                    what +
                        "It hung up or speaks no HTTP: is the port in --url right, is it "
                        "https:// there, or did something in between cut the connection?"};
        default:
            return {Errc::kUnavailable, what + "--trace DIR shows how far it came"};
    }
}

}  // namespace

struct WebClient::Handle {
    std::array<char, CURL_ERROR_SIZE> said{};  ///< what libcurl says of an error
    std::unique_ptr<CURL, certs::Deleter<curl_easy_cleanup>> curl{curl_easy_init()};
};

WebClient::WebClient(std::string url, WebSettings settings, Trace* trace)
    : url_(std::move(url)),
      settings_(std::move(settings)),
      trace_(trace),
      handle_(std::make_unique<Handle>()) {
    if (!handle_->curl) throw std::runtime_error("libcurl does not start");
}

WebClient::~WebClient() = default;

std::string WebClient::url_of(std::string_view operation) const {
    return url_ + (url_.find('?') == std::string::npos ? '?' : '&') +
           "operation=" + std::string(operation);
}

Result<WebReply> WebClient::get(std::string_view operation) {
    return exchange({.operation = std::string(operation), .url = url_of(operation) + "&message="});
}

Result<WebReply> WebClient::get_message(ByteView message) {
    const std::string text = to_base64(message);
    const std::unique_ptr<char, certs::Deleter<curl_free>> escaped(
        curl_easy_escape(handle_->curl.get(), text.data(), static_cast<int>(text.size())));
    if (!escaped) return Error{Errc::kInternal, "cannot encode the message for the URL"};
    return exchange({.operation = "PKIOperation",
                     .url = url_of("PKIOperation") + "&message=" + escaped.get(),
                     .message = message});
}

Result<WebReply> WebClient::post_message(ByteView message) {
    return exchange({.operation = "PKIOperation",
                     .url = url_of("PKIOperation"),
                     .post = true,
                     .message = message});
}

Result<WebReply> WebClient::exchange(const WebRequest& request) {
    if (trace_ == nullptr) return perform(request);
    if (const auto traced = trace_->request(request); !traced) return traced.error();
    auto reply = perform(request);
    const auto traced =
        reply ? trace_->reply(request, *reply) : trace_->failure(request, reply.error());
    if (!traced) return traced.error();
    return reply;
}

Result<WebReply> WebClient::perform(const WebRequest& request) {
    CURL* curl = handle_->curl.get();
    curl_easy_reset(curl);
    WebReply reply;
    HeaderList headers;
    handle_->said.fill('\0');
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, handle_->said.data());
    curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, settings_.timeout_seconds);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "scepgate/" SCEPGATE_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply.body);
    if (!settings_.ca_file.empty())
        curl_easy_setopt(curl, CURLOPT_CAINFO, settings_.ca_file.c_str());
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &collect_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply.headers);
    if (request.post) {
        headers.reset(curl_slist_append(nullptr, "Content-Type: application/x-pki-message"));
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(request.message.size()));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.message.data());
    }
    const CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        std::string said = handle_->said.data();
        long error = 0;
        curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &error);
        if (code == CURLE_COULDNT_CONNECT && error != 0) {
            said += std::string(", ") + std::strerror(static_cast<int>(error));
        }
        return explain(code, said, url_, settings_.timeout_seconds);
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    const char* type = nullptr;
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    if (type != nullptr) reply.content_type = type;
    return reply;
}

}  // namespace scepgate::server::cli

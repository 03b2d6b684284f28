#include "server/outbound_transfer.hpp"

#include <algorithm>
#include <cstring>

#include <boost/asio/post.hpp>
#include <openssl/crypto.h>
#include <openssl/x509_vfy.h>

#include "server/outbound_url.hpp"

namespace scepgate::server {
namespace {

using policy::HttpAnswer;
using policy::HttpCall;
using std::chrono::milliseconds;

/// What a token or a short answer needs, so that it is not copied about while it grows.
constexpr std::size_t kUsualBody = 16 << 10;

bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        const auto octet = static_cast<unsigned char>(c);
        return octet > 0x20 && octet < 0x7F && !std::strchr("\"(),/:;<=>?@[\\]{}", c);
    });
}

bool is_field_value(std::string_view text) noexcept {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return result;
}

std::string_view trimmed(std::string_view text) noexcept {
    const std::string_view blank = " \t\r\n";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

bool has_field(const policy::HttpFields& fields, std::string_view lower_name) {
    return std::any_of(fields.begin(), fields.end(),
                       [&](const auto& field) { return lower(field.first) == lower_name; });
}

void wipe(std::string& text) noexcept {
    OPENSSL_cleanse(text.data(), text.size());
    text.clear();
}

curl_blob blob_of(std::string_view text) noexcept {
    // Not copied by libcurl: the settings outlive the transfer.
    return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
}

}  // namespace

Result<std::shared_ptr<OutboundTransfer>> OutboundTransfer::make(HttpCall call, Settings settings) {
    auto host = check_outbound_url(call.url, settings->allow_http);
    if (!host) return host.error();
    if (!is_token(call.method)) return malformed(*host + ": not an HTTP method");
    for (const auto& [name, value] : call.fields) {
        if (!is_token(name) || !is_field_value(value))
            return malformed(*host + ": not an HTTP field");
    }
    return std::shared_ptr<OutboundTransfer>(
        new OutboundTransfer(std::move(call), std::move(settings), std::move(*host)));
}

OutboundTransfer::OutboundTransfer(HttpCall call, Settings settings, std::string host)
    : call_(std::move(call)),
      settings_(std::move(settings)),
      host_(std::move(host)),
      deadline_(Clock::now() + call_.timeout) {}

OutboundTransfer::~OutboundTransfer() {
    curl_.reset();
    for (auto& [name, value] : call_.fields)
        wipe(value);
    wipe(answer_.body);
}

void OutboundTransfer::wait(boost::asio::any_io_executor executor, Handler handler) {
    const std::lock_guard lock(mutex_);
    executor_ = std::move(executor);
    handler_.emplace(std::move(handler));
}

void OutboundTransfer::complete(Outcome outcome) {
    std::optional<Handler> handler;
    boost::asio::any_io_executor executor;
    {
        const std::lock_guard lock(mutex_);
        if (!handler_) return;
        handler.emplace(*std::move(handler_));
        handler_.reset();
        executor = std::move(executor_);
    }
    boost::asio::post(executor,
                      [handler = *std::move(handler), outcome = std::move(outcome)]() mutable {
                          std::move(handler)(std::move(outcome));
                      });
}

Result<CURL*> OutboundTransfer::open() {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline_ - Clock::now());
    if (left.count() <= 0) return too_late();
    curl_.reset(curl_easy_init());
    if (!curl_) return Error{Errc::kInternal, "libcurl does not start"};
    CURL* curl = curl_.get();
    curl_easy_setopt(curl, CURLOPT_URL, call_.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, settings_->allow_http ? "http,https" : "https");
    curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    // Else the thread of all calls would wait for a name server that nobody waits for any more.
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(std::min(left, settings_->connect_timeout).count()));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &OutboundTransfer::on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &OutboundTransfer::on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, this);
    set_trust();
    set_proxy();
    set_request();
    return curl;
}

void OutboundTransfer::set_trust() {
    CURL* curl = curl_.get();
    for (const auto option : {CURLOPT_SSLVERSION, CURLOPT_PROXY_SSLVERSION})
        curl_easy_setopt(curl, option, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    for (const auto option : {CURLOPT_SSL_VERIFYPEER, CURLOPT_PROXY_SSL_VERIFYPEER})
        curl_easy_setopt(curl, option, 1L);
    for (const auto option : {CURLOPT_SSL_VERIFYHOST, CURLOPT_PROXY_SSL_VERIFYHOST})
        curl_easy_setopt(curl, option, 2L);
    if (!settings_->client_certificate.empty()) {
        curl_blob certificate = blob_of(settings_->client_certificate);
        curl_blob key = blob_of(settings_->client_key.text());
        curl_easy_setopt(curl, CURLOPT_SSLCERT_BLOB, &certificate);
        curl_easy_setopt(curl, CURLOPT_SSLKEY_BLOB, &key);
    }
    if (settings_->ca_bundle.empty()) return;
    curl_blob bundle = blob_of(settings_->ca_bundle);
    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &bundle);
    curl_easy_setopt(curl, CURLOPT_PROXY_CAINFO_BLOB, &bundle);
    // Beside the bundle libcurl would trust the system's folder too.
    curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
    curl_easy_setopt(curl, CURLOPT_PROXY_CAPATH, nullptr);
}

void OutboundTransfer::set_proxy() {
    CURL* curl = curl_.get();
    // An empty text keeps libcurl from looking into the environment.
    curl_easy_setopt(curl, CURLOPT_PROXY, settings_->proxy.c_str());
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
    if (settings_->proxy.empty()) return;
    // Our fields are for the service alone: the proxy sees a tunnel.
    curl_easy_setopt(curl, CURLOPT_HTTPPROXYTUNNEL, 1L);
    curl_easy_setopt(curl, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
    if (settings_->proxy_user.empty()) return;
    curl_easy_setopt(curl, CURLOPT_PROXYAUTH, static_cast<long>(CURLAUTH_BASIC));
    curl_easy_setopt(curl, CURLOPT_PROXYUSERNAME, settings_->proxy_user.c_str());
    Bytes text = to_bytes(settings_->proxy_password.view());
    text.push_back(0);
    const Secret password(std::move(text));
    curl_easy_setopt(curl, CURLOPT_PROXYPASSWORD,
                     reinterpret_cast<const char*>(password.view().data()));
}

void OutboundTransfer::add_line(std::string_view line) {
    Bytes text;
    text.reserve(line.size() + 1);
    text.insert(text.end(), line.begin(), line.end());
    text.push_back(0);
    lines_.emplace_back(std::move(text));
}

void OutboundTransfer::set_request() {
    CURL* curl = curl_.get();
    for (const auto& [name, value] : call_.fields) {
        // libcurl takes "Name:" for "leave it out"; an empty field is spelled with a semicolon.
        add_line(value.empty() ? name + ";" : name + ": " + value);
    }
    for (const char* unasked : {"Accept", "Content-Type", "Expect"}) {
        if (!has_field(call_.fields, lower(unasked))) add_line(std::string(unasked) + ":");
    }
    nodes_.resize(lines_.size());
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        // libcurl only reads it.
        nodes_[i].data = const_cast<char*>(reinterpret_cast<const char*>(lines_[i].view().data()));
        nodes_[i].next = i + 1 < nodes_.size() ? &nodes_[i + 1] : nullptr;
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, nodes_.data());
    if (!has_field(call_.fields, "user-agent"))
        curl_easy_setopt(curl, CURLOPT_USERAGENT, "scepgate/" SCEPGATE_VERSION);
    if (call_.method == "GET") return;
    if (call_.method == "HEAD") {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
        return;
    }
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call_.method.c_str());
    const ByteView body = call_.body.view();
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                     body.empty() ? "" : reinterpret_cast<const char*>(body.data()));
}

std::size_t OutboundTransfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<OutboundTransfer*>(self);
    std::string& body = transfer.answer_.body;
    const std::size_t octets = size * count;
    if (octets > transfer.settings_->largest_body - body.size()) {
        transfer.too_large_ = "body";
        return 0;
    }
    if (body.empty()) body.reserve(kUsualBody);
    body.append(data, octets);
    return octets;
}

std::size_t OutboundTransfer::on_header(char* data, std::size_t size, std::size_t count,
                                        void* self) {
    auto& transfer = *static_cast<OutboundTransfer*>(self);
    const std::size_t octets = size * count;
    transfer.header_octets_ += octets;
    if (transfer.header_octets_ > transfer.settings_->largest_header) {
        transfer.too_large_ = "header";
        return 0;
    }
    const std::string_view line(data, octets);
    if (line.starts_with("HTTP/")) {  // again after an interim answer
        transfer.answer_.fields.clear();
        transfer.fields_ended_ = false;
        return octets;
    }
    if (transfer.fields_ended_) return octets;  // a trailer: no field of the answer
    if (trimmed(line).empty()) {
        transfer.fields_ended_ = true;
    } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
        transfer.answer_.fields.emplace_back(lower(line.substr(0, colon)),
                                             trimmed(line.substr(colon + 1)));
    }
    return octets;
}

Error OutboundTransfer::unavailable(std::string_view reason) const {
    return {Errc::kUnavailable, host_ + ": " + std::string(reason)};
}

Error OutboundTransfer::too_late() const {
    return unavailable("no answer within " + std::to_string(call_.timeout.count()) + " ms");
}

OutboundTransfer::Outcome OutboundTransfer::take(CURLcode code) {
    if (code == CURLE_OPERATION_TIMEDOUT && Clock::now() + milliseconds(5) >= deadline_)
        return too_late();
    if (code != CURLE_OK) {
        Error error = unavailable(reason(code));
        if (too_large_ != nullptr) error.code = Errc::kUnsupported;
        return error;
    }
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &answer_.status);
    return std::move(answer_);
}

/// In words of our own: libcurl's might repeat what was sent.
std::string OutboundTransfer::reason(CURLcode code) const {
    if (too_large_ != nullptr) return std::string("its answer's ") + too_large_ + " is too large";
    long value = 0;
    switch (code) {
        case CURLE_COULDNT_CONNECT:
            curl_easy_getinfo(curl_.get(), CURLINFO_OS_ERRNO, &value);
            return std::string("no connection") +
                   (value != 0 ? std::string(", ") + std::strerror(static_cast<int>(value)) : "");
        case CURLE_OPERATION_TIMEDOUT:
            return "no connection within " + std::to_string(settings_->connect_timeout.count()) +
                   " ms";
        case CURLE_PEER_FAILED_VERIFICATION:
            curl_easy_getinfo(curl_.get(), CURLINFO_SSL_VERIFYRESULT, &value);
            return std::string("its TLS certificate is not trusted: ") +
                   // libcurl looks at the name first, with a result that nobody has set yet.
                   (value != X509_V_OK && value != X509_V_ERR_UNSPECIFIED
                        ? X509_verify_cert_error_string(value)
                        : "it is for another host name");
        case CURLE_SSL_CACERT_BADFILE:
            return "the CA bundle cannot be read";
        case CURLE_GOT_NOTHING:
        case CURLE_PARTIAL_FILE:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
            curl_easy_getinfo(curl_.get(), CURLINFO_HTTP_CONNECTCODE, &value);
            if (value != 0 && value / 100 != 2)
                return "the proxy answered " + std::to_string(value) + " to CONNECT";
            return "the connection was cut";
        default:
            return curl_easy_strerror(code);
    }
}

}  // namespace scepgate::server

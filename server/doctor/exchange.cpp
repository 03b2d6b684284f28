#include "server/doctor/exchange.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include <curl/curl.h>

#include "certs/asn1_string.hpp"
#include "certs/ossl.hpp"

namespace scepgate::server::doctor {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLargestAnswerHead = 64 << 10;

using FieldLines = std::unique_ptr<curl_slist, certs::Deleter<curl_slist_free_all>>;
using UrlHandle = std::unique_ptr<CURLU, certs::Deleter<curl_url_cleanup>>;

struct KeptBody {
    Bytes& body;
    std::size_t largest;
};

std::size_t keep_body(char* data, std::size_t size, std::size_t count, void* target) {
    auto& [body, largest] = *static_cast<KeptBody*>(target);
    if (body.size() + size * count > largest) return 0;
    body.insert(body.end(), data, data + size * count);
    return size * count;
}

/// libcurl keeps the fields itself (curl_easy_nextheader); here they are only counted.
std::size_t count_head(char*, std::size_t size, std::size_t count, void* target) {
    auto& octets = *static_cast<std::size_t*>(target);
    octets += size * count;
    return octets > kLargestAnswerHead ? 0 : size * count;
}

std::size_t give_body(char* to, std::size_t size, std::size_t count, void* source) {
    auto& rest = *static_cast<ByteView*>(source);
    const std::size_t octets = std::min(size * count, rest.size());
    if (octets != 0) std::memcpy(to, rest.data(), octets);
    rest = rest.subspan(octets);
    return octets;
}

Break kind_of(CURLcode code) {
    switch (code) {
        case CURLE_OK:
            return Break::kNone;
        case CURLE_COULDNT_RESOLVE_HOST:
            return Break::kNoName;
        case CURLE_COULDNT_CONNECT:
            return Break::kNoConnection;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
            return Break::kTls;
        case CURLE_OPERATION_TIMEDOUT:
            return Break::kTimeout;
        case CURLE_WRITE_ERROR:
            return Break::kTooMuch;
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL:
            return Break::kNoHttp;
        default:
            return Break::kCut;
    }
}

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
    const std::unique_ptr<char, certs::Deleter<curl_free>> owner(text);
    return text;
}

std::string bracketed(const std::string& host) {
    return host.find(':') == std::string::npos ? host : '[' + host + ']';
}

}  // namespace

struct Exchange::Handle {
    std::unique_ptr<CURL, certs::Deleter<curl_easy_cleanup>> curl{curl_easy_init()};
    std::array<char, CURL_ERROR_SIZE> said{};

    Handle() {
        if (!curl) throw std::runtime_error("libcurl does not start");
    }
    void reset(const std::string& url, milliseconds timeout) {
        curl_easy_reset(curl.get());
        said.fill('\0');
        set(CURLOPT_ERRORBUFFER, said.data());
        set(CURLOPT_URL, url.c_str());
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_PROXY, "");
        set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
        set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeout.count()));
        set(CURLOPT_NOSIGNAL, 1L);
    }
    template <class Value>
    void set(CURLoption option, Value value) {
        curl_easy_setopt(curl.get(), option, value);
    }
    [[nodiscard]] std::string words(CURLcode code) const {
        return said.front() != '\0' ? said.data() : curl_easy_strerror(code);
    }
};

Result<Place> Place::of(const std::string& url) {
    const UrlHandle parsed(curl_url());
    if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
        return Error{Errc::kConfig, "'" + url + "' is not a URL such as https://HOST/scep"};
    }
    Place place{part_of(parsed.get(), CURLUPART_SCHEME), part_of(parsed.get(), CURLUPART_HOST),
                part_of(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT),
                part_of(parsed.get(), CURLUPART_PATH), part_of(parsed.get(), CURLUPART_QUERY)};
    if (place.host.starts_with('[')) place.host = place.host.substr(1, place.host.size() - 2);
    return place;
}

std::string Place::target(std::string_view at_path, std::string_view with_query) const {
    return std::string(at_path) + '?' + query + (query.empty() ? "" : "&") +
           std::string(with_query);
}

std::optional<std::string_view> Reply::field(std::string_view name) const {
    for (const auto& [each, value] : fields) {
        if (certs::equal_ignoring_ascii_case(std::string_view(each), name)) return value;
    }
    return std::nullopt;
}

std::string_view Reply::content_type() const {
    return field("Content-Type").value_or("");
}

Exchange::Exchange(Place place, ExchangeLimits limits)
    : place_(std::move(place)),
      limits_(limits),
      end_(std::chrono::steady_clock::now() + limits.all),
      handle_(std::make_unique<Handle>()) {}

Exchange::~Exchange() = default;

milliseconds Exchange::time_left() const {
    const auto left =
        std::chrono::duration_cast<milliseconds>(end_ - std::chrono::steady_clock::now());
    return std::clamp(left, milliseconds(0), limits_.each);
}

Exchange::Connected Exchange::connect() {
    const milliseconds timeout = time_left();
    if (timeout.count() == 0) return {Break::kNoTimeLeft, "", -1};
    connection_ = std::make_unique<Handle>();
    connection_->reset("http://" + bracketed(place_.host) + ':' + place_.port, timeout);
    connection_->set(CURLOPT_CONNECT_ONLY, 1L);
    const CURLcode code = curl_easy_perform(connection_->curl.get());
    if (code != CURLE_OK) {
        curl_off_t looked_up = 0;
        curl_easy_getinfo(connection_->curl.get(), CURLINFO_NAMELOOKUP_TIME_T, &looked_up);
        const bool unknown = code == CURLE_OPERATION_TIMEDOUT && looked_up == 0;
        return {unknown ? Break::kNoName : kind_of(code), connection_->words(code), -1};
    }
    curl_socket_t socket = CURL_SOCKET_BAD;
    curl_easy_getinfo(connection_->curl.get(), CURLINFO_ACTIVESOCKET, &socket);
    const char* address = nullptr;
    curl_easy_getinfo(connection_->curl.get(), CURLINFO_PRIMARY_IP, &address);
    return {Break::kNone, address != nullptr ? address : "", socket};
}

Reply Exchange::ask(const Request& request) {
    Reply reply;
    const milliseconds timeout = time_left();
    if (timeout.count() == 0) {
        reply.broke = Break::kNoTimeLeft;
        return reply;
    }
    Handle& handle = *handle_;
    handle.reset(place_.scheme + "://" + bracketed(place_.host) + ':' + place_.port + place_.path,
                 timeout);
    std::size_t head = 0;
    ByteView rest = request.body;
    FieldLines lines;
    const auto add = [&](const std::string& line) {
        curl_slist* longer = curl_slist_append(lines.get(), line.c_str());
        if (longer == nullptr) throw std::bad_alloc();
        lines.release();
        lines.reset(longer);
    };
    for (const std::string& line : request.headers)
        add(line);
    handle.set(CURLOPT_REQUEST_TARGET, request.target.c_str());
    handle.set(CURLOPT_USERAGENT, "scepgate-doctor/" SCEPGATE_VERSION);
    handle.set(CURLOPT_HTTP_VERSION, request.http10 ? static_cast<long>(CURL_HTTP_VERSION_1_0)
                                                    : static_cast<long>(CURL_HTTP_VERSION_1_1));
    handle.set(CURLOPT_FRESH_CONNECT, request.new_connection || request.http10 ? 1L : 0L);
    handle.set(CURLOPT_FORBID_REUSE, request.new_connection || request.http10 ? 1L : 0L);
    handle.set(CURLOPT_FOLLOWLOCATION, 0L);
    handle.set(CURLOPT_SSL_VERIFYPEER, 0L);
    handle.set(CURLOPT_SSL_VERIFYHOST, 0L);
    handle.set(CURLOPT_WRITEFUNCTION, &keep_body);
    KeptBody kept{reply.body, limits_.largest};
    handle.set(CURLOPT_WRITEDATA, &kept);
    handle.set(CURLOPT_HEADERFUNCTION, &count_head);
    handle.set(CURLOPT_HEADERDATA, &head);
    if (request.http10) add("Host:");
    if (request.post) {
        handle.set(CURLOPT_POST, 1L);
        if (request.chunked) {
            add("Transfer-Encoding: chunked");
            handle.set(CURLOPT_READFUNCTION, &give_body);
            handle.set(CURLOPT_READDATA, &rest);
        } else {
            handle.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
            handle.set(CURLOPT_POSTFIELDS, request.body.data());
        }
    }
    handle.set(CURLOPT_HTTPHEADER, lines.get());
    CURL* curl = handle.curl.get();
    const CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME, &reply.seconds);
    reply.broke = kind_of(code);
    if (code != CURLE_OK) reply.broken_text = handle.words(code);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    for (curl_header* field = nullptr;
         (field = curl_easy_nextheader(curl, CURLH_HEADER, -1, field)) != nullptr;)
        reply.fields.emplace_back(field->name, field->value);
    if (reply.came()) slowest_ = std::max(slowest_, reply.seconds);
    return reply;
}

}  // namespace scepgate::server::doctor

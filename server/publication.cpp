#include "server/publication.hpp"

#include <algorithm>

#include "certs/clock.hpp"
#include "server/http_address.hpp"
#include "server/http_date.hpp"

namespace scepgate::server {
namespace {

using ca_backend::OcspReply;
using certs::OcspStatus;

/// Caches ask again after this, though a CRL is valid for longer: there may be a newer one.
constexpr std::int64_t kLongestCrlAge = 3600;
constexpr std::string_view kNotKept = "Cache-Control: no-store\r\n";

/// One round of percent-decoding; what is no encoding stays.
std::string decoded(std::string_view path) {
    std::string text;
    text.reserve(path.size());
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] == '%' && i + 2 < path.size()) {
            const auto high = hex_digit(path[i + 1]);
            const auto low = hex_digit(path[i + 2]);
            if (high && low) {
                text.push_back(static_cast<char>(*high * 16 + *low));
                i += 2;
                continue;
            }
        }
        text.push_back(path[i]);
    }
    return text;
}

/// Whether `path` is this one, or (a GET request of OCSP) below it.
bool leads_to_responder(std::string_view path, std::string_view responder) {
    if (responder.empty() || !path.starts_with(responder)) return false;
    return path.size() == responder.size() || path[responder.size()] == '/';
}

/// Empty paths are none: a request's has a slash.
bool is_one_of(std::string_view path, const Publication& of) {
    return path == of.crl_path || path == of.delta_path || path == of.certificate_path;
}

HttpReply plain_reply(unsigned status, std::string_view text, std::string_view headers = {}) {
    HttpReply reply;
    reply.status = status;
    reply.body = to_bytes(as_bytes(text));
    reply.headers = std::string(kNotKept) + std::string(headers);
    return reply;
}

std::string cache_headers(std::optional<std::int64_t> from, std::int64_t until, std::int64_t age,
                          const std::string& tag) {
    return "Cache-Control: public, max-age=" + std::to_string(std::max<std::int64_t>(age, 0)) +
           ", no-transform, must-revalidate\r\n" +
           (from ? "Last-Modified: " + http_date(*from) + "\r\n" : std::string()) +
           "Expires: " + http_date(until) + "\r\nETag: " + tag + "\r\n";
}

/// A CRL's Last-Modified: its number, which is the time at which it was begun and no other CRL of
/// its CA has. Its thisUpdate others may share that say less. None where the number is no time that
/// has been: it ran ahead of the clock, or is of another program.
std::optional<std::int64_t> last_modified(const certs::Crl& crl, std::int64_t now) {
    constexpr std::size_t kMost = 7;  // octets: no overflow
    if (crl.number().size() > kMost) return std::nullopt;
    std::int64_t number = 0;
    for (const std::uint8_t octet : crl.number())
        number = number << 8 | octet;
    if (number < crl.this_update() || number > now) return std::nullopt;
    return number;
}

/// If-None-Match: a list of tags, perhaps weak ones, or "*".
bool has_tag(std::string_view condition, std::string_view tag) {
    return condition == "*" || condition.find(tag) != std::string_view::npos;
}

void turn_into_not_modified(HttpReply& reply) {
    reply.status = 304;
    reply.content_type = {};
    reply.body.clear();
    reply.shared_body = {};
}

HttpReply to_http(const OcspReply& answer, const HttpRequest& request) {
    HttpReply reply;
    reply.content_type = "application/ocsp-response";
    reply.body = answer.der;
    if (request.method == HttpMethod::kPost || !answer.for_all) {
        reply.headers = kNotKept;
        return reply;
    }
    const std::int64_t now = certs::SystemClock().now();
    const Sha256 hash = sha256(answer.der);
    const std::string tag = "\"" + to_hex(ByteView(hash).first(16)) + "\"";
    reply.headers =
        cache_headers(answer.this_update, answer.next_update, answer.next_update - now, tag);
    if (has_tag(request.if_none_match, tag)) turn_into_not_modified(reply);
    return reply;
}

OcspReply ocsp_error(OcspStatus status) {
    OcspReply reply;
    reply.der = certs::build_ocsp_error(status);
    return reply;
}

/// The base64 of a GET: some clients leave out the padding.
Result<Bytes> from_url(std::string_view text) {
    if (text.size() > certs::kLargestOcspRequest) return malformed("OCSP request: too long");
    std::string padded(text);
    while (padded.size() % 4 != 0)
        padded.push_back('=');
    return from_base64(padded);
}

}  // namespace

bool Publications::serves(std::string_view path) const {
    if (all_.empty()) return false;
    const std::string plain = decoded(path);
    return std::any_of(all_.begin(), all_.end(), [&](const Publication& each) {
        return is_one_of(plain, each) || leads_to_responder(plain, each.ocsp_path);
    });
}

boost::asio::awaitable<HttpReply> Publications::answer(const HttpRequest& request,
                                                       RequestRecord& record) const {
    const auto store = store_->get();
    const std::string path = decoded(request.path);
    for (const Publication& each : all_) {
        if (!is_one_of(path, each)) continue;
        record.endpoint = path;
        if (request.method == HttpMethod::kPost) {
            co_return plain_reply(405, "Method Not Allowed\n", "Allow: GET, HEAD\r\n");
        }
        if (path == each.certificate_path) co_return certificate(each, request, record);
        if (!store) co_return plain_reply(503, "Service Unavailable\n", "Retry-After: 5\r\n");
        const auto kind =
            path == each.crl_path ? ca_backend::CrlKind::kComplete : ca_backend::CrlKind::kDelta;
        co_return co_await crl(each, kind, request, *store, record);
    }
    if (!store) co_return plain_reply(503, "Service Unavailable\n", "Retry-After: 5\r\n");
    for (const Publication& each : all_) {
        if (!leads_to_responder(path, each.ocsp_path)) continue;
        record.operation = "OCSP";
        record.endpoint = each.ocsp_path;
        if (request.method == HttpMethod::kPost) {
            co_return ocsp(request.body, each.ocsp_path, request, *store, record);
        }
        std::string_view encoded = std::string_view(path).substr(each.ocsp_path.size());
        // Clients put a slash behind a URL that ends in one. (No request's base64 begins so.)
        encoded.remove_prefix(std::min(encoded.find_first_not_of('/'), encoded.size()));
        const auto der = from_url(encoded);
        co_return ocsp(der ? ByteView(*der) : ByteView(), each.ocsp_path, request, *store, record);
    }
    co_return plain_reply(404, "Not Found\n");
}

HttpReply Publications::certificate(const Publication& from, const HttpRequest& request,
                                    RequestRecord& record) {
    record.operation = "CACertificate";
    record.code = "Success";
    const certs::Certificate& own = from.ca->chain().front();
    const Sha256 hash = sha256(own.der());
    const std::string tag = "\"" + to_hex(ByteView(hash).first(16)) + "\"";
    HttpReply reply;
    reply.content_type = "application/pkix-cert";
    reply.headers = cache_headers(own.not_before(), own.not_after(), kLongestCrlAge, tag);
    reply.body = to_bytes(own.der());
    if (has_tag(request.if_none_match, tag)) turn_into_not_modified(reply);
    return reply;
}

boost::asio::awaitable<HttpReply> Publications::crl(const Publication& from,
                                                    ca_backend::CrlKind kind,
                                                    const HttpRequest& request,
                                                    ca_backend::Store& store,
                                                    RequestRecord& record) const {
    record.operation = kind == ca_backend::CrlKind::kDelta ? "DeltaCRL" : "CRL";
    const ca_backend::CrlWanted wanted{kind, ca_backend::CrlDemand::kAtHand};
    const auto current = co_await from.ca->crl(store, wanted);
    if (!current) {
        record.reason = current.error().detail;
        co_return plain_reply(503, "Service Unavailable\n", "Retry-After: 5\r\n");
    }
    const std::int64_t now = certs::SystemClock().now();
    const std::int64_t age = std::min(current->next_update() - now, kLongestCrlAge);
    const std::string tag =
        "\"" + to_hex(current->number()) + "-" + std::to_string(current->this_update()) + "\"";
    const auto modified = last_modified(*current, now);
    HttpReply reply;
    reply.content_type = "application/pkix-crl";
    reply.headers = cache_headers(modified, current->next_update(), age, tag);
    reply.shared_body = current->der();
    reply.owner = std::make_shared<const certs::Crl>(*current);
    record.code = "Success";
    // Not "or later": what is no CRL's own date does not say which one somebody has.
    const bool known = modified && is_http_date(request.if_modified_since, *modified);
    if (known || has_tag(request.if_none_match, tag)) turn_into_not_modified(reply);
    co_return reply;
}

HttpReply Publications::ocsp(ByteView der, const std::string& path, const HttpRequest& request,
                             ca_backend::Store& store, RequestRecord& record) const {
    const auto asked = certs::parse_ocsp_request(der);
    if (!asked) {
        record.code = "OcspMalformed";
        record.reason = asked.error().detail;
        return to_http(ocsp_error(OcspStatus::kMalformedRequest), request);
    }
    for (const Publication& each : all_) {
        if (each.ocsp_path != path || !each.ocsp || !each.ocsp->is_asked(*asked)) continue;
        record.ca_result = each.ca->name();
        const auto reply =
            each.ocsp->answer(*asked, store, owner_of(request.client_address), record.reason);
        record.code = record.reason.empty() ? "Success" : "OcspUnavailable";
        return to_http(reply, request);
    }
    record.code = "OcspUnauthorized";
    record.reason = "a certificate of another issuer";
    return to_http(ocsp_error(OcspStatus::kUnauthorized), request);
}

}  // namespace scepgate::server

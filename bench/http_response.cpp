#include "bench/http_response.hpp"

#include <charconv>
#include <optional>

#include "certs/asn1_string.hpp"

namespace scepgate::bench {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

std::optional<std::size_t> number(std::string_view text, int base) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return value;
}

}  // namespace

Result<bool> HttpResponse::append(std::string_view received) {
    received_.append(received);
    if (framing_ == Framing::kUnknown) {
        const auto head = read_head();
        if (!head || !*head) return head;
    }
    switch (framing_) {
        case Framing::kChunked:
            return read_chunks();
        case Framing::kLength:
            if (received_.size() > position_ + length_)
                return malformed("octets after the response");
            return received_.size() == position_ + length_;
        default:
            if (received_.size() - position_ > kMaximumBody)
                return malformed("the body is too long");
            return false;
    }
}

Result<void> HttpResponse::end_of_stream() {
    if (framing_ == Framing::kUntilClose) return {};
    return malformed(begun() ? "closed within a response" : "closed without a response");
}

void HttpResponse::reset() noexcept {
    received_.clear();
    chunks_.clear();
    position_ = 0;
    length_ = 0;
    status_ = 0;
    framing_ = Framing::kUnknown;
}

std::string_view HttpResponse::body() const noexcept {
    if (framing_ == Framing::kChunked) return chunks_;
    return std::string_view(received_).substr(position_);
}

Result<bool> HttpResponse::read_head() {
    const std::size_t end = received_.find("\r\n\r\n");
    if (end == std::string::npos) {
        if (received_.size() > kMaximumHead) return malformed("the response's head is too long");
        return false;
    }
    std::string_view head = std::string_view(received_).substr(0, end + kLineEnd.size());
    // status-line = HTTP-version SP status-code SP [ reason-phrase ]
    if (!head.starts_with("HTTP/1.") || head.size() < 12) return malformed("no HTTP/1 status line");
    const auto status = number(head.substr(9, 3), 10);
    if (!status || *status < 200) return malformed("a status that is no final one");
    status_ = static_cast<int>(*status);
    keep_alive_ = head[7] != '0';
    framing_ = Framing::kUntilClose;
    head.remove_prefix(head.find(kLineEnd) + kLineEnd.size());
    while (!head.empty()) {
        const std::size_t line = head.find(kLineEnd);
        if (auto field = read_field(head.substr(0, line)); !field) return field.error();
        head.remove_prefix(line + kLineEnd.size());
    }
    if (status_ == 204 || status_ == 304) {
        framing_ = Framing::kLength;
        length_ = 0;
    }
    if (framing_ == Framing::kUntilClose) keep_alive_ = false;
    position_ = end + 2 * kLineEnd.size();
    return true;
}

Result<void> HttpResponse::read_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return malformed("a header line without a colon");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (certs::equal_ignoring_ascii_case(name, "Content-Length")) {
        const auto length = number(value, 10);
        if (!length || *length > kMaximumBody) return malformed("an impossible Content-Length");
        if (framing_ == Framing::kUntilClose) framing_ = Framing::kLength;
        length_ = *length;
    } else if (certs::equal_ignoring_ascii_case(name, "Transfer-Encoding")) {
        if (!certs::equal_ignoring_ascii_case(value, "chunked")) {
            return unsupported("a Transfer-Encoding other than chunked");
        }
        framing_ = Framing::kChunked;
    } else if (certs::equal_ignoring_ascii_case(name, "Connection")) {
        if (certs::equal_ignoring_ascii_case(value, "close")) keep_alive_ = false;
        if (certs::equal_ignoring_ascii_case(value, "keep-alive")) keep_alive_ = true;
    }
    return {};
}

// chunked-body = *( chunk-size [ chunk-ext ] CRLF chunk-data CRLF ) last-chunk trailers CRLF
Result<bool> HttpResponse::read_chunks() {
    for (;;) {
        const std::string_view rest = std::string_view(received_).substr(position_);
        const std::size_t line = rest.find(kLineEnd);
        if (line == std::string_view::npos) return false;
        std::string_view size_text = rest.substr(0, line);
        size_text = trimmed(size_text.substr(0, size_text.find(';')));
        const auto size = number(size_text, 16);
        if (!size || *size > kMaximumBody - chunks_.size()) return malformed("an impossible chunk");
        const std::size_t data = line + kLineEnd.size();
        if (*size == 0) {
            const std::size_t end = rest.find("\r\n\r\n", line);
            if (end == std::string_view::npos) return false;
            if (rest.size() > end + 2 * kLineEnd.size())
                return malformed("octets after the response");
            return true;
        }
        if (rest.size() < data + *size + kLineEnd.size()) return false;
        if (rest.substr(data + *size, 2) != kLineEnd) return malformed("a chunk without its end");
        chunks_.append(rest.substr(data, *size));
        position_ += data + *size + kLineEnd.size();
    }
}

}  // namespace scepgate::bench

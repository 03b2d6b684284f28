#include "server/http_framing.hpp"

#include <charconv>
#include <optional>
#include <set>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>

namespace scepgate::server {

namespace http = boost::beast::http;
using boost::beast::iequals;

namespace {

std::string_view view(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

/// Beast's header parser without its container: fields are kept as views.
class HeaderParser final : public http::basic_parser<true> {
public:
    explicit HeaderParser(ParsedHeader& header) : header_(header) {
        header_limit(static_cast<std::uint32_t>(-1));  // HeadScanner has counted
        body_limit(boost::none);                       // the session counts
    }

private:
    void on_request_impl(http::verb, boost::beast::string_view method,
                         boost::beast::string_view target, int version,
                         boost::beast::error_code&) override {
        header_.method = view(method);
        header_.target = view(target);
        header_.http11 = version == 11;
    }
    void on_field_impl(http::field id, boost::beast::string_view name,
                       boost::beast::string_view value, boost::beast::error_code&) override {
        header_.fields.push_back({id, view(name), view(value)});
    }
    void on_response_impl(int, boost::beast::string_view, int, boost::beast::error_code&) override {
    }
    void on_header_impl(boost::beast::error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&,
                           boost::beast::error_code&) override {}
    std::size_t on_body_impl(boost::beast::string_view, boost::beast::error_code&) override {
        return 0;
    }
    void on_chunk_header_impl(std::uint64_t, boost::beast::string_view,
                              boost::beast::error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view,
                                   boost::beast::error_code&) override {
        return 0;
    }
    void on_finish_impl(boost::beast::error_code&) override {}

    ParsedHeader& header_;
};

std::optional<HttpMethod> read_method(std::string_view text, bool all) {
    if (text == "GET") return HttpMethod::kGet;
    if (text == "HEAD") return HttpMethod::kHead;
    if (text == "POST") return HttpMethod::kPost;
    if (!all) return std::nullopt;
    return text == "DELETE" ? HttpMethod::kDelete : HttpMethod::kOther;
}

bool is_alnum(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// uri-host [":" port] by its characters. Without "@" and "," (the latter may stand in a name by
/// RFC 3986, but here it is two Host fields that somebody merged).
bool is_host(std::string_view text) {
    for (const char c : text) {
        if (!is_alnum(c) &&
            std::string_view("-._~!$&'()*+;=:[]%").find(c) == std::string_view::npos) {
            return false;
        }
    }
    return true;
}

/// origin-form, or absolute-form without its authority; nothing for the other forms.
std::optional<std::string_view> origin_form(std::string_view target) {
    if (target.starts_with('/')) return target;
    const auto scheme_end = target.find("://");
    if (scheme_end == std::string_view::npos) return std::nullopt;
    const std::string_view scheme = target.substr(0, scheme_end);
    if (!iequals(scheme, "http") && !iequals(scheme, "https")) return std::nullopt;
    target.remove_prefix(scheme_end + 3);
    const auto authority_end = target.find_first_of("/?");
    if (authority_end == 0 || target.empty()) return std::nullopt;
    return authority_end == std::string_view::npos ? std::string_view("/")
                                                   : target.substr(authority_end);
}

void split_target(std::string_view target, Framing& framing) {
    const auto question = target.find('?');
    framing.path = target.substr(0, question);
    if (framing.path.empty()) framing.path = "/";  // "http://host?query"
    if (question != std::string_view::npos) framing.query = target.substr(question + 1);
}

/// The fields that decide where the request ends, each at most once.
struct FramingFields {
    const HeaderField* content_length = nullptr;
    const HeaderField* transfer_encoding = nullptr;
    const HeaderField* host = nullptr;
    const HeaderField* expect = nullptr;
};

Result<FramingFields, HttpRefusal> find_fields(const ParsedHeader& header) {
    FramingFields found;
    for (const HeaderField& field : header.fields) {
        switch (field.id) {
            case http::field::content_length:
                if (found.content_length) return HttpRefusal{400, "two Content-Length fields"};
                found.content_length = &field;
                break;
            case http::field::transfer_encoding:
                if (found.transfer_encoding)
                    return HttpRefusal{400, "two Transfer-Encoding fields"};
                found.transfer_encoding = &field;
                break;
            case http::field::host:
                if (found.host) return HttpRefusal{400, "two Host fields"};
                if (!is_host(field.value)) return HttpRefusal{400, "Host is not a host name"};
                found.host = &field;
                break;
            case http::field::content_encoding:
                if (!field.value.empty() && !iequals(field.value, "identity")) {
                    return HttpRefusal{415, "a body with a Content-Encoding"};
                }
                break;
            case http::field::expect:
                found.expect = &field;
                break;
            default:
                break;
        }
    }
    return found;
}

std::optional<std::uint64_t> read_content_length(std::string_view text) {
    std::uint64_t length = 0;
    // from_chars takes digits only: no sign, no space, no hexadecimal, and no overflow.
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return length;
}

}  // namespace

void throw_exception_from_error(const HttpRefusal& refusal, const boost::source_location&) {
    throw std::logic_error("unchecked Result: " + std::string(refusal.detail));
}

Result<void, HttpRefusal> parse_header(std::string_view octets, ParsedHeader& header) {
    header.fields.clear();
    HeaderParser parser(header);
    boost::beast::error_code error;
    parser.put(boost::asio::const_buffer(octets.data(), octets.size()), error);
    if (error == http::error::bad_version) {
        return HttpRefusal{400, "the version is neither HTTP/1.0 nor HTTP/1.1"};
    }
    if (error == http::error::bad_content_length || error == http::error::multiple_content_length) {
        return HttpRefusal{400, "Content-Length is repeated or not a number"};
    }
    if (error == http::error::bad_transfer_encoding) {
        return HttpRefusal{400, "Transfer-Encoding beside Content-Length or another of its kind"};
    }
    if (error) return HttpRefusal{400, "the header is malformed"};
    if (!parser.is_header_done()) return HttpRefusal{400, "the header is incomplete"};
    header.keep_alive = parser.keep_alive();
    return {};
}

Result<Framing, HttpRefusal> check_framing(const ParsedHeader& header, bool all_methods) {
    Framing framing;
    const auto method = read_method(header.method, all_methods);
    if (!method) return HttpRefusal{405, "the method is not GET, HEAD or POST"};
    framing.method = *method;

    const auto target = origin_form(header.target);
    if (!target) return HttpRefusal{400, "the request target is not a path"};
    split_target(*target, framing);

    const auto fields = find_fields(header);
    if (!fields) return fields.error();
    if (fields->transfer_encoding) {
        if (!header.http11) return HttpRefusal{400, "Transfer-Encoding in HTTP/1.0"};
        if (fields->content_length)
            return HttpRefusal{400, "Transfer-Encoding with Content-Length"};
        if (!iequals(fields->transfer_encoding->value, "chunked")) {
            return HttpRefusal{400, "Transfer-Encoding is not \"chunked\""};
        }
        framing.body = Framing::Body::kChunked;
    } else if (fields->content_length) {
        const auto length = read_content_length(fields->content_length->value);
        if (!length) return HttpRefusal{400, "Content-Length is not a number"};
        framing.length = *length;
        framing.body = *length > 0 ? Framing::Body::kSized : Framing::Body::kNone;
    }
    framing.expect_continue = header.http11 && framing.body != Framing::Body::kNone &&
                              fields->expect && iequals(fields->expect->value, "100-continue");
    return framing;
}

HttpDetails collect_details(const ParsedHeader& header) {
    HttpDetails details;
    bool authorized = false;
    std::set<const std::string*> taken;
    const auto take = [&](std::string& target, std::string_view value) {
        if (!taken.insert(&target).second) details.repeated = true;  // the first may be empty
        target = value;
    };
    for (const HeaderField& field : header.fields) {
        if (field.id == http::field::authorization) {
            if (authorized) details.repeated = true;
            authorized = true;
            details.authorization = Secret(field.value);
        } else if (field.id == http::field::host) {
            take(details.host, field.value);
        } else if (field.id == http::field::origin) {
            take(details.origin, field.value);
        } else if (field.id == http::field::referer) {
            take(details.referer, field.value);
        } else if (field.id == http::field::content_type) {
            take(details.content_type, field.value);
        } else if (iequals(field.name, "Sec-Fetch-Site")) {
            take(details.sec_fetch_site, field.value);
        }
    }
    return details;
}

void copy_conditions(const ParsedHeader& header, std::string& if_none_match,
                     std::string& if_modified_since) {
    constexpr std::size_t kLongest = 256;
    constexpr std::size_t kLongestDate = 64;
    if_none_match.clear();
    if_modified_since.clear();
    bool none_match = false;
    int dates = 0;
    for (const HeaderField& field : header.fields) {
        if (field.id == http::field::if_none_match) {
            none_match = true;
            if (field.value.size() <= kLongest) if_none_match = field.value;
        } else if (field.id == http::field::if_modified_since) {
            ++dates;
            if (field.value.size() <= kLongestDate) if_modified_since = field.value;
        }
    }
    if (none_match || dates > 1) if_modified_since.clear();
}

void copy_user_agent(const ParsedHeader& header, std::string& out) {
    constexpr std::size_t kLongest = 256;
    out.clear();
    for (const HeaderField& field : header.fields) {
        if (field.id != http::field::user_agent) continue;
        for (const char c : field.value.substr(0, kLongest)) {
            out.push_back(c >= ' ' && c <= '~' ? c : '?');
        }
        return;
    }
}

}  // namespace scepgate::server

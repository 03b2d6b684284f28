// What a request's header says: parsed by Beast, then checked for what Beast 1.81 lets through.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/beast/http/field.hpp>

#include "server/http_message.hpp"

namespace scepgate::server {

/// A request that the HTTP side refuses.
struct HttpRefusal {
    unsigned status = 400;
    std::string_view detail;  ///< static storage
};
[[noreturn]] void throw_exception_from_error(const HttpRefusal& refusal,
                                             const boost::source_location&);

struct HeaderField {
    boost::beast::http::field id;
    std::string_view name;
    std::string_view value;  ///< without the white space around it
};

/// A parsed header; its views point into the octets it was parsed from.
struct ParsedHeader {
    std::string_view method;
    std::string_view target;
    bool http11 = false;      ///< else HTTP/1.0
    bool keep_alive = false;  ///< what Connection and the version ask for
    std::vector<HeaderField> fields;
};

/// How to go on after the header.
struct Framing {
    enum class Body { kNone, kSized, kChunked };

    HttpMethod method = HttpMethod::kGet;
    std::string_view path;
    std::string_view query;
    Body body = Body::kNone;
    std::uint64_t length = 0;      ///< when kSized; not zero
    bool expect_continue = false;  ///< the client waits for "100 Continue" before it sends the body
};

/// Parses a complete header (through the empty line) into `header`, whose storage is used again.
Result<void, HttpRefusal> parse_header(std::string_view octets, ParsedHeader& header);

/// Decides how the body is framed and what is asked for (GET, HEAD or POST; any method with
/// `all_methods`); anything ambiguous is refused (attacks.md Z01, Z04, H07, H08, H11 to H13). The
/// connection is closed after a refusal.
Result<Framing, HttpRefusal> check_framing(const ParsedHeader& header, bool all_methods = false);

/// All but the client certificate, which is not in the header.
[[nodiscard]] HttpDetails collect_details(const ParsedHeader& header);

/// If-None-Match, or If-Modified-Since, which counts where there is no other (RFC 9110 section
/// 13.1.3); "" when there is none, more than 256 octets of the one or 64 of the other, or two
/// dates.
void copy_conditions(const ParsedHeader& header, std::string& if_none_match,
                     std::string& if_modified_since);

/// At most 256 octets of User-Agent, anything but printable ASCII replaced by "?".
void copy_user_agent(const ParsedHeader& header, std::string& out);

}  // namespace scepgate::server

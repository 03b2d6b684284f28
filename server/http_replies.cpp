#include "server/http_replies.hpp"

#include <map>

#include <boost/beast/http/status.hpp>

namespace scepgate::server {

std::string_view reason_phrase(unsigned status) noexcept {
    const auto phrase =
        boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
    return {phrase.data(), phrase.size()};
}

void write_reply_header(std::string& out, unsigned status, std::string_view content_type,
                        std::size_t body_size, std::string_view headers, bool close) {
    out.clear();
    out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
    out.append(reason_phrase(status)).append("\r\n");
    if (!content_type.empty()) out.append("Content-Type: ").append(content_type).append("\r\n");
    // RFC 9110 section 8.6: a 204 has none, a 304 no other than that of the reply it stands for.
    if (status != 204 && status != 304) {
        out.append("Content-Length: ").append(std::to_string(body_size)).append("\r\n");
    }
    out.append(headers);
    out.append(close ? "Connection: close\r\n" : "Connection: keep-alive\r\n");
}

const PreparedReply& refusal_reply(unsigned status) {
    static const auto replies = [] {
        std::map<unsigned, PreparedReply> made;
        for (const unsigned known : {400U, 405U, 408U, 413U, 414U, 415U, 431U, 500U, 503U}) {
            const std::string body = std::string(reason_phrase(known)) + "\n";
            std::string headers = "Cache-Control: no-store\r\n";
            if (known == 405) headers += "Allow: GET, HEAD, POST\r\n";
            if (known == 503) headers += "Retry-After: 5\r\n";
            made.try_emplace(known, known, "text/plain", as_bytes(body), headers);
        }
        return made;
    }();
    const auto found = replies.find(status);
    return found != replies.end() ? found->second : replies.at(500);
}

}  // namespace scepgate::server

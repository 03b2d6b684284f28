#include "server/http_message.hpp"

#include "server/http_replies.hpp"

namespace scepgate::server {

std::string_view to_text(HttpMethod method) noexcept {
    switch (method) {
        case HttpMethod::kGet:
            return "GET";
        case HttpMethod::kHead:
            return "HEAD";
        case HttpMethod::kPost:
            return "POST";
        case HttpMethod::kDelete:
            return "DELETE";
        case HttpMethod::kOther:
            return "other";
    }
    return "?";
}

PreparedReply::PreparedReply(unsigned status, std::string_view content_type, ByteView body,
                             std::string_view headers)
    : status_(status), body_(body.begin(), body.end()) {
    write_reply_header(keep_, status, content_type, body.size(), headers, false);
    write_reply_header(close_, status, content_type, body.size(), headers, true);
}

}  // namespace scepgate::server

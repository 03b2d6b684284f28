#include "server/admin/problem.hpp"

#include <nlohmann/json.hpp>

#include "server/http_replies.hpp"

namespace scepgate::server::admin {

std::string to_json(const Problem& problem) {
    const nlohmann::ordered_json json{{"type", "about:blank"},
                                      {"title", reason_phrase(problem.status)},
                                      {"status", problem.status},
                                      {"code", problem.code},
                                      {"detail", problem.detail}};
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

HttpReply to_reply(unsigned status, std::string_view content_type, std::string_view body) {
    HttpReply reply;
    reply.status = status;
    reply.content_type = content_type;
    reply.headers = kHeaders;
    reply.body = to_bytes(as_bytes(body));
    return reply;
}

HttpReply to_reply(const Problem& problem) {
    HttpReply reply = to_reply(problem.status, "application/problem+json", to_json(problem));
    if (problem.status == 401) {
        reply.headers +=
            "WWW-Authenticate: Basic realm=\"scepgate\", charset=\"UTF-8\"\r\n"
            "WWW-Authenticate: Bearer realm=\"scepgate\"\r\n";
    }
    if (problem.retry_after > 0)
        reply.headers += "Retry-After: " + std::to_string(problem.retry_after) + "\r\n";
    return reply;
}

HttpReply wrong_method(std::string_view allowed) {
    HttpReply reply = to_reply(Problem{405, "method_not_allowed", "not with this method"});
    reply.headers.append("Allow: ").append(allowed).append("\r\n");
    return reply;
}

}  // namespace scepgate::server::admin

#include "server/doctor/judge_answer.hpp"

#include <algorithm>

#include "certs/asn1_string.hpp"

namespace scepgate::server::doctor {
namespace {

bool holds(std::string_view text, std::string_view part) {
    return std::search(text.begin(), text.end(), part.begin(), part.end(), [](char a, char b) {
               return certs::equal_ignoring_ascii_case({&a, 1}, {&b, 1});
           }) != text.end();
}

Obstacle no_reply(const Reply& reply) {
    switch (reply.broke) {
        case Break::kTimeout:
            return {
                "no answer in time: the server behind is down or slow, or something drops the "
                "request silently",
                remedies_for(Fault::kUpstream)};
        case Break::kNoHttp:
            return {"what answers there speaks no HTTP: is it https:// on this port?"};
        case Break::kTls:
            return {"TLS fails, see the checks of TLS"};
        case Break::kTooMuch:
            return {"the answer is longer than any of SCEP: another service answers there"};
        case Break::kNoTimeLeft:
            return {"no time was left"};
        default:
            return {
                "the connection was cut before the whole answer came: a limit or a filter in "
                "between, or the server behind ended"};
    }
}

constexpr std::size_t kShown = 200;

Obstacle redirect(const Reply& reply) {
    const std::string to(reply.field("Location").value_or("an unnamed place").substr(0, kShown));
    if (holds(to, "login") || holds(to, "signin") || holds(to, "auth") || holds(to, "adfs")) {
        return {
            "pre-authentication: a redirect to the login page " + to + "; devices cannot log in",
            remedies_for(Fault::kLogin)};
    }
    return {"a redirect to " + to + ", which few SCEP clients follow" +
                (to.starts_with("https:") ? ": publish that URL, or serve this one" : ""),
            remedies_for(Fault::kRedirect)};
}

Obstacle unauthorised(const Reply& reply) {
    const auto scheme = reply.field("WWW-Authenticate");
    return {"pre-authentication: a login is asked for" +
                (scheme ? " (" + std::string(scheme->substr(0, kShown)) + ")" : std::string()) +
                "; devices cannot log in",
            remedies_for(Fault::kLogin)};
}

std::optional<Obstacle> of_status(const Reply& reply) {
    switch (reply.status) {
        case 401:
        case 407:
            return unauthorised(reply);
        case 403:
            return Obstacle{
                "forbidden: a login, an address list, a client certificate or a "
                "firewall for web applications stands before the SCEP path",
                remedies_for(Fault::kLogin)};
        case 404:
            return Obstacle{
                "nothing is there: the path in the URL is wrong, or the proxy passes it "
                "on changed or not at all (IIS says 404 also to a query over its limit)",
                remedies_for(Fault::kPath)};
        case 405:
            return Obstacle{"the method is not allowed", remedies_for(Fault::kPost)};
        case 413:
            return Obstacle{"a limit on the body", remedies_for(Fault::kLargeBody)};
        case 414:
        case 431:
            return Obstacle{"a limit on the request line", remedies_for(Fault::kLongLine)};
        case 502:
        case 503:
        case 504:
            return Obstacle{
                "the proxy does not reach the server behind it, that is down, or it "
                "takes too long",
                remedies_for(Fault::kUpstream)};
        default:
            return std::nullopt;
    }
}

}  // namespace

std::string in_words(const Reply& reply) {
    if (!reply.came()) {
        return "no reply" + (reply.broken_text.empty() ? "" : ": " + reply.broken_text);
    }
    const std::string type(reply.content_type().substr(0, kShown));
    return "HTTP " + std::to_string(reply.status) + ", " + (type.empty() ? "no type" : type) +
           ", " + std::to_string(reply.body.size()) + " octets";
}

bool is_page(const Reply& reply) {
    const auto start = reply.text().substr(0, 512);
    return holds(reply.content_type(), "text/html") || holds(start, "<!doctype html") ||
           holds(start, "<html");
}

std::optional<Obstacle> obstacle_in(const Reply& reply) {
    if (!reply.came()) return no_reply(reply);
    if (reply.status >= 300 && reply.status < 400) return redirect(reply);
    if (auto named = of_status(reply)) return named;
    if (reply.status == 200 && is_page(reply)) {
        const bool login = holds(reply.text(), "password") || holds(reply.text(), "sign in") ||
                           holds(reply.text(), "login");
        return Obstacle{login ? "pre-authentication: a login page; devices cannot log in"
                              : "a page for people: another site answers, or the proxy does not "
                                "pass the query on",
                        remedies_for(login ? Fault::kLogin : Fault::kPath)};
    }
    if (reply.status == 200 && reply.body.empty()) {
        return Obstacle{"an empty answer: the proxy has no site for this name (Caddy answers so)",
                        remedies_for(Fault::kNoHost)};
    }
    if (reply.status == 200) return std::nullopt;
    const bool ours = reply.status >= 500;
    return Obstacle{ours ? "the server failed: its log says why (NDES: RA certificates expired, "
                           "service account locked)"
                         : "the request was refused",
                    {}};
}

Obstacle obstacle_of_length(const Reply& reply, Fault fault) {
    const std::string what =
        fault == Fault::kLongLine ? "a request line of this length" : "a body of this length";
    if (!reply.came()) {
        return {(reply.broke == Break::kTimeout
                     ? "a silent hang: something in between drops " + what +
                           " (Web Application Proxy before KB3011135 over 5 KB)"
                     : "the connection was cut: something in between refuses " + what),
                remedies_for(fault)};
    }
    if (reply.status == 414 || reply.status == 431 || reply.status == 413) {
        return {"a limit in between, said plainly: " + what + " is too long", remedies_for(fault)};
    }
    if (reply.status == 400 || reply.status == 404 || is_page(reply)) {
        return {
            "a limit in between: a shorter one gets another answer (nginx and HAProxy say 400, "
            "IIS says 404.14 or 404.15)",
            remedies_for(fault)};
    }
    if (auto other = obstacle_in(reply)) return std::move(*other);
    return {"another answer than to a shorter one", remedies_for(fault)};
}

}  // namespace scepgate::server::doctor

#include "server/cli/explain.hpp"

namespace scepgate::server::cli {
namespace {

/// `other`: the --method that was not taken; none for what only goes by GET.
std::string remedy(long status, const std::string& other) {
    if (status >= 300 && status < 400) {
        return ", a redirect: a login page in front, or the wrong path in --url";
    }
    switch (status) {
        case 400:
            return ": it could not read the message, or a proxy changed it";
        case 401:
        case 407:
            return ": a proxy or the server wants a login first, which SCEP knows nothing of";
        case 403:
        case 404:
            return ": check the path in --url";
        case 405:
            if (!other.empty()) return ": it wants another method; try --method " + other;
            return ": check the path in --url";
        case 413:
        case 414:
        case 431:
            if (!other.empty()) {
                return ": too long for the server or a proxy in front; try --method " + other;
            }
            return ": too long for the server or a proxy in front";
        case 502:
        case 503:
        case 504:
            return ": it is down or busy; try again later";
        default:
            return ": look into the server's log";
    }
}

/// SCEP's answers are DER and keywords: none of them begins like this.
bool is_web_page(ByteView body) {
    const std::string_view text = as_text(body);
    const std::size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    return first != std::string_view::npos && text[first] == '<';
}

std::string_view remedy(Errc code) {
    switch (code) {
        case Errc::kBadSignature:
            return "It is not by the server whose certificates GetCACert gave just now: several "
                   "servers behind one address, or somebody in between changes answers";
        case Errc::kConflict:
            return "It answers another request, or goes to somebody else: a cache or proxy in "
                   "between repeats old answers, or somebody replays them";
        case Errc::kUnsupported:
            return "The server uses what this client does not take: change the server's algorithms";
        default:
            return "The server, or something in between, sends what SCEP does not have there";
    }
}

}  // namespace

std::optional<Error> explain_answer(const WebReply& reply, const std::string& operation,
                                    const std::string& url, bool post) {
    const std::string who = operation + ": " + url;
    if (reply.status != 200) {
        const std::string other = operation != "PKIOperation" ? "" : post ? "get" : "post";
        return Error{Errc::kUnavailable, who + " answers HTTP " + std::to_string(reply.status) +
                                             remedy(reply.status, other)};
    }
    if (reply.body.empty()) {
        return Error{Errc::kUnavailable,
                     who + " answers nothing: check the path in --url, or look into its log"};
    }
    if (is_web_page(reply.body)) {
        return Error{Errc::kUnavailable,
                     who +
                         " answers a web page instead of SCEP: a captive portal, login page or "
                         "proxy in between, or the wrong path in --url"};
    }
    return std::nullopt;
}

Error explain_reply(const Error& error, const std::string& url) {
    return {error.code, "the reply of " + url + " is not believed: " + error.detail + ". " +
                            std::string(remedy(error.code)) +
                            ". --trace DIR keeps it, for 'scepgate decode'"};
}

std::string explain_failure(const scep::ReplyStatus& status, const std::string& url) {
    std::string text = url + " refuses: ";
    text += status.fail_info ? to_text(*status.fail_info) : "no failInfo";
    if (!status.fail_info_text.empty()) text += " (\"" + status.fail_info_text + "\")";
    switch (status.fail_info.value_or(FailInfo::kBadRequest)) {
        case FailInfo::kBadAlg:
            return text +
                   ". It does not take an algorithm or key of the request: compare the key's type "
                   "and size, digest and cipher with what GetCACaps lists and its templates ask "
                   "for. Its log names the algorithm";
        case FailInfo::kBadMessageCheck:
            return text +
                   ". The challenge is wrong, expired or used, or the message did not verify or "
                   "open: make a new challenge; check that GetCACert's certificates are this "
                   "server's own. Its log and audit file name the reason";
        case FailInfo::kBadRequest:
            return text +
                   ". It understood the request and does not allow it: compare subject, SAN, key "
                   "usage and key with what the challenge or policy grants. Its log and audit file "
                   "name the difference";
        case FailInfo::kBadTime:
            return text + ". Times are too far apart: compare the clocks of client and server";
        case FailInfo::kBadCertId:
            return text +
                   ". It knows no certificate or request of this name: check serial number, "
                   "issuer or transactionID, and that this server issued it";
    }
    return text;
}

}  // namespace scepgate::server::cli

// GetCACaps and GetCACert, and the ways in which devices ask for them.
#include <algorithm>

#include "server/doctor/examination.hpp"
#include "server/doctor/judge_answer.hpp"
#include "server/doctor/judge_ca.hpp"

namespace scepgate::server::doctor {
namespace {

constexpr std::string_view kGetCaps = "operation=GetCACaps";
constexpr std::string_view kGetCert = "operation=GetCACert";
constexpr std::string_view kProgram = "pkiclient.exe";

/// Every octet of it, whatever node it came from.
bool is_known(const Examination& run, const Reply& reply) {
    return reply.came() && reply.status == 200 &&
           std::find(run.ca_bodies.begin(), run.ca_bodies.end(), reply.body) != run.ca_bodies.end();
}

bool is_capabilities(const Reply& reply) {
    return scep::parse_capabilities(reply.text()) != scep::ServerCapabilities{};
}

void remember(Examination& run, const Reply& reply) {
    // A cache may have mixed them up.
    if (is_capabilities(reply)) return;
    if (!reply.came() || reply.status != 200 || is_page(reply) || is_known(run, reply)) return;
    run.ca_bodies.push_back(reply.body);
    if (auto parsed = scep::parse_ca_certificates(reply.body, run.now))
        run.cas.push_back(std::move(*parsed));
}

bool is_of_certificates(const Examination& run, const Reply& reply) {
    const auto parsed = scep::parse_ca_certificates(reply.body, run.now);
    return parsed || parsed.error().code != Errc::kMalformed;
}

/// Whether anything there is SCEP's: either operation is answered.
bool check_answers(Examination& run, const Reply& caps, const Reply& certificates) {
    const std::string sent = "GET " + run.target(kGetCaps);
    auto obstacle = obstacle_in(caps);
    const bool first = !obstacle && is_capabilities(caps);
    if (first || (!obstacle_in(certificates) && is_of_certificates(run, certificates))) {
        run.fine("answers", sent, in_words(first ? caps : certificates));
        return true;
    }
    if (!obstacle) {
        obstacle = Obstacle{
            "neither GetCACaps nor GetCACert is answered as SCEP has it: another "
            "service answers, or the query is not passed on",
            remedies_for(Fault::kQuery)};
    }
    run.fail("answers", sent, in_words(caps), obstacle->cause, obstacle->remedies);
    run.skip("", "answers failed");
    return false;
}

void check_ca(Examination& run, const Reply& reply) {
    run.add(judge_ca_type(reply));
    if (obstacle_in(reply) || run.ca_bodies.empty()) {
        run.skip("ca-", "ca-type failed");
        return;
    }
    const auto parsed = scep::parse_ca_certificates(reply.body, run.now);
    run.add(judge_ca_bundle(reply, parsed));
    if (!parsed) {
        for (const char* each : {"ca-root", "ca-usages", "ca-validity"})
            run.skip(each, "ca-bundle failed");
        return;
    }
    run.add(judge_ca_root(reply, *parsed));
    run.add(judge_ca_usages(reply, *parsed));
    run.add(judge_ca_validity(*parsed, run.now));
}

/// Load balancers with nodes that differ; bodies that are changed now and then.
void check_same(Examination& run) {
    if (!run.wants("ca-same")) return;
    constexpr int kConnections = 6;
    int answered = 0;
    for (int at = 0; at < kConnections; ++at) {
        const Reply reply = run.ask({.target = run.target(kGetCert), .new_connection = true});
        if (!reply.came() || reply.status != 200) continue;
        ++answered;
        remember(run, reply);
    }
    const std::string sent =
        std::to_string(kConnections) + " times GET operation=GetCACert, each on a new connection";
    if (run.ca_bodies.size() > 1) {
        run.fail("ca-same", sent, std::to_string(run.ca_bodies.size()) + " different answers",
                 "the servers behind the name have different certificates: what a device encrypts "
                 "to one's RA, another cannot open",
                 remedies_for(Fault::kNodes));
    } else if (answered != kConnections) {
        run.fail("ca-same", sent, std::to_string(answered) + " answers",
                 "some connections are refused: one of the servers behind the name is down, or a "
                 "limit on connections or rate",
                 remedies_for(Fault::kUpstream));
    } else {
        run.fine("ca-same", sent, "the same octets each time");
    }
}

/// The message parameter of GetCACert is a CA identifier: each family of devices has its own.
void check_identifier(Examination& run) {
    if (!run.wants("ca-identifier")) return;
    std::string differ;
    for (const char* each :
         {"&message=", "&message=0", "&message=SCEP%20Authority", "&message=default"}) {
        const Reply reply = run.ask({.target = run.target(std::string(kGetCert) + each)});
        if (!is_known(run, reply))
            differ += (differ.empty() ? "" : "; ") + std::string(each) + ": " + in_words(reply);
    }
    const std::string sent = "GET operation=GetCACert with &message= in four forms, and without";
    if (differ.empty()) {
        run.fine("ca-identifier", sent, "the same octets each time");
        return;
    }
    run.fail("ca-identifier", sent, differ,
             "devices send a CA identifier that means nothing: a filter or a rewrite in between "
             "minds it, or the server serves several CAs and wants the right one",
             remedies_for(Fault::kQuery));
}

void check_path(Examination& run, std::string_view id, const std::string& path,
                const std::string& who, Outcome otherwise) {
    if (!run.wants(id)) return;
    const std::string target = run.web.place().target(path, kGetCert);
    const Reply reply = run.ask({.target = target});
    if (is_known(run, reply)) {
        run.fine(id, "GET " + target, in_words(reply));
        return;
    }
    const auto obstacle = reply.status == 404 ? std::nullopt : obstacle_in(reply);
    run.add({std::string(id), otherwise, "GET " + target, in_words(reply),
             who + ". " +
                 (obstacle ? obstacle->cause
                           : "The proxy passes on the path as it stands in the URL alone, or the "
                             "server itself knows no other (--skip " +
                                 std::string(id) + " where no such device is)"),
             remedies_for(Fault::kPath)});
}

void check_paths(Examination& run) {
    const std::string& path = run.web.place().path;
    const std::string slash = path.ends_with('/') ? path : path + '/';
    std::string other_case = path;
    std::transform(path.begin(), path.end(), other_case.begin(), [](char c) {
        if (c >= 'a' && c <= 'z') return static_cast<char>(c - 'a' + 'A');
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    check_path(run, "path-case", other_case, "Windows and IIS take paths without case",
               Outcome::kWarning);
    if (path.ends_with(kProgram)) {
        run.skip("path-", "the URL ends with " + std::string(kProgram) + " already");
        return;
    }
    check_path(run, "path-slash", slash, "some MDMs end the URL with a slash", Outcome::kWarning);
    check_path(run, "path-suffix", slash + std::string(kProgram),
               "Windows (0x80190194) and Cisco IOS append it: their devices cannot enrol",
               Outcome::kFailed);
}

void check_http_1_0(Examination& run) {
    if (!run.wants("http-1.0")) return;
    const std::string target = run.target(kGetCert);
    const Reply reply = run.ask({.target = target, .http10 = true});
    const std::string sent = "GET " + target + " as HTTP/1.0, without Host";
    if (is_known(run, reply)) {
        run.fine("http-1.0", sent, in_words(reply));
        return;
    }
    run.add({"http-1.0", Outcome::kWarning, sent, in_words(reply),
             "Cisco IOS asks so: the proxy chooses the site by Host alone",
             remedies_for(Fault::kNoHost)});
}

}  // namespace

bool check_static(Examination& run) {
    run.capabilities_reply = run.ask({.target = run.target(kGetCaps)});
    const Reply certificates = run.ask({.target = run.target(kGetCert)});
    if (!check_answers(run, run.capabilities_reply, certificates)) return false;
    Finding type = judge_capabilities_type(run.capabilities_reply);
    if (const auto obstacle = obstacle_in(run.capabilities_reply)) {
        type.cause =
            "GetCACert is answered, this is not: an old server, or a filter by operation "
            "in between; clients go on with 3DES, SHA-1 and GET, or stop. Else: " +
            obstacle->cause;
    }
    run.add(std::move(type));
    if (obstacle_in(run.capabilities_reply)) {
        run.skip("capabilities", "capabilities-type failed");
    } else {
        run.capabilities = scep::parse_capabilities(run.capabilities_reply.text());
        run.add(judge_capabilities(run.capabilities_reply));
    }
    remember(run, certificates);
    check_ca(run, certificates);
    if (run.ca_bodies.empty()) {
        for (const char* each : {"ca-", "path-", "http-1.0"})
            run.skip(each, "ca-type failed");
        return true;
    }
    check_same(run);
    check_identifier(run);
    check_paths(run);
    check_http_1_0(run);
    return true;
}

}  // namespace scepgate::server::doctor

// Name, port, TLS.
#include "server/doctor/examination.hpp"
#include "server/doctor/judge_tls.hpp"

namespace scepgate::server::doctor {
namespace {

/// A view through a connection of its own; false when there is none to look at.
std::optional<TlsView> handshake(Examination& run, bool only_tls_1_2) {
    const auto connected = run.web.connect();
    if (connected.broke != Break::kNone) return std::nullopt;
    auto view = look_at_tls(connected.socket, {run.web.place().host, run.settings.ca_file,
                                               only_tls_1_2, run.web.time_left()});
    if (!view) {
        TlsView none;
        none.text = view.error().detail;
        return none;
    }
    return std::move(*view);
}

bool check_tls(Examination& run) {
    const auto view = handshake(run, false);
    if (!view) {
        run.skip("", "the port stopped answering");
        return false;
    }
    run.add(judge_handshake(*view));
    if (!view->done && view->sent.empty()) {
        run.skip("", "tls-handshake failed");
        return false;
    }
    run.add(judge_chain(*view));
    run.add(judge_name(*view, run.web.place().host));
    run.add(judge_validity(*view, run.now));
    run.add(judge_client_certificate(*view));
    if (!view->done) {
        run.skip("", "tls-handshake failed");
        return false;
    }
    if (run.wants("tls-1.2")) {
        if (const auto older = handshake(run, true)) run.add(judge_tls_1_2(*older));
    }
    return true;
}

}  // namespace

bool check_reach(Examination& run) {
    const Place& place = run.web.place();
    const auto connected = run.web.connect();
    if (connected.broke == Break::kNoName) {
        run.fail("name", "a look-up of " + place.host, connected.text,
                 "the name in the URL is wrong, or this machine's name server does not know it");
        run.skip("", "name failed");
        return false;
    }
    run.fine("name", "a look-up of " + place.host, place.host + " is known");
    const std::string what = "a connection to port " + place.port;
    if (connected.broke != Break::kNone) {
        run.fail("port", what, connected.text,
                 "the proxy is not running or listens elsewhere, or a firewall drops it",
                 {{"the proxy", "listen on this address and port; let the firewall pass them"}});
        run.skip("", "port failed");
        return false;
    }
    run.fine("port", what, connected.text + " answers");
    if (place.tls()) {
        run.fine("https", "the URL", "https");
        return check_tls(run);
    }
    run.add({"https",
             Outcome::kWarning,
             "the URL",
             "http",
             "SCEP encrypts its messages itself and needs no TLS, but Android and some MDMs refuse "
             "an http URL, and over http anybody in between can answer GetCACert",
             {{"the proxy", "publish the path by https, too (docs/proxies.md)"}}});
    run.skip("tls-", "the URL is http");
    return true;
}

}  // namespace scepgate::server::doctor

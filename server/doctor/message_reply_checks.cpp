// PKIOperation: the form in which replies come back.
#include "server/doctor/message_checks.hpp"

namespace scepgate::server::doctor {
namespace {

constexpr std::string_view kMessageType = "application/x-pki-message";

}  // namespace

void MessageChecks::check_reply_type() {
    if (!cert_rep_) {
        run_.skip("reply-type", "there was no signed reply");
        return;
    }
    const std::string_view type = cert_rep_->content_type();
    if (type == kMessageType) {
        run_.fine("reply-type", "a PKIOperation", std::string(type));
        return;
    }
    run_.fail("reply-type", "a PKIOperation", type.empty() ? "no type" : std::string(type),
              "it should be application/x-pki-message and nothing more: some clients compare it "
              "literally",
              remedies_for(Fault::kContentType));
}

void MessageChecks::check_reply_cache() {
    if (!run_.wants("reply-cache")) return;
    const std::string sent = "the same GET PKIOperation twice, and others between";
    if (!stale_.empty()) {
        run_.fail("reply-cache", sent, stale_,
                  "a cache in between gives one device's answer to another: it leaves the query "
                  "out of its key",
                  remedies_for(Fault::kCaching));
        return;
    }
    if (!cert_rep_ || spelling_ == nullptr) {
        run_.skip("reply-cache", "there was no signed reply to a GET");
        return;
    }
    auto sealed = seal(kShortMessage);
    if (!sealed) return;
    const Sent once = get(*sealed, spelling_);
    const Sent again = get(std::move(*sealed), spelling_);
    if (once.arrived.arrival != Arrival::kProven || again.arrived.arrival != Arrival::kProven) {
        run_.skip("reply-cache", "there was no signed reply to a GET");
        return;
    }
    // Each reply has a nonce of its own.
    if (once.reply.body == again.reply.body) {
        run_.fail("reply-cache", sent, "the same octets twice, though each reply has a new nonce",
                  "a cache in between keeps answers to messages: a device that polls never sees "
                  "its certificate",
                  remedies_for(Fault::kCaching));
        return;
    }
    const std::string control(once.reply.field("Cache-Control").value_or(""));
    if (control.find("no-store") == std::string::npos) {
        run_.add({"reply-cache", Outcome::kWarning, sent,
                  "two answers; Cache-Control: " + (control.empty() ? "none" : control),
                  "no no-store: the server does not send it, or the proxy drops it, and caches "
                  "further out may keep what devices get",
                  remedies_for(Fault::kCaching)});
        return;
    }
    run_.fine("reply-cache", sent, "two answers; Cache-Control: " + control);
}

void MessageChecks::check_compression() {
    if (!run_.wants("compression")) return;
    const std::string sent = "requests with Accept-Encoding: gzip, deflate, and without";
    if (run_.compressed) {
        run_.fail("compression", sent, *run_.compressed,
                  "devices take the octets as they come, and these are no DER",
                  remedies_for(Fault::kCompression));
        return;
    }
    const std::string offer = "Accept-Encoding: gzip, deflate";
    std::string found;
    Outcome outcome = Outcome::kWarning;
    const auto look = [&](const Reply& reply, const char* what) {
        const auto encoding = reply.field("Content-Encoding");
        if (!encoding || *encoding == "identity") return;
        found += (found.empty() ? "" : "; ") + std::string(what) + ": " + std::string(*encoding);
        const auto control = reply.field("Cache-Control");
        if (control && control->find("no-transform") != std::string_view::npos)
            outcome = Outcome::kFailed;
    };
    look(run_.ask({.target = run_.target("operation=GetCACaps"), .headers = {offer}}), "GetCACaps");
    look(run_.ask({.target = run_.target("operation=GetCACert"), .headers = {offer}}), "GetCACert");
    if (auto sealed = seal(kShortMessage); sealed && run_.capabilities.post) {
        auto headers = plain_post_fields();
        headers.push_back(offer);
        look(post(std::move(*sealed), std::move(headers)).reply, "PKIOperation");
    }
    if (found.empty()) {
        run_.fine("compression", sent, "none compressed");
        return;
    }
    run_.add({"compression", outcome, sent, found,
              outcome == Outcome::kFailed
                  ? "compressed in between although the server says no-transform"
                  : "compressed for clients that offer it; some offer it and cannot",
              remedies_for(Fault::kCompression)});
}

}  // namespace scepgate::server::doctor

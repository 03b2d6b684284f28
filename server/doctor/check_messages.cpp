// PKIOperation: messages that every server refuses, in all ways in which devices send them.
#include <algorithm>
#include <sstream>

#include "server/doctor/examination.hpp"
#include "server/doctor/judge_answer.hpp"

namespace scepgate::server::doctor {
namespace {

constexpr std::string_view kOperation = "operation=PKIOperation";
constexpr std::string_view kMessageType = "application/x-pki-message";
constexpr std::size_t kShort = 512;
constexpr double kSlowSeconds = 5;

std::string seconds_text(double seconds) {
    std::ostringstream text;
    text.precision(2);
    text << std::fixed << seconds << " s";
    return text.str();
}

/// The state that the checks of messages share.
class MessageChecks {
public:
    MessageChecks(Examination& run, Messages messages) : run_(run), messages_(std::move(messages)) {
        messages_.use(run.capabilities);
    }

    void run_all() {
        check_post();
        check_get();
        check_reply_type();
        check_reply_cache();
        check_compression();
    }

private:
    struct Sent {
        Sealed sealed;
        Reply reply;
        Arrived arrived;
    };

    std::string get_target(const Sealed& sealed, Messages::Spelling spell) const {
        return run_.target(std::string(kOperation) + "&message=" + spell(to_base64(sealed.der)));
    }
    Sent judged(Sealed sealed, Reply reply) {
        auto arrived = judge_arrival(reply, sealed.request, run_.cas, first_ ? &*first_ : nullptr);
        if (arrived.arrival == Arrival::kLost && reply.came() && is_static(reply)) {
            arrived = {Arrival::kStale, "the answer to another operation came"};
        }
        if (arrived.arrival == Arrival::kStale && stale_.empty()) stale_ = arrived.detail;
        return {std::move(sealed), std::move(reply), std::move(arrived)};
    }
    bool is_static(const Reply& reply) const {
        const auto& bodies = run_.ca_bodies;
        return reply.status == 200 &&
               (reply.body == run_.capabilities_reply.body ||
                std::find(bodies.begin(), bodies.end(), reply.body) != bodies.end());
    }
    Sent get(Sealed sealed, Messages::Spelling spell) {
        const std::string target = get_target(sealed, spell);
        Reply reply = run_.ask({.target = target});
        return judged(std::move(sealed), std::move(reply));
    }
    Sent post(Sealed sealed, std::vector<std::string> headers, bool chunked = false) {
        Reply reply = run_.ask({.target = run_.target(kOperation),
                                .post = true,
                                .chunked = chunked,
                                .body = sealed.der,
                                .headers = std::move(headers)});
        return judged(std::move(sealed), std::move(reply));
    }
    std::optional<Sealed> seal(std::size_t content) {
        auto sealed = messages_.seal(content);
        return sealed ? std::optional(std::move(*sealed)) : std::nullopt;
    }

    bool take_first(std::string_view id, const std::string& sent, Sent first);
    void check_post();
    void check_post_form(std::string_view id, const std::string& what, std::size_t content,
                         std::vector<std::string> headers, bool chunked, Outcome otherwise,
                         Fault fault);
    void check_get();
    void check_long_get(Messages::Spelling spell);
    void check_reply_type();
    void check_reply_cache();
    void check_compression();

    Examination& run_;
    Messages messages_;
    std::optional<Reply> first_;  ///< the answer that others are compared with
    std::optional<Reply> cert_rep_;
    Messages::Spelling spelling_ = nullptr;  ///< one that arrives
    std::string stale_;
};

const std::vector<std::string> kPlainPost = {"Content-Type: application/x-pki-message", "Expect:"};

/// What an answer that is not proven to be the server's can be; true when it may serve as measure
/// for the others.
bool MessageChecks::take_first(std::string_view id, const std::string& sent, Sent first) {
    switch (first.arrived.arrival) {
        case Arrival::kProven:
            run_.fine(id, sent, first.arrived.detail + ", in " + seconds_text(first.reply.seconds));
            cert_rep_ = first.reply;
            break;
        case Arrival::kAlike:
            run_.fine(id, sent, first.arrived.detail);
            break;
        case Arrival::kStale:
            run_.fail(id, sent, first.arrived.detail, "a cache in between gives it away",
                      remedies_for(Fault::kCaching));
            break;
        case Arrival::kStranger:
            run_.fail(id, sent, first.arrived.detail,
                      "the server that answers signs with another certificate than GetCACert "
                      "names: several servers behind the name, or a GetCACert from a cache",
                      remedies_for(Fault::kNodes));
            break;
        case Arrival::kLost: {
            auto obstacle = obstacle_in(first.reply);
            if (id == "post" && (first.reply.status == 403 || first.reply.status == 405)) {
                obstacle = Obstacle{"POST is not allowed there, though it is offered",
                                    remedies_for(Fault::kPost)};
            }
            const bool server_may_say_so = first.reply.came() && !is_page(first.reply) &&
                                           (first.reply.status == 200 ||
                                            first.reply.status == 400 || first.reply.status == 500);
            if (!server_may_say_so) {
                run_.fail(id, sent, first.arrived.detail, obstacle ? obstacle->cause : "",
                          obstacle ? obstacle->remedies : Remedies());
                return false;
            }
            run_.add(
                {std::string(id),
                 Outcome::kWarning,
                 sent,
                 first.arrived.detail,
                 "RFC 8894 wants a signed refusal for a message that cannot be decrypted; this "
                 "server, or something before it, answers otherwise. What follows is compared "
                 "with this answer",
                 {}});
            break;
        }
    }
    if (!first_) first_ = std::move(first.reply);
    return true;
}

void MessageChecks::check_post() {
    if (!run_.capabilities.post) {
        run_.skip("post", "POSTPKIOperation is not offered");
        return;
    }
    auto sealed = seal(kShort);
    if (!sealed) return;
    const std::string sent = "POST of a message that nobody can decrypt, " +
                             std::to_string(sealed->der.size()) + " octets";
    if (!take_first("post", sent, post(std::move(*sealed), kPlainPost))) {
        run_.skip("post-", "post failed");
        return;
    }
    check_post_form("post-no-type", "without Content-Type", kShort, {"Content-Type:", "Expect:"},
                    false, Outcome::kWarning, Fault::kPost);
    check_post_form("post-expect", "with Expect: 100-continue", kShort,
                    {kPlainPost[0], "Expect: 100-continue"}, false, Outcome::kFailed, Fault::kPost);
    check_post_form("post-chunked", "in chunks, without Content-Length", kShort, kPlainPost, true,
                    Outcome::kWarning, Fault::kChunked);
    check_post_form("post-64k", "of 64 KiB", (64 << 10) - 2048, kPlainPost, false, Outcome::kFailed,
                    Fault::kLargeBody);
    check_post_form("post-1m", "of 1 MB", 1'000'000 - 2048, kPlainPost, false, Outcome::kWarning,
                    Fault::kLargeBody);
}

void MessageChecks::check_post_form(std::string_view id, const std::string& what,
                                    std::size_t content, std::vector<std::string> headers,
                                    bool chunked, Outcome otherwise, Fault fault) {
    if (!run_.wants(id)) return;
    auto sealed = seal(content);
    if (!sealed) return;
    const std::string sent = "POST " + what + ", " + std::to_string(sealed->der.size()) + " octets";
    const Sent done = post(std::move(*sealed), std::move(headers), chunked);
    if (done.arrived.whole()) {
        run_.fine(id, sent, done.arrived.detail);
        return;
    }
    auto obstacle = fault == Fault::kLargeBody
                        ? std::optional(obstacle_of_length(done.reply, fault))
                        : obstacle_in(done.reply);
    run_.add({std::string(id), otherwise, sent, done.arrived.detail,
              obstacle ? obstacle->cause : "another answer than to a plain POST",
              obstacle && !obstacle->remedies.empty() ? obstacle->remedies : remedies_for(fault)});
}

void MessageChecks::check_get() {
    struct Form {
        Messages::Spelling spell;
        const char* what;
    };
    constexpr Form kForms[] = {{&spell_escaped, "%2B %2F %3D"},
                               {&spell_lower_case, "%2b %2f %3d (lower case)"},
                               {&spell_raw, "+ / = (Java, Apple)"},
                               {&spell_lines, "lines of 64, %0A between (Cisco, strongSwan)"}};
    std::string lost;
    std::optional<Sent> best;
    std::optional<Sent> worst;
    for (const Form& form : kForms) {
        auto sealed = seal(kShort);
        if (!sealed) return;
        Sent done = get(std::move(*sealed), form.spell);
        if (done.arrived.arrival == Arrival::kLost) {
            // Without a POST before it, this may be the server's own way to refuse.
            lost +=
                (lost.empty() ? "" : "; ") + std::string(form.what) + ": " + done.arrived.detail;
            if (!worst) worst = std::move(done);
            continue;
        }
        if (spelling_ == nullptr) {
            spelling_ = form.spell;
            best = std::move(done);
        }
    }
    const std::string sent = "GET with a message that nobody can decrypt";
    if (best) {
        take_first("get", sent, std::move(*best));
    } else if (worst && !first_) {
        // Nothing to compare with: the server's own answer, as far as it can be seen.
        if (take_first("get", sent, std::move(*worst))) spelling_ = &spell_escaped;
        lost.clear();
    } else if (worst) {
        const Obstacle obstacle = obstacle_of_length(worst->reply, Fault::kLongLine);
        run_.fail("get", sent, worst->arrived.detail,
                  "no GET arrives as POST does: " + obstacle.cause + ", or the query is changed",
                  obstacle.remedies);
    }
    if (spelling_ == nullptr) {
        run_.skip("query-", "get failed");
        run_.skip("long-", "get failed");
        return;
    }
    const std::string spelled = "base64 in the query as devices write it, in four ways";
    if (lost.empty()) {
        run_.fine("query-escapes", spelled, "each arrived whole");
    } else {
        run_.fail("query-escapes", spelled, lost,
                  "the query is decoded and encoded anew in between, or the server itself does not "
                  "read these forms",
                  remedies_for(Fault::kQuery));
    }
    check_long_get(spelling_);
}

void MessageChecks::check_long_get(Messages::Spelling spell) {
    if (!run_.wants("long-get")) return;
    // Intune's clients reach 40 KB.
    constexpr std::size_t kNeeded = 40;
    std::size_t arrived = 0;
    for (const std::size_t kibibytes : {4UL, 8UL, 16UL, 40UL, 64UL}) {
        const auto sealed = messages_.seal_to(kibibytes << 10, spell);
        if (!sealed) return;
        const std::size_t line = get_target(*sealed, spell).size();
        const Sent done = get(*sealed, spell);
        if (done.arrived.whole() ||
            (done.arrived.arrival != Arrival::kLost && done.reply.status == 200)) {
            arrived = line;
            continue;
        }
        const Obstacle obstacle = obstacle_of_length(done.reply, Fault::kLongLine);
        run_.add({"long-get", kibibytes <= kNeeded ? Outcome::kFailed : Outcome::kWarning,
                  "GETs with messages of up to " + std::to_string(kibibytes) + " KiB",
                  "the longest request line that arrived: " + std::to_string(arrived) +
                      " octets; at " + std::to_string(line) + ": " + in_words(done.reply),
                  obstacle.cause, obstacle.remedies});
        return;
    }
    run_.fine("long-get", "GETs with messages of up to 64 KiB",
              "all arrived, the longest request line of " + std::to_string(arrived) + " octets");
}

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
    auto sealed = seal(kShort);
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
    if (auto sealed = seal(kShort); sealed && run_.capabilities.post) {
        auto headers = kPlainPost;
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

void check_time(Examination& run) {
    const double slowest = run.web.slowest();
    const std::string came = "the slowest answer took " + seconds_text(slowest);
    if (slowest < kSlowSeconds) {
        run.fine("time", "all requests above", came);
        return;
    }
    run.add({"time", Outcome::kWarning, "all requests above", came,
             "devices give up after about 30 s, and an enrolment takes longer than these: the "
             "server behind is busy, or the proxy waits for it",
             remedies_for(Fault::kUpstream)});
}

}  // namespace

void check_messages(Examination& run) {
    auto messages = Messages::make(run.now);
    if (messages) {
        MessageChecks(run, std::move(*messages)).run_all();
    } else {
        run.skip("", messages.error().detail);
    }
    check_time(run);
}

}  // namespace scepgate::server::doctor

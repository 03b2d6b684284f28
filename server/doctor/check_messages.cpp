// PKIOperation: messages that every server refuses, in all ways in which devices send them.
#include <algorithm>
#include <sstream>

#include "server/doctor/message_checks.hpp"

namespace scepgate::server::doctor {
namespace {

constexpr std::string_view kOperation = "operation=PKIOperation";
constexpr double kSlowSeconds = 5;

std::string seconds_text(double seconds) {
    std::ostringstream text;
    text.precision(2);
    text << std::fixed << seconds << " s";
    return text.str();
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

const std::vector<std::string>& plain_post_fields() {
    static const std::vector<std::string> fields = {"Content-Type: application/x-pki-message",
                                                    "Expect:"};
    return fields;
}

MessageChecks::MessageChecks(Examination& run, Messages messages)
    : run_(run), messages_(std::move(messages)) {
    messages_.use(run.capabilities);
}

void MessageChecks::run_all() {
    check_post();
    check_get();
    check_reply_type();
    check_reply_cache();
    check_compression();
}

std::string MessageChecks::get_target(const Sealed& sealed, Messages::Spelling spell) const {
    return run_.target(std::string(kOperation) + "&message=" + spell(to_base64(sealed.der)));
}

MessageChecks::Sent MessageChecks::judged(Sealed sealed, Reply reply) {
    auto arrived = judge_arrival(reply, sealed.request, run_.cas, first_ ? &*first_ : nullptr);
    if (arrived.arrival == Arrival::kLost && reply.came() && is_static(reply)) {
        arrived = {Arrival::kStale, "the answer to another operation came"};
    }
    if (arrived.arrival == Arrival::kStale && stale_.empty()) stale_ = arrived.detail;
    return {std::move(sealed), std::move(reply), std::move(arrived)};
}

bool MessageChecks::is_static(const Reply& reply) const {
    const auto& bodies = run_.ca_bodies;
    return reply.status == 200 &&
           (reply.body == run_.capabilities_reply.body ||
            std::find(bodies.begin(), bodies.end(), reply.body) != bodies.end());
}

MessageChecks::Sent MessageChecks::get(Sealed sealed, Messages::Spelling spell) {
    const std::string target = get_target(sealed, spell);
    Reply reply = run_.ask({.target = target});
    return judged(std::move(sealed), std::move(reply));
}

MessageChecks::Sent MessageChecks::post(Sealed sealed, std::vector<std::string> headers,
                                        bool chunked) {
    Reply reply = run_.ask({.target = run_.target(kOperation),
                            .post = true,
                            .chunked = chunked,
                            .body = sealed.der,
                            .headers = std::move(headers)});
    return judged(std::move(sealed), std::move(reply));
}

std::optional<Sealed> MessageChecks::seal(std::size_t content) {
    auto sealed = messages_.seal(content);
    return sealed ? std::optional(std::move(*sealed)) : std::nullopt;
}

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
    auto sealed = seal(kShortMessage);
    if (!sealed) return;
    const std::string sent = "POST of a message that nobody can decrypt, " +
                             std::to_string(sealed->der.size()) + " octets";
    if (!take_first("post", sent, post(std::move(*sealed), plain_post_fields()))) {
        run_.skip("post-", "post failed");
        return;
    }
    const auto& plain = plain_post_fields();
    check_post_form({.id = "post-no-type",
                     .what = "without Content-Type",
                     .headers = {"Content-Type:", "Expect:"},
                     .otherwise = Outcome::kWarning,
                     .senders = "clients older than RFC 8894 name no Content-Type"});
    check_post_form({.id = "post-expect",
                     .what = "with Expect: 100-continue",
                     .headers = {plain[0], "Expect: 100-continue"},
                     .senders = "clients that use .NET or libcurl ask so"});
    check_post_form({.id = "post-chunked",
                     .what = "in chunks, without Content-Length",
                     .headers = plain,
                     .chunked = true,
                     .otherwise = Outcome::kWarning,
                     .fault = Fault::kChunked,
                     .senders = "clients and proxies that stream a body name no length"});
    check_post_form({.id = "post-64k",
                     .what = "of 64 KiB",
                     .content = (64 << 10) - 2048,
                     .headers = plain,
                     .fault = Fault::kLargeBody});
    check_post_form({.id = "post-1m",
                     .what = "of 1 MB",
                     .content = 1'000'000 - 2048,
                     .headers = plain,
                     .otherwise = Outcome::kWarning,
                     .fault = Fault::kLargeBody});
}

void MessageChecks::check_post_form(const PostForm& form) {
    if (!run_.wants(form.id)) return;
    auto sealed = seal(form.content);
    if (!sealed) return;
    const std::string sent =
        "POST " + form.what + ", " + std::to_string(sealed->der.size()) + " octets";
    const Sent done = post(std::move(*sealed), form.headers, form.chunked);
    if (done.arrived.whole()) {
        run_.fine(form.id, sent, done.arrived.detail);
        return;
    }
    auto obstacle = form.fault == Fault::kLargeBody
                        ? std::optional(obstacle_of_length(done.reply, form.fault))
                        : obstacle_in(done.reply);
    std::string cause = obstacle ? obstacle->cause : "another answer than to a plain POST";
    if (!form.senders.empty()) cause += "; " + std::string(form.senders);
    run_.add(
        {std::string(form.id), form.otherwise, sent, done.arrived.detail, std::move(cause),
         obstacle && !obstacle->remedies.empty() ? obstacle->remedies : remedies_for(form.fault)});
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
        auto sealed = seal(kShortMessage);
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

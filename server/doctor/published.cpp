#include "server/doctor/published.hpp"

#include "server/config_ca_urls.hpp"
#include "server/doctor/judge_answer.hpp"
#include "server/doctor/judge_published.hpp"

namespace scepgate::server::doctor {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// A CRL of a million certificates is shorter.
constexpr std::size_t kLargestFile = std::size_t{64} << 20;

/// One run over all places, with one end.
class UrlRun {
public:
    UrlRun(const ExaminationSettings& settings, std::int64_t now)
        : settings_(settings), now_(now), end_(SteadyClock::now() + settings.limits.all) {}

    void ask_all(const PublishingCa& ca) {
        const auto crl = [&](CrlKind kind) {
            return [this, &ca, kind](const Reply& reply) {
                return judge_published_crl(reply.body, ca.certificate, kind, now_);
            };
        };
        ask_each("url-ca", ca, ca.ca_issuers_urls, {}, [&](const Reply& reply) {
            return judge_published_ca(reply.body, ca.certificate);
        });
        ask_each("url-crl", ca, ca.crl_urls, {}, crl(CrlKind::kComplete));
        ask_each("url-delta-crl", ca, ca.freshest_crl_urls, {}, crl(CrlKind::kDelta));
        if (ca.ocsp_urls.empty()) return ask_each("url-ocsp", ca, {}, {}, {});
        const auto question = OcspQuestion::about_nothing(ca.certificate);
        if (!question) {
            findings.push_back({"url-ocsp",
                                Outcome::kSkipped,
                                "",
                                "",
                                ca.name + ": " + question.error().detail,
                                {}});
            return;
        }
        ask_each("url-ocsp", ca, ca.ocsp_urls, question->der(),
                 [&](const Reply& reply) { return question->judge(reply.body); });
    }

    std::vector<Finding> findings;

private:
    using Judge = std::function<Verdict(const Reply&)>;

    void skip(std::string_view id, std::string because) {
        findings.push_back({std::string(id), Outcome::kSkipped, "", "", std::move(because), {}});
    }

    void ask_each(std::string_view id, const PublishingCa& ca, const std::vector<std::string>& urls,
                  const Bytes& body, const Judge& judge) {
        if (settings_.skip.contains(std::string(id))) return skip(id, "left out (--skip)");
        if (urls.empty()) return skip(id, ca.name + ": its certificates name none");
        for (const std::string& url : urls)
            ask_one(id, ca.name + ": " + url, url, body, judge);
    }

    void ask_one(std::string_view id, const std::string& where, const std::string& url,
                 const Bytes& body, const Judge& judge) {
        const auto place = Place::of(url);
        if (!place || place->scheme != "http")
            return skip(id, where + ": only http is asked; look there by hand");
        Finding finding;
        finding.id = id;
        finding.sent = (body.empty() ? "GET " : "POST ") + url;
        const Reply reply = fetch(*place, body);
        if (const auto obstacle =
                reply.status == 200 && reply.came() ? std::nullopt : obstacle_at(reply)) {
            finding.outcome = Outcome::kFailed;
            finding.came = where + ": " + in_words(reply);
            finding.cause = obstacle->cause;
            finding.remedies = obstacle->remedies;
        } else {
            Verdict verdict = judge(reply);
            finding.outcome = verdict.outcome;
            finding.came = where + ": " + verdict.came;
            finding.cause = std::move(verdict.cause);
            finding.remedies = std::move(verdict.remedies);
        }
        findings.push_back(std::move(finding));
    }

    Reply fetch(const Place& place, const Bytes& body) const {
        ExchangeLimits limits = settings_.limits;
        limits.all =
            std::chrono::duration_cast<std::chrono::milliseconds>(end_ - SteadyClock::now());
        limits.largest = kLargestFile;
        Exchange web(place, limits);
        Request request;
        request.target = place.path + (place.query.empty() ? "" : "?" + place.query);
        if (!body.empty()) {
            request.post = true;
            request.body = body;
            request.headers = {"Content-Type: application/ocsp-request", "Expect:"};
        }
        return web.ask(request);
    }

    /// What stands in the way, in the words of whoever follows a certificate's URL.
    static std::optional<Obstacle> obstacle_at(const Reply& reply) {
        const Remedy host{"DNS and firewall",
                          "the URL's host has to be known and reached from where certificates are "
                          "verified"};
        const Remedy change{"scepgate",
                            "serve the path (docs/revocation.md), or name another place: the URL "
                            "stays in the certificates that have it until they expire"};
        if (reply.broke == Break::kNoName || reply.broke == Break::kNoConnection ||
            reply.broke == Break::kTimeout) {
            return Obstacle{
                "nobody answers there: verifiers wait, then refuse the certificates or "
                "do not know what was revoked",
                {host, change}};
        }
        if (reply.broke == Break::kTooMuch)
            return Obstacle{"more than 64 MiB: another file is there", {change}};
        if (reply.came() && (reply.status == 404 || reply.status == 405))
            return Obstacle{"nothing of the kind is there", {change}};
        auto obstacle = obstacle_in(reply);
        return obstacle ? obstacle : Obstacle{"no answer that verifiers take", {change}};
    }

    const ExaminationSettings& settings_;
    const std::int64_t now_;
    const SteadyClock::time_point end_;
};

}  // namespace

std::vector<PublishingCa> publishing_cas(const Config& config, ConfigFaults& faults,
                                         std::vector<Finding>& findings) {
    std::vector<PublishingCa> cas;
    const auto skip = [&](const std::string& because) {
        findings.push_back({"url-ca", Outcome::kSkipped, "", "", because, {}});
    };
    for (const auto& each : config.cas) {
        const std::string& name = each.first;
        const CaConfig& ca = each.second;
        if (ca.signer) {
            skip(name + ": its signer writes the URLs: give --config the signer's file");
            continue;
        }
        const auto certificate = certs::Certificate::from_file(ca.certificate);
        if (!certificate) {
            skip(name + ": it has no certificate yet: " + certificate.error().detail);
            continue;
        }
        auto names = ca_url_names(ca, *certificate);
        const auto expand = [&](const std::vector<std::string>& urls, const char* key) {
            return expand_ca_urls(urls, names, ca.json_path + '.' + key, faults);
        };
        PublishingCa made{name, *certificate, {}, {}, {}, {}};
        made.ca_issuers_urls = expand(ca.ca_issuers_urls, "ca_issuers_urls");
        made.crl_urls = expand(ca.crl_urls, "crl_urls");
        made.ocsp_urls = expand(ca.ocsp_urls, "ocsp_urls");
        names.delta = true;
        made.freshest_crl_urls = expand(ca.freshest_crl_urls, "freshest_crl_urls");
        cas.push_back(std::move(made));
    }
    return cas;
}

std::vector<Finding> examine_urls(const std::vector<PublishingCa>& cas,
                                  const ExaminationSettings& settings, std::int64_t now) {
    UrlRun run(settings, now);
    for (const PublishingCa& ca : cas)
        run.ask_all(ca);
    return std::move(run.findings);
}

}  // namespace scepgate::server::doctor

#include "server/doctor/examination.hpp"

#include <algorithm>

namespace scepgate::server::doctor {

Examination::Examination(Place place, ExaminationSettings with, std::int64_t at)
    : web(std::move(place), with.limits), settings(std::move(with)), now(at) {}

bool Examination::has(std::string_view id) const {
    return std::any_of(findings_.begin(), findings_.end(),
                       [&](const Finding& finding) { return finding.id == id; });
}

bool Examination::wants(std::string_view id) const {
    return !settings.skip.contains(std::string(id));
}

void Examination::add(Finding finding) {
    if (!wants(finding.id)) return;
    findings_.push_back(std::move(finding));
}

void Examination::fail(std::string_view id, std::string sent, std::string came, std::string cause,
                       Remedies remedies) {
    add({std::string(id), Outcome::kFailed, std::move(sent), std::move(came), std::move(cause),
         std::move(remedies)});
}

void Examination::fine(std::string_view id, std::string sent, std::string came) {
    add({std::string(id), Outcome::kOk, std::move(sent), std::move(came), "", {}});
}

void Examination::skip(std::string_view beginning, const std::string& because) {
    for (const std::string_view id : kChecks) {
        if (id.starts_with(beginning) && wants(id) && !has(id))
            add({std::string(id), Outcome::kSkipped, "", "", because, {}});
    }
}

Reply Examination::ask(const Request& request) {
    Reply reply = web.ask(request);
    const auto encoding = reply.field("Content-Encoding");
    const bool offered =
        std::any_of(request.headers.begin(), request.headers.end(),
                    [](const std::string& line) { return line.starts_with("Accept-Encoding:"); });
    if (encoding && *encoding != "identity" && !offered) {
        compressed = "Content-Encoding: " + std::string(*encoding) + " though none was asked for";
    }
    return reply;
}

std::string Examination::target(std::string_view query) const {
    return web.place().target(web.place().path, query);
}

std::vector<Finding> Examination::findings() const {
    std::vector<Finding> ordered;
    for (const std::string_view id : kChecks) {
        const auto found = std::find_if(findings_.begin(), findings_.end(),
                                        [&](const Finding& finding) { return finding.id == id; });
        if (found != findings_.end()) {
            ordered.push_back(*found);
        } else {
            ordered.push_back(
                {std::string(id), Outcome::kSkipped, "", "", "left out (--skip)", {}});
        }
    }
    return ordered;
}

std::vector<Finding> examine(const Place& place, const ExaminationSettings& settings,
                             std::int64_t now) {
    Examination run(place, settings, now);
    if (check_reach(run) && check_static(run)) check_messages(run);
    run.skip("", "nothing was there to check");
    return run.findings();
}

}  // namespace scepgate::server::doctor

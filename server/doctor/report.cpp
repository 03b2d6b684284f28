#include "server/doctor/report.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>

#include <nlohmann/json.hpp>

#include "server/text_escape.hpp"

namespace scepgate::server::doctor {
namespace {

constexpr Outcome kOutcomes[] = {Outcome::kOk, Outcome::kWarning, Outcome::kFailed,
                                 Outcome::kSkipped};

void write_line(std::ostream& out, std::string_view what, const std::string& text) {
    if (!text.empty()) out << "           " << what << ": " << printable(text) << '\n';
}

void write_finding(const Finding& finding, std::ostream& out) {
    out << std::left << std::setw(9) << to_text(finding.outcome) << std::setw(24) << finding.id;
    if (finding.outcome == Outcome::kSkipped) {
        out << printable(finding.cause) << '\n';
        return;
    }
    out << printable(finding.came) << '\n';
    if (finding.outcome == Outcome::kOk) return;
    write_line(out, "sent", finding.sent);
    write_line(out, "cause", finding.cause);
    for (const Remedy& remedy : finding.remedies)
        write_line(out, remedy.where, remedy.setting);
}

}  // namespace

std::string_view to_text(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::kOk:
            return "ok";
        case Outcome::kWarning:
            return "warning";
        case Outcome::kFailed:
            return "failed";
        case Outcome::kSkipped:
            break;
    }
    return "skipped";
}

std::size_t Report::count(Outcome outcome) const noexcept {
    return static_cast<std::size_t>(
        std::count_if(findings.begin(), findings.end(),
                      [&](const Finding& finding) { return finding.outcome == outcome; }));
}

void write_text(const Report& report, std::ostream& out) {
    for (const Finding& finding : report.findings)
        write_finding(finding, out);
    const bool both = !report.url.empty() && !report.config.empty();
    out << '\n' << report.url << (both ? ", " : "") << report.config << ": ";
    const char* between = "";
    for (const Outcome outcome : kOutcomes) {
        out << between << report.count(outcome) << ' ' << to_text(outcome);
        between = ", ";
    }
    out << '\n';
}

nlohmann::ordered_json to_json(const Report& report) {
    nlohmann::ordered_json checks = nlohmann::ordered_json::array();
    for (const Finding& finding : report.findings) {
        nlohmann::ordered_json remedies = nlohmann::ordered_json::array();
        for (const Remedy& remedy : finding.remedies)
            remedies.push_back({{"where", remedy.where}, {"setting", remedy.setting}});
        checks.push_back({{"id", finding.id},
                          {"outcome", to_text(finding.outcome)},
                          {"sent", finding.sent},
                          {"came", finding.came},
                          {"cause", finding.cause},
                          {"remedies", std::move(remedies)}});
    }
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    if (!report.url.empty()) json["url"] = report.url;
    if (!report.config.empty()) json["config"] = report.config;
    for (const Outcome outcome : kOutcomes)
        json[std::string(to_text(outcome))] = report.count(outcome);
    json["checks"] = std::move(checks);
    return json;
}

}  // namespace scepgate::server::doctor

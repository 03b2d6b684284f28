#include <algorithm>
#include <csignal>
#include <iostream>

#include "certs/clock.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/connection.hpp"
#include "server/cli/support.hpp"
#include "server/doctor/published.hpp"

namespace scepgate::server::cli {
namespace {

struct DoctorOptions {
    std::string url, config, ca_file;
    std::vector<std::string> skip;
    int seconds = 10;
    bool json = false;
};

CLI::Validator a_check() {
    return {[](std::string& text) {
                std::vector<std::string_view> all(doctor::kChecks.begin(), doctor::kChecks.end());
                all.insert(all.end(), doctor::kUrlChecks.begin(), doctor::kUrlChecks.end());
                if (std::find(all.begin(), all.end(), text) != all.end()) return std::string();
                std::string known;
                for (const std::string_view each : all)
                    known += (known.empty() ? "" : ", ") + std::string(each);
                return "'" + text + "' is no check; there are " + known;
            },
            ""};
}

void add(std::vector<doctor::Finding>& findings, std::vector<doctor::Finding> more) {
    findings.insert(findings.end(), std::make_move_iterator(more.begin()),
                    std::make_move_iterator(more.end()));
}

int examine(const DoctorOptions& options) {
    if (options.url.empty() && options.config.empty())
        return complain(kUsage, "give --url, --config or both (see 'scepgate doctor --help')");
    if (!options.ca_file.empty()) {
        const auto known = certs::Certificate::all_from_file(options.ca_file);
        if (!known) return complain(kUsage, "--ca: " + known.error().detail);
    }
    doctor::ExaminationSettings settings;
    settings.ca_file = options.ca_file;
    settings.skip = {options.skip.begin(), options.skip.end()};
    settings.limits.each = std::chrono::seconds(options.seconds);
    // A server that hangs up in the middle of a handshake.
    std::signal(SIGPIPE, SIG_IGN);
    const std::int64_t now = certs::SystemClock().now();
    doctor::Report report{without_credentials(options.url), options.config, {}};
    std::vector<doctor::PublishingCa> cas;
    std::vector<doctor::Finding> not_asked;
    if (!options.config.empty()) {
        ConfigFaults faults;
        const Config config = load_config(options.config, faults);
        if (!faults.has_errors()) cas = doctor::publishing_cas(config, faults, not_asked);
        if (faults.has_errors()) {
            print_faults(faults);
            return kUsage;
        }
    }
    if (!options.url.empty()) {
        const auto place = doctor::Place::of(options.url);
        if (!place) return complain(place.error());
        add(report.findings, doctor::examine(*place, settings, now));
    }
    add(report.findings, std::move(not_asked));
    add(report.findings, doctor::examine_urls(cas, settings, now));
    if (options.json) {
        print_json(to_json(report));
    } else {
        write_text(report, std::cout);
    }
    return report.failed() ? kFailed : kSuccess;
}

}  // namespace

void add_doctor(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand(
        "doctor",
        "Ask a published URL everything a device would, and name what the proxy in between breaks. "
        "Some 40 requests in a few seconds, to any SCEP server; nothing is enrolled or used up: "
        "messages are encrypted to a key that the server does not have. The server logs their "
        "refusals. With --config it asks, too, for what certificates point to: CRLs, OCSP, the "
        "CA's certificate. No proxy of the environment is used. Exit status 1: a check failed.");
    auto options = std::make_shared<DoctorOptions>();
    command->add_option("--url", options->url, "The SCEP URL as devices have it")
        ->transform(a_scep_url())
        ->type_name("");
    command
        ->add_option("--config", options->config,
                     "A server's or signer's configuration, whose CAs' URLs are asked")
        ->type_name("FILE");
    command
        ->add_option("--ca", options->ca_file,
                     "PEM to trust for https instead of the system's roots")
        ->type_name("FILE");
    command->add_option("--skip", options->skip, "A check to leave out (repeatable)")
        ->check(a_check())
        ->type_name("CHECK");
    command->add_option("--timeout", options->seconds, "Seconds for each answer; 120 for the whole")
        ->check(CLI::Range(1, 60))
        ->capture_default_str()
        ->type_name("N");
    command->add_flag("--json", options->json, "Print the findings as JSON");
    command->callback([&status, options] { status = examine(*options); });
}

}  // namespace scepgate::server::cli

#include <algorithm>
#include <csignal>
#include <iostream>

#include "certs/clock.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/connection.hpp"
#include "server/cli/support.hpp"
#include "server/doctor/examination.hpp"

namespace scepgate::server::cli {
namespace {

struct DoctorOptions {
    std::string url, ca_file;
    std::vector<std::string> skip;
    int seconds = 10;
    bool json = false;
};

CLI::Validator a_check() {
    return {[](std::string& text) {
                const auto& all = doctor::kChecks;
                if (std::find(all.begin(), all.end(), text) != all.end()) return std::string();
                std::string known;
                for (const std::string_view each : all)
                    known += (known.empty() ? "" : ", ") + std::string(each);
                return "'" + text + "' is no check; there are " + known;
            },
            ""};
}

int examine(const DoctorOptions& options) {
    const auto place = doctor::Place::of(options.url);
    if (!place) return complain(place.error());
    if (!options.ca_file.empty()) {
        const auto known = certs::Certificate::all_from_file(options.ca_file);
        if (!known) return complain(kUsage, "--ca: " + known.error().detail);
    }
    doctor::ExaminationSettings settings;
    settings.ca_file = options.ca_file;
    settings.skip = {options.skip.begin(), options.skip.end()};
    // A server that hangs up in the middle of a handshake.
    std::signal(SIGPIPE, SIG_IGN);
    settings.limits.each = std::chrono::seconds(options.seconds);
    const doctor::Report report{without_credentials(options.url),
                                doctor::examine(*place, settings, certs::SystemClock().now())};
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
        "refusals. No proxy of the environment is used. Exit status 1: a check failed.");
    auto options = std::make_shared<DoctorOptions>();
    command->add_option("--url", options->url, "The SCEP URL as devices have it")
        ->required()
        ->transform(a_scep_url())
        ->type_name("");
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

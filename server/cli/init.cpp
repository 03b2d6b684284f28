#include <iostream>

#include "certs/clock.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/lab.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

struct Options {
    std::string directory;
    std::string ca_key = "rsa:2048";
    std::string policy = "challenge_blob";
    LabSettings lab;
};

int init(Options& options) {
    if (options.policy == "one_time") {
        return complain(kUsage,
                        "--policy one_time: one-time passwords are not built yet; use "
                        "challenge_blob or static");
    }
    const auto key = certs::KeySpec::parse(options.ca_key);
    if (!key) return complain(kUsage, "--ca-key: " + key.error().detail);
    options.lab.directory = options.directory;
    options.lab.ca_key = *key;
    options.lab.policy = options.policy;
    const auto made = make_lab(options.lab, certs::SystemClock().now());
    if (!made) return complain(kFailed, made.error().detail);

    const std::string config = (options.lab.directory / "scepgate.json").string();
    std::cout << "A lab is ready in " << options.directory
              << ": CA, RA certificates, policy, database, "
              << "configuration.\n\n"
              << "Serve:              scepgate serve --config " << config << '\n';
    if (options.policy == "challenge_blob") {
        std::cout << "Make a challenge:   scepgate challenge create --config " << config
                  << " --subject CN=device1 > challenge\n"
                  << "Enrol with it:      scepgate enroll --url http://" << options.lab.listen
                  << "/scep --challenge-file challenge --subject CN=device1 --out device1\n";
    } else {
        std::cout << "Enrol:              scepgate enroll --url http://" << options.lab.listen
                  << "/scep"
                  << (options.policy == "static"
                          ? " --challenge-file " +
                                (options.lab.directory / "challenge-password").string()
                          : " --challenge none")
                  << " --subject CN=device1 --out device1\n";
    }
    return kSuccess;
}

}  // namespace

void add_init(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand(
        "init",
        "Make a working lab in one step: a CA, RA certificates, the MDM's challenge signing key, "
        "a database and DIR/scepgate.json. Keys are readable by their owner only. Nothing that "
        "exists is overwritten.");
    auto options = std::make_shared<Options>();
    command->add_option("DIR", options->directory, "The folder to make")->required();
    command
        ->add_option("--ca-key", options->ca_key,
                     "rsa:2048, rsa:3072, rsa:4096, ec:p256 or ec:p384")
        ->capture_default_str();
    command->add_option("--ca-name", options->lab.ca_name, "The CA's common name")
        ->capture_default_str();
    command
        ->add_option(
            "--policy", options->policy,
            "Who may enrol: challenge_blob (signed and encrypted challenges from the MDM), "
            "static (one password), one_time, none (everybody)")
        ->check(CLI::IsMember({"challenge_blob", "static", "one_time", "none"}))
        ->capture_default_str();
    command->add_option("--listen", options->lab.listen, "HOST:PORT to serve on")
        ->capture_default_str();
    command->add_option(
        "--url", options->lab.url,
        "The URL that devices use, when it differs from http://LISTEN/scep; challenges name it");
    command->callback([&status, options] { status = init(*options); });
}

}  // namespace scepgate::server::cli

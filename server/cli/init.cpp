#include <iostream>

#include <nlohmann/json.hpp>

#include "certs/clock.hpp"
#include "server/cli/ca_setup.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/lab.hpp"
#include "server/cli/support.hpp"
#include "server/http_address.hpp"
#include "server/shell_word.hpp"

namespace scepgate::server::cli {
namespace {

struct InitOptions {
    std::string directory;
    std::string ca_key = "rsa:2048";
    LabSettings lab;
    bool json = false;
};

/// What stands in every certificate from the first on, and is nothing to be mended later.
std::vector<std::string> notes_of(const InitOptions& options) {
    const std::string published =
        "Certificates say that CRL and OCSP are at " + publication_origin(options.lab) + "/…";
    std::vector<std::string> notes;
    if (options.lab.url.empty() &&
        parse_endpoint(options.lab.listen).value().address().is_loopback()) {
        notes.push_back(published +
                        ", which is this machine alone. For any other use make it anew with "
                        "--url and --ca-name, and choose both first: docs/ca.md");
    } else if (options.lab.url.starts_with("https://")) {
        notes.push_back(published +
                        ", not https: what is fetched there is signed, and clients do not follow "
                        "https from a certificate (RFC 5280 section 8). Have this reach the "
                        "server, too: docs/revocation.md");
    }
    return notes;
}

/// A client on this machine reaches 0.0.0.0 by loopback.
std::string reachable(const std::string& listen) {
    auto at = parse_endpoint(listen).value();
    if (!at.address().is_unspecified()) return listen;
    if (at.address().is_v4()) {
        at.address(boost::asio::ip::address_v4::loopback());
    } else {
        at.address(boost::asio::ip::address_v6::loopback());
    }
    return endpoint_text(at);
}

/// What to type next.
nlohmann::ordered_json next_steps(const InitOptions& options) {
    const std::string config = shell_path(options.lab.directory / "scepgate.json");
    const std::string enroll =
        "scepgate enroll --url " + shell_word("http://" + reachable(options.lab.listen) + "/scep");
    const std::string device = " --subject CN=device1 --out device1";
    nlohmann::ordered_json steps;
    if (options.lab.separate_signer) {
        steps["signer"] = "scepgate signer --config " +
                          shell_path(options.lab.directory / "signer" / "signer.json");
    }
    steps["serve"] = "scepgate serve --config " + config;
    if (options.lab.policy == "challenge_blob") {
        steps["challenge"] =
            "scepgate challenge create --config " + config + " --subject CN=device1 > challenge";
        steps["enroll"] = enroll + " --challenge-file challenge" + device;
    } else if (options.lab.policy == "one_time") {
        steps["challenge"] = "scepgate challenge create --config " + config + " > challenge";
        steps["enroll"] = enroll + " --challenge-file challenge" + device;
    } else if (options.lab.policy == "static") {
        steps["enroll"] = enroll + " --challenge-file " +
                          shell_path(options.lab.directory / "challenge-password") + device;
    } else {
        steps["enroll"] = enroll + " --challenge none" + device;
    }
    return steps;
}

int init(InitOptions& options) {
    const auto key = certs::KeySpec::parse(options.ca_key);
    if (!key) return complain(kUsage, "--ca-key: " + key.error().detail);
    if (options.lab.url.empty() &&
        parse_endpoint(options.lab.listen).value().address().is_unspecified()) {
        return complain(kUsage,
                        "no device can be sent to " + options.lab.listen +
                            ": give --url http://NAME/scep as well, with the name under which "
                            "devices reach this server; every certificate has it, as where CRL "
                            "and OCSP are");
    }
    options.lab.directory = options.directory;
    options.lab.ca_key = *key;
    const auto made = make_lab(options.lab, certs::SystemClock().now());
    if (!made) return complain(kFailed, made.error().detail);
    if (const auto name = common_name(options.lab.ca_name)) warn_of_name(*name);

    const auto steps = next_steps(options);
    if (options.json) {
        const nlohmann::ordered_json json{
            {"directory", options.directory},
            {"configuration", (options.lab.directory / "scepgate.json").string()},
            {"ca_certificate", (options.lab.directory / "ca.pem").string()},
            {"policy", options.lab.policy},
            {"notes", notes_of(options)},
            {"next", steps}};
        print_json(json);
        return kSuccess;
    }
    std::cout << "A lab is ready in " << options.directory
              << ": CA, RA certificates, policy, database, configuration.\n\n"
              << (options.lab.separate_signer
                      ? "Sign:               " + steps["signer"].get<std::string>() + '\n'
                      : std::string())
              << "Serve:              " << steps["serve"].get<std::string>() << '\n';
    if (steps.contains("challenge")) {
        std::cout << "Make a challenge:   " << steps["challenge"].get<std::string>() << '\n';
    }
    std::cout << "Enrol:              " << steps["enroll"].get<std::string>() << '\n';
    for (const std::string& note : notes_of(options))
        std::cout << "\nNote: " << note << '\n';
    return kSuccess;
}

/// one_time for "one_time_password", the type as the configuration has it.
std::string short_policy_name(const std::string& name) {
    if (name == "one_time_password") return "one_time";
    return name == "static_password" ? "static" : name;
}

}  // namespace

void add_init(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand(
        "init",
        "Make a working lab in one step: a CA, RA certificates, the MDM's challenge signing key, "
        "a database and DIR/scepgate.json. Keys are readable by their owner only. Nothing that "
        "exists is overwritten; an attempt that was broken off can be run again.");
    auto options = std::make_shared<InitOptions>();
    command->add_option("DIR", options->directory, "The folder to make")->required();
    command
        ->add_option("--ca-key", options->ca_key,
                     "rsa:2048, rsa:3072, rsa:4096, rsa:8192, ec:p256, ec:p384 or ec:p521")
        ->capture_default_str();
    command
        ->add_option("--ca-name", options->lab.ca_name,
                     "The CA's common name, in every certificate for as long as it lives")
        ->capture_default_str();
    command
        ->add_option(
            "--policy", options->lab.policy,
            "Who may enrol: challenge_blob (signed and encrypted challenges from the MDM), "
            "one_time (passwords that are good once, as NDES makes them), static (one password), "
            "none (everybody); or the configuration's name of its type")
        ->transform(short_policy_name)
        ->check(CLI::IsMember({"challenge_blob", "static", "one_time", "none"}))
        ->capture_default_str();
    command->add_option("--listen", options->lab.listen, "HOST:PORT to serve on")
        ->check(a_listen_address())
        ->capture_default_str();
    command
        ->add_option(
            "--url", options->lab.url,
            "The URL that devices use, when it differs from http://LISTEN/scep. Challenges "
            "name it, and its host goes into every certificate, as where CRL and OCSP "
            "are (by http, always)")
        ->check(a_web_url());
    command->add_flag("--signer", options->lab.separate_signer,
                      "Put the CA's key into DIR/signer, for a process of its own: 'scepgate "
                      "signer --config DIR/signer/signer.json' (docs/signer.md)");
    command->add_flag("--json", options->json, "Print the result as JSON");
    command->callback([&status, options] { status = init(*options); });
}

}  // namespace scepgate::server::cli

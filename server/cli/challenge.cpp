#include <iostream>

#include <nlohmann/json.hpp>

#include "ca_backend/wait_for.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/support.hpp"
#include "server/config_reader.hpp"
#include "server/runtime_builder.hpp"

namespace scepgate::server::cli {
namespace {

struct Options {
    std::string config;
    std::string policy;
    NameOptions names;
    std::vector<std::string> extended_key_usage;
    std::string expires = "1h";
    std::string device_id, user_id, sid;
    std::size_t count = 1;
    bool json = false;
};

/// The policy that --policy-name names, or the only one that can make challenges.
std::shared_ptr<policy::PolicyModule> choose_policy(const Config& config, const Options& options,
                                                    int& status) {
    std::string name = options.policy;
    std::string all;
    for (const auto& [key, policy] : config.policies) {
        all += (all.empty() ? "" : ", ") + key;
        if (!options.policy.empty() || !policy.as<ChallengeBlobConfig>()) continue;
        if (!name.empty()) {
            status =
                complain(kUsage, "several policies make challenges; choose one with --policy-name");
            return nullptr;
        }
        name = key;
    }
    const auto found = config.policies.find(name);
    if (found == config.policies.end()) {
        status =
            complain(kUsage, name.empty() ? "no policy of this configuration makes challenges"
                                          : "there is no policy '" + name + "'; there are: " + all);
        return nullptr;
    }
    ConfigFaults faults;
    auto module = build_policy(name, found->second, std::make_shared<certs::SystemClock>(), faults);
    print_faults(faults);
    if (!module || faults.has_errors()) {
        status = kUsage;
        return nullptr;
    }
    return module;
}

Result<policy::ChallengeParameters> parameters_of(const Options& options, std::size_t number) {
    policy::ChallengeParameters parameters;
    const NameOptions names = options.names.numbered(number);
    auto subject = names.name();
    if (!subject) return subject.error();
    parameters.subject = std::move(*subject);
    auto alternatives = names.subject_alt_name();
    if (!alternatives) return alternatives.error();
    parameters.subject_alt_name = std::move(*alternatives);
    parameters.key_usage = names.usage();
    for (const auto& text : options.extended_key_usage) {
        auto oid = certs::extended_key_usage_from_text(text);
        if (!oid) return in_context("--eku", oid.error());
        parameters.extended_key_usage.push_back(std::move(*oid));
    }
    const auto lifetime = parse_duration(options.expires);
    if (!lifetime) return in_context("--expires", lifetime.error());
    parameters.lifetime = *lifetime;
    parameters.device_id = options.device_id;
    parameters.user_id = options.user_id;
    if (!options.sid.empty()) parameters.sid = options.sid;
    return parameters;
}

int create(const Options& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    int status = kSuccess;
    const auto module = choose_policy(*config, options, status);
    if (!module) return status;
    for (std::size_t number = 0; number < options.count; ++number) {
        const auto parameters = parameters_of(options, number);
        if (!parameters) return complain(kUsage, parameters.error().detail);
        const auto challenge = ca_backend::wait_for(module->generate_challenge(*parameters));
        if (!challenge) {
            return complain(challenge.error().code == Errc::kUnsupported ? kUsage : kFailed,
                            challenge.error().detail);
        }
        if (options.json) {
            const nlohmann::ordered_json line{{"policy", module->name()},
                                              {"subject", parameters->subject.text()},
                                              {"challenge", challenge->text.text()}};
            std::cout << line.dump() << '\n';
        } else {
            std::cout << challenge->text.text() << '\n';
        }
    }
    return kSuccess;
}

}  // namespace

void add_challenge(CLI::App& app, int& status) {
    CLI::App* challenge = app.add_subcommand("challenge", "Make challenges");
    challenge->require_subcommand(1);
    CLI::App* command = challenge->add_subcommand(
        "create",
        "Make a challenge as the MDM does: signed, encrypted, for one request with exactly these "
        "names. Prints one line of base64 for each, to put into the CSR's challengePassword.");
    auto options = std::make_shared<Options>();
    command->add_option("--config", options->config, "The server's configuration")
        ->required()
        ->type_name("FILE");
    command->add_option("--policy-name", options->policy,
                        "Which of 'policies' (default: the only one that makes challenges)");
    options->names.add_to(*command);
    command->add_option("--eku", options->extended_key_usage,
                        "Extended key usage to grant: clientAuth, … or an OID (repeatable; "
                        "default: the template's)");
    command->add_option("--expires", options->expires, "How long it can be used: 30m, 1h, 7d")
        ->check(a_duration())
        ->capture_default_str();
    command->add_option("--device-id", options->device_id,
                        "The MDM's name for the device, for the records");
    command->add_option("--user-id", options->user_id,
                        "The MDM's name for the user, for the records");
    command->add_option("--sid", options->sid, "The account's SID to grant (S-1-5-21-…)");
    command
        ->add_option("--count", options->count, "Make this many; %d in the names becomes 0, 1, …")
        ->check(CLI::Range(std::size_t{1}, std::size_t{10'000'000}));
    command->add_flag("--json", options->json, "One JSON object a line");
    command->callback([&status, options] { status = create(*options); });
}

}  // namespace scepgate::server::cli

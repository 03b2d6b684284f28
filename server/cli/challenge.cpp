// scepgate challenge create
#include <functional>
#include <iostream>

#include <nlohmann/json.hpp>

#include "server/cli/challenge_records.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/store_access.hpp"
#include "server/cli/support.hpp"
#include "server/config_reader.hpp"
#include "server/minting.hpp"
#include "server/runtime_builder.hpp"
#include "server/shared_policies.hpp"
#include "server/template_choices.hpp"

namespace scepgate::server::cli {
namespace {

struct ChallengeCommandOptions {
    std::string config;
    std::string policy;
    NameOptions names;
    std::vector<std::string> extended_key_usage;
    std::vector<std::string> endpoints;
    std::string expires;
    std::string template_name, purpose, max_validity;
    std::string device_id, user_id, sid;
    std::size_t count = 1;
    bool json = false;
};

bool makes_challenges(const PolicyConfig& policy) {
    return policy.as<ChallengeBlobConfig>() || policy.as<OneTimePasswordConfig>();
}

/// The name of the policy that --policy-name names, or of the only one that can make challenges.
std::optional<std::string> choose_policy(const Config& config,
                                         const ChallengeCommandOptions& options) {
    std::string name = options.policy;
    std::string all;
    for (const auto& [key, policy] : config.policies) {
        all += (all.empty() ? "" : ", ") + key;
        if (!options.policy.empty() || !makes_challenges(policy)) continue;
        if (!name.empty()) {
            complain(kUsage, "several policies make challenges; choose one with --policy-name");
            return std::nullopt;
        }
        name = key;
    }
    if (config.policies.contains(name)) return name;
    complain(kUsage, name.empty() ? "no policy of this configuration makes challenges"
                                  : "there is no policy '" + name + "'; there are: " + all);
    return std::nullopt;
}

std::shared_ptr<policy::PolicyModule> load_policy(const Config& config, const std::string& name) {
    ConfigFaults faults;
    auto module = build_policy(name, config.policies.at(name),
                               std::make_shared<certs::SystemClock>(), faults);
    print_faults(faults);
    if (faults.has_errors()) return nullptr;
    return module;
}

Result<policy::ChallengeParameters> parameters_of(const ChallengeCommandOptions& options,
                                                  std::size_t number) {
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
    const std::tuple<const char*, const std::string*, std::optional<std::int64_t>*> times[] = {
        {"--expires", &options.expires, &parameters.lifetime},
        {"--max-validity", &options.max_validity, &parameters.max_validity}};
    for (const auto& [option, text, seconds] : times) {
        if (text->empty()) continue;
        const auto read = parse_duration(*text);
        if (!read) return in_context(option, read.error());
        *seconds = *read;
    }
    if (!options.template_name.empty()) parameters.template_name = options.template_name;
    if (!options.purpose.empty()) {
        const auto purpose = certs::purpose_from_text(options.purpose);
        if (!purpose) return in_context("--purpose", purpose.error());
        parameters.purpose = *purpose;
    }
    parameters.device_id = options.device_id;
    parameters.user_id = options.user_id;
    parameters.endpoints = options.endpoints;
    if (!options.sid.empty()) parameters.sid = options.sid;
    return parameters;
}

void print(const policy::PolicyModule& module, const policy::ChallengeParameters& parameters,
           const policy::Challenge& challenge, bool json) {
    if (!json) {
        std::cout << challenge.text.text() << '\n';
        return;
    }
    nlohmann::ordered_json line{{"policy", module.name()},
                                {"subject", parameters.subject.text()},
                                {"challenge", challenge.text.text()}};
    if (challenge.expires != 0) line["expires"] = certs::utc_text(challenge.expires);
    std::cout << line.dump() << '\n';
}

/// What makes the next challenge; the error's detail is for the user.
using Make = std::function<Result<policy::Challenge>(const policy::ChallengeParameters&)>;

int make_all(const ChallengeCommandOptions& options, const policy::PolicyModule& module,
             const Make& make) {
    for (std::size_t number = 0; number < options.count; ++number) {
        const auto parameters = parameters_of(options, number);
        if (!parameters) return complain(kUsage, parameters.error().detail);
        const auto challenge = make(*parameters);
        if (!challenge) {
            const Errc code = challenge.error().code;
            const bool asked_wrongly = code == Errc::kUnsupported || code == Errc::kMalformed;
            return complain(asked_wrongly ? kUsage : kFailed, challenge.error().detail);
        }
        print(module, *parameters, *challenge, options.json);
    }
    return kSuccess;
}

/// Passwords are counted and recorded, beside a running server.
int make_passwords(const ChallengeCommandOptions& options, const Config& config,
                   policy::PolicyModule& module) {
    auto records = open_records(config);
    if (!records) return kUsage;
    auto log = Log::open(LogConfig{});
    if (!log) return complain(kFailed, log.error().detail);
    const ServiceParts parts{std::move(records->store), std::move(records->audit), *std::move(log),
                             std::make_shared<certs::SystemClock>()};
    const Minting minting(parts);
    return make_all(
        options, module,
        [&](const policy::ChallengeParameters& parameters) -> Result<policy::Challenge> {
            auto minted = wait_for(minting.mint(module, parameters, {operator_name(), "", {}}));
            if (const auto* refusal = std::get_if<MintingRefusal>(&minted)) {
                return Error{Errc::kDenied, refusal->text};
            }
            return std::get<policy::Challenge>(std::move(minted));
        });
}

/// Most devices ask for a key usage.
void warn_of_key_usage(const ChallengeCommandOptions& options, const PolicyConfig& policy) {
    if (!policy.as<ChallengeBlobConfig>() || !options.names.key_usage.empty() ||
        !options.template_name.empty() || !options.purpose.empty())
        return;
    std::cerr << "warning: without --key-usage, --purpose and --template a challenge blob is good "
                 "only for a CSR that asks for no key usage\n";
}

/// The device chooses among them.
void warn_of_endpoints(const ChallengeCommandOptions& options, const Config& config,
                       const std::string& policy) {
    const auto* one_time = config.policies.at(policy).as<OneTimePasswordConfig>();
    const bool cannot = one_time != nullptr && one_time->single_password;
    if (!options.endpoints.empty() || cannot) return;
    const auto differing = differing_endpoints(config, policy);
    if (differing.empty()) return;
    std::string all;
    for (const EndpointConfig* endpoint : differing)
        all += (all.empty() ? "" : ", ") + endpoint->name;
    std::cerr << "warning: endpoints that certify differently ask policy '" << policy << "' ("
              << all << "), and the challenge is good at each of them; --endpoint names one\n";
}

int create(const ChallengeCommandOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const auto name = choose_policy(*config, options);
    if (!name) return kUsage;
    const TemplateChoices choices = template_choices(*config, *name);
    policy::ChallengeParameters ordered;
    if (!options.template_name.empty()) ordered.template_name = options.template_name;
    ordered.endpoints = options.endpoints;
    const std::string fault = order_fault(choices, ordered);
    if (!fault.empty()) return complain(kUsage, "--" + fault);
    const auto module = load_policy(*config, *name);
    if (!module) return kUsage;
    warn_of_key_usage(options, config->policies.at(*name));
    warn_of_endpoints(options, *config, *name);
    if (config->policies.at(*name).as<OneTimePasswordConfig>()) {
        return make_passwords(options, *config, *module);
    }
    return make_all(options, *module, [&](policy::ChallengeParameters parameters) {
        parameters.built_subjects = built_subjects(choices, parameters);
        return wait_for(module->generate_challenge(parameters));
    });
}

}  // namespace

void add_challenge(CLI::App& app, int& status) {
    CLI::App* challenge =
        app.add_subcommand("challenge", "Make challenges, list and withdraw them");
    challenge->require_subcommand(1);
    CLI::App* command = challenge->add_subcommand(
        "create",
        "Make a challenge for one request, and print it on a line of its own. Of a challenge_blob "
        "policy: base64, signed and encrypted as the MDM does it, for exactly these names. Of a "
        "one_time_password policy: a password in hexadecimal; without any name it is good for "
        "whatever names the request has. Without --key-usage, --purpose and --template a password "
        "is good for any key usage, and a blob only for a CSR without one. For the CSR's "
        "challengePassword.");
    auto options = std::make_shared<ChallengeCommandOptions>();
    add_config_option(*command, options->config);
    command
        ->add_option("--policy-name,--policy", options->policy,
                     "Which of 'policies' (default: the only one that makes challenges)")
        ->check(not_empty());
    options->names.add_to(*command, NameOptions::Subject::kOptional);
    command->add_option("--eku", options->extended_key_usage,
                        "Extended key usage to grant: clientAuth, … or an OID (repeatable; "
                        "default: the template's)");
    command
        ->add_option("--purpose", options->purpose,
                     "Only for a request of this purpose, as its key usage says")
        ->check(CLI::IsMember({"signature", "encryption", "general_purpose"}));
    command
        ->add_option("--template", options->template_name,
                     "Only for this template, as the endpoint names it for the purpose")
        ->check(not_empty());
    command
        ->add_option("--endpoint", options->endpoints,
                     "Only at this endpoint, by its name: its first path, where it has no other "
                     "(repeatable; default: every endpoint with the policy)")
        ->check(not_empty());
    command
        ->add_option("--max-validity", options->max_validity,
                     "The certificate's longest life: 90d, 52w")
        ->check(a_duration());
    command
        ->add_option("--expires", options->expires,
                     "How long it can be used: 30m, 1h, 7d (default: 1h, or PasswordValidity)")
        ->check(a_duration());
    command
        ->add_option("--device-id", options->device_id,
                     "The MDM's name for the device, for the records, and for templates that build "
                     "the subject from it")
        ->check(not_empty());
    command
        ->add_option("--user-id", options->user_id, "The MDM's name for the user, in the same way")
        ->check(not_empty());
    command->add_option("--sid", options->sid, "The account's SID to grant (S-1-5-21-…)")
        ->check(not_empty());
    command
        ->add_option("--count", options->count, "Make this many; %d in the names becomes 0, 1, …")
        ->check(CLI::Range(std::size_t{1}, std::size_t{10'000'000}));
    command->add_flag("--json", options->json, "One JSON object a line");
    command->callback([&status, options] { status = create(*options); });
    add_challenge_records(*challenge, status);
}

}  // namespace scepgate::server::cli

#include "server/cli/challenge_records.hpp"

#include <iostream>
#include <map>

#include "policy/challenge_blob.hpp"
#include "policy/one_time_password.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/operator_act.hpp"
#include "server/cli/support.hpp"
#include "server/text_escape.hpp"

namespace scepgate::server::cli {
namespace {

using ca_backend::ChallengeFilter;
using ca_backend::StoredChallenge;
using Json = nlohmann::ordered_json;

/// Enough to tell them apart, and as much as 'withdraw' asks for.
constexpr std::size_t kShownDigits = 16;
constexpr std::size_t kLeastDigits = 8;

struct ChallengeRecordsOptions {
    std::string config;
    std::string token;
    std::string caller;
    std::string state = "outstanding";
    std::string reason;
    std::size_t limit = 1000;
    bool json = false;
};

using NamesByScope = std::map<std::string, std::string>;

/// The policies by the scopes of their challenges, without their keys. Of two with one signer it is
/// the one that makes challenges, as for the admin listener.
NamesByScope policies_by_scope(const Config& config) {
    NamesByScope names;
    for (const bool makes : {true, false}) {
        for (const auto& [name, policy] : config.policies) {
            if (policy.as<OneTimePasswordConfig>())
                names.emplace(policy::password_scope(name), name);
            const auto* blob = policy.as<ChallengeBlobConfig>();
            if (blob == nullptr || blob->signers.empty() == makes) continue;
            for (const TrustedSignerConfig& trusted : blob->trusted_signers) {
                // Of a file that cannot be read the scopes are shown as they are.
                const auto signers = certs::Certificate::all_from_file(trusted.certificate);
                if (!signers) continue;
                for (const certs::Certificate& signer : *signers)
                    names.emplace(policy::challenge_scope(signer), name);
            }
        }
    }
    return names;
}

Json bindings_of(const StoredChallenge& challenge) {
    return Json::parse(challenge.row.claims, nullptr, /*allow_exceptions=*/false);
}

Json challenge_json(const StoredChallenge& challenge, const NamesByScope& names) {
    const auto policy = names.find(challenge.row.scope);
    Json json = {{"challenge", to_hex(challenge.row.token)},
                 {"state", to_text(challenge.state)},
                 {"policy", policy != names.end() ? Json(policy->second) : Json()},
                 {"scope", challenge.row.scope},
                 {"caller", challenge.row.caller},
                 {"created", certs::utc_text(challenge.row.created)},
                 {"expires", certs::utc_text(challenge.row.expires)}};
    if (Json bindings = bindings_of(challenge); bindings.is_object()) {
        json["bound_to"] = std::move(bindings);
    }
    return json;
}

/// Names first: they are what people look for.
std::string bound_to(const StoredChallenge& challenge) {
    const Json bindings = bindings_of(challenge);
    if (!bindings.is_object()) return "its own claims";
    if (bindings.empty()) return "nothing";
    std::string text = bindings.contains("subject")
                           ? "'" + bindings["subject"].value("text", std::string()) + "'"
                           : "";
    for (const auto& [key, value] : bindings.items()) {
        if (key == "subject") continue;
        text += (text.empty() ? "" : ", ") + key;
        if (key == "endpoint" && value.is_string()) text += ' ' + value.get<std::string>();
    }
    return text;
}

void print_line(std::ostream& out, const StoredChallenge& challenge, const NamesByScope& names) {
    const auto policy = names.find(challenge.row.scope);
    out << to_hex(challenge.row.token).substr(0, kShownDigits) << "  " << to_text(challenge.state)
        << "  until " << certs::utc_text(challenge.row.expires) << "  "
        << printable(policy != names.end() ? policy->second : challenge.row.scope) << "  by "
        << printable(challenge.row.caller) << "  bound to " << printable(bound_to(challenge))
        << '\n';
}

int list(const ChallengeRecordsOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const auto store = open_store_to_read(*config);
    if (!store) return kUsage;
    ChallengeFilter filter;
    filter.now = certs::SystemClock().now();
    filter.state = ca_backend::challenge_state_from_text(options.state);  // "any": none
    if (!options.caller.empty()) filter.caller = options.caller;
    filter.limit = options.limit;
    const auto found = store->list_challenges(filter);
    if (!found) return complain(kFailed, found.error().detail);
    const NamesByScope names = policies_by_scope(*config);
    if (options.json) {
        Json all = Json::array();
        for (const auto& challenge : *found)
            all.push_back(challenge_json(challenge, names));
        print_json(all);
    } else {
        for (const auto& challenge : *found)
            print_line(std::cout, challenge, names);
    }
    return kSuccess;
}

/// The one that the option names; otherwise says why there is none.
std::optional<StoredChallenge> choose(ca_backend::Store& store,
                                      const ChallengeRecordsOptions& options, std::int64_t now) {
    ChallengeFilter filter;
    filter.now = now;
    filter.token_prefix = options.token;
    for (char& digit : filter.token_prefix)
        if (digit >= 'A' && digit <= 'F') digit = static_cast<char>(digit - 'A' + 'a');
    filter.limit = 2;
    auto found = store.list_challenges(filter);
    if (!found) {
        complain(kFailed, found.error().detail);
        return std::nullopt;
    }
    if (found->empty()) {
        complain(kFailed,
                 "there is no such challenge; 'scepgate challenge list' shows those there are, by "
                 "their first column");
        return std::nullopt;
    }
    if (found->size() > 1) {
        complain(kFailed,
                 "several challenges begin like this; give more digits (--json lists "
                 "all of them)");
        return std::nullopt;
    }
    return std::move(found->front());
}

int withdraw(const ChallengeRecordsOptions& options) {
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    auto records = open_records(*config);
    if (!records) return kUsage;
    const std::int64_t now = certs::SystemClock().now();
    const auto chosen = choose(*records->store, options, now);
    if (!chosen) return kFailed;
    const auto facts = [&](AuditRecord& line) {
        line.add("scope", chosen->row.scope)
            .add("challenge", to_hex(chosen->row.token))
            .add("caller", chosen->row.caller)
            .add("expires", certs::utc_text(chosen->row.expires))
            .add_if("reason", options.reason);
    };
    const auto done = audited(*records->audit, "withdraw", facts, [&] {
        return wait_for(
            records->store->withdraw_challenge(chosen->row.scope, chosen->row.token, now));
    });
    if (!done) return complain(kFailed, done.error().detail);
    std::cout << "Challenge " << to_hex(chosen->row.token).substr(0, kShownDigits)
              << " is withdrawn: it cannot be used any more\n";
    return kSuccess;
}

CLI::Validator a_token() {
    return CLI::Validator(
        [](std::string& text) -> std::string {
            const bool hex = text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
            if (hex && text.size() >= kLeastDigits) return "";
            return "give at least 8 hexadecimal digits, as 'challenge list' shows them (not the "
                   "password itself)";
        },
        "HEX");
}

}  // namespace

void add_challenge_records(CLI::App& challenge, int& status) {
    auto options = std::make_shared<ChallengeRecordsOptions>();
    const auto add = [&challenge, options](const char* name, const char* help) {
        CLI::App* command = challenge.add_subcommand(name, help);
        add_config_option(*command, options->config);
        return command;
    };
    CLI::App* list_command =
        add("list",
            "List the challenges that were recorded: one-time passwords, and blobs made "
            "through the admin API. Passwords are shown by their hash");
    list_command->add_option("--caller", options->caller, "Only those that this one asked for");
    list_command->add_option("--state", options->state, "Only those in this state")
        ->check(CLI::IsMember({"outstanding", "used", "withdrawn", "expired", "any"}))
        ->capture_default_str();
    list_command->add_option("--limit", options->limit, "At most this many, newest first")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    list_command->add_flag("--json", options->json, "Print JSON");
    list_command->callback([&status, options] { status = list(*options); });

    CLI::App* withdraw_command =
        add("withdraw", "Withdraw a challenge that was not used yet. The server may be running");
    withdraw_command
        ->add_option("CHALLENGE", options->token,
                     "The first column of 'challenge list', or the start of it")
        ->required()
        ->check(a_token());
    withdraw_command->add_option("--reason", options->reason, "For the audit file");
    withdraw_command->callback([&status, options] { status = withdraw(*options); });
}

}  // namespace scepgate::server::cli

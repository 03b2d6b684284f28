// scepgate policy rotate
#include "server/cli/policy_rotate.hpp"

#include <iostream>

#include "certs/clock.hpp"
#include "server/audit_settings.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/operator_act.hpp"
#include "server/cli/rotation.hpp"
#include "server/cli/support.hpp"
#include "server/shell_word.hpp"

namespace scepgate::server::cli {
namespace {

using Json = nlohmann::ordered_json;

using Step = RotationOrder::Step;

struct PolicyRotateOptions {
    std::string config;
    RotationOrder order;
    bool stage = false;
    bool promote = false;
    bool json = false;
};

const char* step_name(Step step) {
    return step == Step::kStage ? "stage" : step == Step::kPromote ? "promote" : "at once";
}

std::string fingerprint(const RotatedKey& key) {
    return to_hex(key.certificate.fingerprint());
}

Json rotation_json(const Rotation& rotation, bool changed, std::int64_t now) {
    Json keys = Json::array();
    for (const RotatedKey& key : rotation.keys) {
        Json one{{"key", key.key}, {"certificate", key.certificate_file.string()}};
        if (key.key_file) one["key_file"] = key.key_file->string();
        one["fingerprint"] = fingerprint(key);
        one["replaces"] = key.old_certificate_file.string();
        keys.push_back(std::move(one));
    }
    Json all{{"policy", rotation.order.policy},
             {"step", step_name(rotation.order.step)},
             {"keys", std::move(keys)},
             {"changed", changed},
             {"members", rotation.members}};
    if (rotation.order.step != Step::kStage)
        all["old_needed_until"] = certs::utc_text(now + rotation.old_needed);
    return all;
}

/// "31 days and 5 minutes"
std::string in_words(std::int64_t seconds) {
    constexpr std::pair<std::int64_t, const char*> kUnits[] = {
        {86'400, "day"}, {3'600, "hour"}, {60, "minute"}, {1, "second"}};
    std::string text;
    for (const auto& [length, unit] : kUnits) {
        const std::int64_t count = seconds / length;
        seconds %= length;
        if (count == 0) continue;
        text += (text.empty() ? "" : " and ") + std::to_string(count) + ' ' + unit;
        if (count != 1) text += 's';
    }
    return text;
}

void print(const RotatedKey& key, const RotationOrder& order) {
    if (order.step == Step::kPromote) {
        std::cout << "The first " << key.key << " key of policy '" << order.policy
                  << "' is now the one of " << key.certificate_file.string() << '\n';
        return;
    }
    std::cout << "New " << key.key << " key of policy '" << order.policy
              << "': " << key.key_file.value_or("").string()
              << "\nIts certificate: " << key.certificate_file.string()
              << "\nSHA-256 fingerprint: " << fingerprint(key) << '\n';
    if (key.key == "signer") {
        std::cout << "An MDM that signs challenges itself has to be given this key and "
                     "certificate; 'scepgate challenge create' takes them by itself.\n";
    } else {
        std::cout << "An MDM that makes challenges itself has to be given this certificate, to "
                     "encrypt to it in place of the one in "
                  << key.old_certificate_file.string() << ".\n";
    }
}

void print(const Rotation& rotation, bool changed, const PolicyRotateOptions& options,
           std::int64_t now) {
    const bool staged = rotation.order.step == Step::kStage;
    for (const RotatedKey& key : rotation.keys)
        print(key, rotation.order);
    if (changed) {
        std::cout << "The configuration names them " << (staged ? "behind the others" : "first")
                  << "; the old one is kept with .bak behind its name.\n";
    } else {
        std::cout << "The configuration has comments, so it was left alone. Change in policies."
                  << rotation.order.policy << ":\n\n"
                  << rotation.members.dump(2) << "\n\n";
    }
    std::cout << "Judge it (scepgate config check) and send the server SIGHUP"
              << (staged ? ", and every other server for these devices likewise. " : ". ");
    if (staged) {
        std::cout << "Then, and give no MDM a new key before that: scepgate policy rotate --config "
                  << shell_path(options.config) << " --policy " << shell_word(rotation.order.policy)
                  << (rotation.order.signer ? " --signer" : "")
                  << (rotation.order.decryption ? " --decryption" : "") << " --promote\n";
        return;
    }
    std::cout << "The old keys stay good: take them out " << in_words(rotation.old_needed)
              << " after the last challenge was made with them; for those made until now, "
                 "not before "
              << certs::utc_text(now + rotation.old_needed) << ".\n";
}

/// Who did what with which keys, for the audit file.
void add_facts(AuditRecord& line, const Rotation& rotation) {
    std::vector<std::string> keys, fingerprints;
    for (const RotatedKey& key : rotation.keys) {
        keys.push_back(key.key);
        fingerprints.push_back(fingerprint(key));
    }
    line.add("policy", rotation.order.policy)
        .add("step", step_name(rotation.order.step))
        .add("keys", keys)
        .add("fingerprints", fingerprints);
}

int rotate(PolicyRotateOptions& options) {
    if (!options.order.signer && !options.order.decryption) {
        return complain(kUsage, "name what to rotate: --signer, --decryption, or both");
    }
    if (options.stage) options.order.step = Step::kStage;
    if (options.promote) options.order.step = Step::kPromote;
    const auto lock = ConfigLock::take(options.config);
    if (!lock) return complain(lock.error());
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const std::int64_t now = certs::SystemClock().now();
    const auto audit = open_audit(*config);
    if (!audit) return complain(kUsage, audit.error().detail);
    auto rotation = prepare_rotation(options.order, *config, now);
    if (!rotation) return complain(rotation.error());
    bool changed = false;
    const auto entered = audited(
        **audit, "rotate", [&](AuditRecord& line) { add_facts(line, *rotation); },
        [&]() -> Result<void> {
            const auto edited = enter_rotation(*rotation, *lock);
            if (!edited) return edited.error();
            // From here on the configuration names them, or whoever reads what is printed.
            rotation->files.keep();
            changed = *edited;
            return {};
        });
    if (!entered) return complain(entered.error());
    if (options.json) {
        print_json(rotation_json(*rotation, changed, now));
    } else {
        print(*rotation, changed, options, now);
    }
    return flush_output(kSuccess);
}

}  // namespace

void add_policy_rotate(CLI::App& policy, int& status) {
    CLI::App* command = policy.add_subcommand(
        "rotate",
        "Make new keys for challenge blobs, beside the old ones and first in the configuration. "
        "Challenges that were made with the old keys stay good until those are taken out.");
    auto options = std::make_shared<PolicyRotateOptions>();
    add_config_option(*command, options->config);
    command->add_option("--policy,--policy-name", options->order.policy, "Which of 'policies'")
        ->required();
    command->add_flag("--signer", options->order.signer, "The key that signs challenges");
    command->add_flag("--decryption", options->order.decryption,
                      "The key that challenges are encrypted to");
    CLI::Option* stage = command->add_flag(
        "--stage", options->stage,
        "Behind the old ones: the new keys open and are trusted, and make nothing yet. For "
        "several servers, each of which has to know them before one uses them");
    command->add_flag("--promote", options->promote, "Make nothing, and put what was staged first")
        ->excludes(stage);
    command->add_flag("--json", options->json, "Print the result as JSON");
    command->callback([&status, options] { status = rotate(*options); });
}

}  // namespace scepgate::server::cli

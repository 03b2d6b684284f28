// scepgate policy rotate
#include "server/cli/policy_rotate.hpp"

#include <iostream>

#include "certs/clock.hpp"
#include "server/audit_log.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/rotation.hpp"
#include "server/cli/store_access.hpp"
#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
    std::string config;
    RotationOrder order;
    bool json = false;
};

std::string fingerprint(const RotatedKey& key) {
    return to_hex(key.certificate.fingerprint());
}

Json to_json(const Rotation& rotation, const Options& options, std::int64_t now) {
    Json keys = Json::array();
    for (const RotatedKey& key : rotation.keys) {
        keys.push_back({{"key", key.key},
                        {"certificate", key.certificate_file.string()},
                        {"key_file", key.key_file.string()},
                        {"fingerprint", fingerprint(key)},
                        {"replaces", key.old_certificate_file.string()}});
    }
    return {{"policy", options.order.policy},
            {"keys", std::move(keys)},
            {"changed", rotation.changed},
            {"members", rotation.members},
            {"old_needed_until", certs::utc_text(now + rotation.old_needed)}};
}

void print(const Rotation& rotation, const Options& options, std::int64_t now) {
    for (const RotatedKey& key : rotation.keys) {
        std::cout << "New " << key.key << " key of policy '" << options.order.policy
                  << "': " << key.key_file.string()
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
    if (rotation.changed) {
        std::cout << "The configuration names them first; the old one is kept with .bak behind "
                     "its name.\n";
    } else {
        std::cout << "The configuration has comments, so it was left alone. Change in policies."
                  << options.order.policy << ":\n\n"
                  << rotation.members.dump(2) << "\n\n";
    }
    std::cout << "Judge it (scepgate config check) and send the server SIGHUP. The old keys stay "
                 "good: take them out "
              << rotation.old_needed
              << " seconds after the last challenge was made with them; for those made until now, "
                 "not before "
              << certs::utc_text(now + rotation.old_needed) << ".\n";
}

int rotate(Options& options) {
    if (!options.order.signer && !options.order.decryption) {
        return complain(kUsage, "name what to rotate: --signer, --decryption, or both");
    }
    const auto config = load_or_complain(options.config);
    if (!config) return kUsage;
    const std::int64_t now = certs::SystemClock().now();
    const auto audit = AuditLog::open(config->audit_file);
    if (!audit) return complain(kUsage, audit.error().detail);
    const auto rotation = rotate_keys(options.order, *config, now);
    if (!rotation) return complain(rotation.error());
    for (const RotatedKey& key : rotation->keys) {
        AuditRecord line("rotate", now);
        line.add("policy", options.order.policy)
            .add("key", key.key)
            .add("fingerprint", fingerprint(key))
            .add("by", operator_name());
        if (const auto written = (*audit)->write(line); !written) {
            return complain(kFailed, written.error().detail);
        }
    }
    if (options.json) {
        print_json(to_json(*rotation, options, now));
    } else {
        print(*rotation, options, now);
    }
    return flush_output(kSuccess);
}

}  // namespace

void add_policy_rotate(CLI::App& policy, int& status) {
    CLI::App* command = policy.add_subcommand(
        "rotate",
        "Make new keys for challenge blobs, beside the old ones and first in the configuration. "
        "Challenges that were made with the old keys stay good until those are taken out.");
    auto options = std::make_shared<Options>();
    command->add_option("--config", options->config, "The server's configuration")
        ->required()
        ->type_name("FILE");
    command->add_option("--policy", options->order.policy, "Which of 'policies'")->required();
    command->add_flag("--signer", options->order.signer, "The key that signs challenges");
    command->add_flag("--decryption", options->order.decryption,
                      "The key that challenges are encrypted to");
    command->add_flag("--json", options->json, "Print the result as JSON");
    command->callback([&status, options] { status = rotate(*options); });
}

}  // namespace scepgate::server::cli

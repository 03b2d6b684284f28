#include "policy/one_time_password.hpp"
#include "policy/simple_modules.hpp"
#include "server/recorded_passwords.hpp"
#include "server/runtime_policy_modules.hpp"

namespace scepgate::server {
namespace {

constexpr std::size_t kLeastKeyOctets = 16;

}  // namespace

std::shared_ptr<policy::PolicyModule> build_module(const OneTimePasswordConfig& config,
                                                   const PolicyPlace& place,
                                                   RuntimeContext& context) {
    if (config.single_password) {
        auto password = load_password(*config.single_password, context);
        if (!password) return nullptr;
        using Single = policy::StaticPasswordModule;
        return std::make_shared<Single>(place.name, *std::move(password),
                                        Single::Told::kToWhoeverAsks);
    }
    policy::OneTimePasswordSettings settings;
    settings.name = place.name;
    settings.length = config.password_length;
    settings.maximum = config.password_max;
    settings.validity = config.password_validity;
    if (config.hash_key) {
        // Nodes that read it from a file and from the environment have the same.
        auto key = context.loader.secret_line(*config.hash_key);
        if (!key) return nullptr;
        settings.hash_key = *std::move(key);
        if (settings.hash_key.view().size() < kLeastKeyOctets) {
            context.faults.error(config.hash_key->json_path, "the key has fewer than 16 octets",
                                 "make one: openssl rand -hex 32");
            return nullptr;
        }
    }
    return std::make_shared<policy::OneTimePasswordModule>(
        std::move(settings), std::make_shared<RecordedPasswords>(context.services.store),
        context.clock);
}

}  // namespace scepgate::server

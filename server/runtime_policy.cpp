#include "server/runtime_policy.hpp"

#include <algorithm>

#include "certs/asn1_string.hpp"
#include "policy/composite_module.hpp"
#include "policy/simple_modules.hpp"
#include "server/guarded_policy.hpp"
#include "server/runtime_policy_modules.hpp"

namespace scepgate::server {

std::shared_ptr<policy::PolicyModule> build_module(const OpenPolicyConfig&,
                                                   const PolicyPlace& place, RuntimeContext&) {
    return std::make_shared<policy::OpenModule>(place.name);
}

namespace {

/// What an editor has put there, and no device sends.
void judge_characters(std::string_view password, const std::string& json_path,
                      ConfigFaults& faults) {
    const auto readable = certs::check_readable(password);
    std::string what;
    if (password.starts_with("\xEF\xBB\xBF")) {
        what = "the password begins with a byte order mark";
    } else if (!readable) {
        what = "the password has octets that nobody can type: " + readable.error().detail;
    } else if (password.front() == ' ' || password.back() == ' ') {
        what = "the password has a space at its beginning or end";
    } else {
        return;
    }
    faults.warn(json_path, what + ", which devices would have to send as well",
                "if that is not meant, write the file anew: printf %s PASSWORD > FILE");
}

}  // namespace

std::optional<Secret> load_password(const SecretSource& source, RuntimeContext& context) {
    auto password = context.loader.secret_line(source);
    if (password && password->text().size() < 8) {
        context.faults.error(source.json_path, "the password has fewer than 8 characters",
                             "choose a long random one: openssl rand -hex 16");
        return std::nullopt;
    }
    if (password) judge_characters(password->text(), source.json_path, context.faults);
    return password;
}

std::shared_ptr<policy::PolicyModule> build_module(const StaticPasswordConfig& config,
                                                   const PolicyPlace& place,
                                                   RuntimeContext& context) {
    auto password = load_password(config.password, context);
    if (!password) return nullptr;
    return std::make_shared<policy::StaticPasswordModule>(place.name, *std::move(password));
}

std::shared_ptr<policy::PolicyModule> build_policy(const std::string& name,
                                                   const PolicyConfig& config,
                                                   RuntimeContext& context) {
    const PolicyPlace place{name, config.json_path};
    auto module = std::visit(
        [&](const auto& of_type) { return build_module(of_type, place, context); }, config.module);
    if (!module) return nullptr;
    return std::make_shared<GuardedPolicy>(
        std::move(module), PolicyLimits{std::chrono::seconds(config.timeout), config.max_calls});
}

std::shared_ptr<policy::PolicyModule> compose_policy(const PolicyRule& rule,
                                                     const PolicyModules& modules,
                                                     ConfigFaults& faults) {
    if (rule.kind == PolicyRule::Kind::kOne) {
        const auto found = modules.find(rule.name);
        return found == modules.end() ? nullptr : found->second;
    }
    std::vector<std::shared_ptr<policy::PolicyModule>> members;
    std::string using_up;
    std::size_t users = 0;
    for (const PolicyRule& each : rule.members) {
        auto member = compose_policy(each, modules, faults);
        if (!member) return nullptr;
        const bool twice = std::any_of(members.begin(), members.end(), [&](const auto& other) {
            return other->name() == member->name();
        });
        if (twice) return nullptr;  // reported when it was read
        if (member->uses_up_challenges()) {
            using_up += (users++ == 0 ? "'" : ", '") + member->name() + "'";
        }
        members.push_back(std::move(member));
    }
    const bool all = rule.kind == PolicyRule::Kind::kAllOf;
    if (all && users > 1) {
        faults.error(rule.json_path,
                     "several of all_of use up a challenge (" + using_up +
                         "): a request has one, and it can be used up for one of them",
                     "keep one of them, or ask them under any_of");
        return nullptr;
    }
    if (members.empty()) return nullptr;  // reported when it was read
    using Composite = policy::CompositeModule;
    return std::make_shared<Composite>(all ? Composite::Kind::kAll : Composite::Kind::kAny,
                                       std::move(members));
}

std::shared_ptr<policy::PolicyModule> build_policy(const std::string& name,
                                                   const PolicyConfig& config,
                                                   std::shared_ptr<const certs::Clock> clock,
                                                   ConfigFaults& faults, RuntimeServices services) {
    RuntimeContext context(std::move(clock), faults, std::move(services));
    return build_policy(name, config, context);
}

}  // namespace scepgate::server

#include "server/runtime_templates.hpp"

namespace scepgate::server {
namespace {

using certs::KeyUsageBit;

std::optional<ca_backend::Template> build_template(const std::string& name,
                                                   const TemplateConfig& config,
                                                   ConfigFaults& faults) {
    ca_backend::Template result;
    result.name = name;
    auto usage = certs::KeyUsage::from_names(config.key_usage);
    if (!usage) {
        faults.error(config.json_path + ".key_usage", usage.error().detail);
        return std::nullopt;
    }
    if (usage->has(KeyUsageBit::kKeyCertSign) || usage->has(KeyUsageBit::kCrlSign)) {
        faults.error(config.json_path + ".key_usage",
                     "a device certificate cannot sign certificates or CRLs",
                     "leave out keyCertSign and cRLSign");
        return std::nullopt;
    }
    if (usage->has(KeyUsageBit::kNonRepudiation)) {
        faults.warn(config.json_path + ".key_usage",
                    "nonRepudiation breaks enrolment on Apple devices");
    }
    result.key_usage = *usage;
    for (const auto& text : config.extended_key_usage) {
        auto oid = certs::extended_key_usage_from_text(text);
        if (!oid) {
            faults.error(config.json_path + ".extended_key_usage", oid.error().detail);
            return std::nullopt;
        }
        result.extended_key_usage.push_back(std::move(*oid));
    }
    if (config.validity < 5 * 86'400) {
        faults.warn(config.json_path + ".validity", "is under five days",
                    "Intune refuses certificates that short");
    }
    result.validity = config.validity;
    result.backdate = config.backdate;
    result.minimum_rsa_bits = config.minimum_rsa_bits;
    result.sid_extension = config.sid_extension;
    if (const auto sound = ca_backend::check_template(result); !sound) {
        faults.error(config.json_path, sound.error().detail);
        return std::nullopt;
    }
    return result;
}

}  // namespace

std::optional<Templates> build_templates(const std::map<std::string, TemplateConfig>& configs,
                                         ConfigFaults& faults) {
    Templates templates;
    for (const auto& [name, config] : configs) {
        if (auto made = build_template(name, config, faults)) templates[name] = std::move(*made);
    }
    if (templates.size() != configs.size()) return std::nullopt;
    return templates;
}

}  // namespace scepgate::server

#include "server/runtime_templates.hpp"

#include <algorithm>

#include "ca_backend/template_conflicts.hpp"
#include "certs/oids.hpp"

namespace scepgate::server {
namespace {

using certs::KeyUsageBit;

constexpr std::int64_t kFiveDays = 5 * 86'400;

/// A configured template made into one that a CA uses; faults by the keys that they are of.
class TemplateBuilder {
public:
    TemplateBuilder(const std::string& name, const TemplateConfig& config, ConfigFaults& faults)
        : config_(config), faults_(faults) {
        result_.name = name;
    }

    std::optional<ca_backend::Template> build() {
        set_usages();
        set_policies();
        set_microsoft();
        set_subject();
        set_validity();
        for (const std::string& text : config_.purposes) {
            if (const auto purpose = certs::purpose_from_text(text)) {
                result_.purposes.push_back(*purpose);
            }
        }
        result_.critical = {.key_usage = is_critical("key_usage"),
                            .extended_key_usage = is_critical("extended_key_usage"),
                            .application_policies = is_critical("application_policies"),
                            .certificate_policies = is_critical("certificate_policies")};
        result_.key_types = config_.keys;
        result_.minimum_rsa_bits = config_.minimum_rsa_bits;
        result_.maximum_rsa_bits = config_.maximum_rsa_bits;
        result_.sid_extension = config_.sid_extension;
        if (!sound_) return std::nullopt;
        if (const auto sound = ca_backend::check_template(result_); !sound) {
            faults_.error(config_.json_path, sound.error().detail);
            return std::nullopt;
        }
        for (const auto& one : ca_backend::template_conflicts(result_)) {
            const std::string at = config_.json_path + '.' + one.key;
            if (one.warning) {
                faults_.warn(at, one.what, one.remedy);
            } else {
                error(one.key, one.what, one.remedy);
            }
        }
        if (!sound_) return std::nullopt;
        return std::move(result_);
    }

private:
    void error(const std::string& key, const std::string& what, const std::string& remedy = {}) {
        faults_.error(config_.json_path + '.' + key, what, remedy);
        sound_ = false;
    }

    [[nodiscard]] bool is_critical(const char* extension) const {
        return std::find(config_.critical.begin(), config_.critical.end(), extension) !=
               config_.critical.end();
    }

    certs::ExtendedKeyUsage usages(const char* key, const std::vector<std::string>& texts) {
        certs::ExtendedKeyUsage all;
        for (const std::string& text : texts) {
            auto oid = certs::extended_key_usage_from_text(text);
            if (oid) {
                if (std::find(all.begin(), all.end(), *oid) == all.end()) {
                    all.push_back(std::move(*oid));
                    continue;
                }
                faults_.warn(config_.json_path + '.' + key,
                             "'" + text + "' is there already, and goes into a certificate once");
            } else {
                error(key, oid.error().detail);
            }
        }
        return all;
    }

    void set_usages() {
        const auto usage = certs::KeyUsage::from_names(config_.key_usage);
        if (!usage) return error("key_usage", usage.error().detail);
        if (usage->has(KeyUsageBit::kKeyCertSign) || usage->has(KeyUsageBit::kCrlSign)) {
            return error("key_usage", "a device certificate cannot sign certificates or CRLs",
                         "leave out keyCertSign and cRLSign");
        }
        if (usage->has(KeyUsageBit::kNonRepudiation)) {
            faults_.warn(config_.json_path + ".key_usage",
                         "nonRepudiation breaks enrolment on Apple devices");
        }
        result_.key_usage = *usage;
        result_.extended_key_usage = usages("extended_key_usage", config_.extended_key_usage);
        if (!config_.application_policies) return;
        result_.application_policies =
            config_.application_policies->empty()
                ? result_.extended_key_usage
                : usages("application_policies", *config_.application_policies);
    }

    void set_policies() {
        for (const auto& policy : config_.certificate_policies) {
            auto oid = certs::oid_from_text(policy.oid);
            if (!oid) {
                error("certificate_policies", oid.error().detail, "give it as 1.3.6.1.4.1.…");
                continue;
            }
            result_.certificate_policies.push_back({std::move(*oid), policy.cps, policy.notice});
        }
    }

    void set_microsoft() {
        if (!config_.microsoft_template) return;
        const auto& from = *config_.microsoft_template;
        ca_backend::MicrosoftTemplate made{from.name, {}, from.major, from.minor};
        if (!from.oid.empty()) {
            auto oid = certs::oid_from_text(from.oid);
            if (!oid) return error("microsoft_template.oid", oid.error().detail);
            made.oid = std::move(*oid);
        }
        result_.microsoft = std::move(made);
    }

    void set_subject() {
        if (config_.subject == "from_request") return;
        auto pattern = ca_backend::SubjectPattern::parse(config_.subject);
        if (!pattern) {
            return error("subject", pattern.error().detail,
                         "write \"from_request\", or a pattern as in docs/templates.md");
        }
        result_.subject = std::move(*pattern);
    }

    void set_validity() {
        result_.validity = config_.validity;
        result_.backdate = config_.backdate;
        if (config_.validity < kFiveDays) {
            faults_.warn(config_.json_path + ".validity", "is under five days",
                         "Intune refuses certificates that short");
        }
        if (!config_.requested_validity) return;
        auto range = ca_backend::ValidityRange{config_.requested_validity->minimum,
                                               config_.requested_validity->maximum};
        if (range.maximum == 0) range.maximum = config_.validity;
        if (range.minimum == 0) range.minimum = std::min(kFiveDays, range.maximum);
        result_.requested_validity = range;
    }

    const TemplateConfig& config_;
    ConfigFaults& faults_;
    ca_backend::Template result_;
    bool sound_ = true;
};

}  // namespace

std::optional<Templates> build_templates(const std::map<std::string, TemplateConfig>& configs,
                                         ConfigFaults& faults) {
    Templates templates;
    for (const auto& [name, config] : configs) {
        if (auto made = TemplateBuilder(name, config, faults).build()) {
            templates[name] = std::move(*made);
        }
    }
    if (templates.size() != configs.size()) return std::nullopt;
    return templates;
}

}  // namespace scepgate::server

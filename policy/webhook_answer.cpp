#include "policy/webhook_answer.hpp"

#include "policy/json_fields.hpp"
#include "policy/sid_names.hpp"
#include "policy/strict_json.hpp"

namespace scepgate::policy {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxReason = 1000;
constexpr std::size_t kMaxToken = 1000;

/// They are written, and read, as what a challenge is bound to.
constexpr const char* kGranted[] = {"subject",  "san", "key_usage",    "extended_key_usage",
                                    "template", "sid", "max_validity", "device_id",
                                    "user_id"};

Result<std::string> text_or_none(const JsonFields& fields, const char* name, std::size_t most) {
    if (fields.find(name) == nullptr) return std::string();
    return fields.text(name, most);
}

/// Whoever is named by a SID becomes that account: the two spellings must not disagree.
Result<void> check_sids(const WebhookAnswer& answer) {
    if (!answer.names) return {};
    for (const certs::GeneralName& name : answer.names->subject_alt_name) {
        if (const auto sid = sid_in(name); sid && answer.sid != *sid) {
            return malformed("san: has " + name.text() + ", \"sid\" is " +
                             answer.sid.value_or("missing"));
        }
    }
    return {};
}

Result<void> read_grant(const json& root, const JsonFields& fields, WebhookAnswer& answer) {
    json granted = json::object();
    for (const char* name : kGranted) {
        if (const json* member = fields.find(name)) granted[name] = *member;
    }
    auto read = parse_bindings(granted.dump());
    if (!read) return read.error();
    if (granted.contains("subject") || granted.contains("san")) {
        answer.names = {std::move(read->subject), std::move(read->subject_alt_name)};
    }
    answer.key_usage = read->key_usage;
    answer.extended_key_usage = std::move(read->extended_key_usage);
    answer.template_name = std::move(read->template_name);
    answer.max_validity = read->max_validity;
    answer.device_id = std::move(read->device_id);
    answer.user_id = std::move(read->user_id);
    answer.sid = std::move(read->sid);
    if (const json* approval = fields.find("approval")) {
        if (!approval->is_boolean()) return fields.fault("approval", "is neither true nor false");
        answer.approval = approval->get<bool>();
    }
    if (root.contains("once")) {
        auto once = fields.text("once", kMaxToken);
        if (!once) return once.error();
        answer.once = std::move(*once);
    }
    return check_sids(answer);
}

}  // namespace

Result<WebhookAnswer> parse_webhook_answer(std::string_view text) {
    if (text.size() > kMaxWebhookAnswer) {
        return malformed("it has more than " + std::to_string(kMaxWebhookAnswer) + " octets");
    }
    const auto parsed = parse_strict_json(text);
    if (!parsed) return parsed.error();
    if (!parsed->root.is_object()) return malformed("it is not a JSON object");
    const JsonFields fields(parsed->root);
    const auto decision = fields.text("decision", kMaxReason);
    if (!decision) return decision.error();

    WebhookAnswer answer;
    auto reason = text_or_none(fields, "reason", kMaxReason);
    if (!reason) return reason.error();
    answer.reason = std::move(*reason);
    if (*decision == "deny") {
        for (const auto& member : parsed->root.items()) {
            if (member.key() != "decision" && member.key() != "reason")
                return malformed("it denies, and has more members than \"reason\"");
        }
        return answer;
    }
    if (*decision != "allow") return fields.fault("decision", "is neither \"allow\" nor \"deny\"");
    answer.allow = true;
    const auto known = fields.only({"decision", "reason", "subject", "san", "key_usage",
                                    "extended_key_usage", "template", "sid", "max_validity",
                                    "device_id", "user_id", "approval", "once"});
    if (!known) return malformed("it has " + known.error().detail);
    if (const auto read = read_grant(parsed->root, fields, answer); !read) return read.error();
    return answer;
}

}  // namespace scepgate::policy

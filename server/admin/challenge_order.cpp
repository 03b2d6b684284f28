#include "server/admin/challenge_order.hpp"

#include "policy/json_fields.hpp"
#include "policy/strict_json.hpp"
#include "server/admin/form.hpp"
#include "server/config_reader.hpp"

namespace scepgate::server::admin {
namespace {

using policy::JsonFields;

constexpr std::size_t kMostText = 4096;
constexpr std::int64_t kMostSeconds = std::int64_t{100} * 366 * 86'400;

Problem bad_value(const Error& error) {
    return bad_request("bad_value", error.detail);
}

/// A member that nobody knows would be a limit that nobody enforces.
Result<void, Problem> only_known(const nlohmann::json& object, const std::string& where,
                                 const std::set<std::string>& known) {
    for (const auto& member : object.items()) {
        if (known.contains(member.key())) continue;
        const std::string near = nearest(member.key(), known);
        return bad_request("unknown_member",
                           where +
                               "a member that is not known: " + policy::member_name(member.key()) +
                               (near.empty() ? "" : "; did you mean '" + near + "'?"));
    }
    return {};
}

Result<certs::KeyUsage> key_usage_of(std::string_view text) {
    using certs::KeyUsageBit;
    if (text == "signature") return certs::KeyUsage{KeyUsageBit::kDigitalSignature};
    if (text == "encryption") return certs::KeyUsage{KeyUsageBit::kKeyEncipherment};
    if (text == "both") {
        return certs::KeyUsage{KeyUsageBit::kDigitalSignature, KeyUsageBit::kKeyEncipherment};
    }
    return malformed("key_usage: is not \"signature\", \"encryption\" or \"both\"");
}

/// Of a subject that was given: an empty one would leave the challenge good for any names.
Result<certs::Name> some_name(std::string_view text) {
    auto name = certs::Name::from_text(text);
    if (name && name->empty()) return malformed("names nobody");
    return name;
}

/// Reads the body member by member; stops at the first that does not fit.
class OrderReader {
public:
    explicit OrderReader(const nlohmann::json& root) : fields_(root) {}

    Result<ChallengeOrder, Problem> read() {
        policy::ChallengeParameters& parameters = order_.parameters;
        text("policy", order_.policy);
        std::string subject, usage, purpose, device_template, sid, endpoint;
        text("subject", subject);
        text("key_usage", usage);
        text("purpose", purpose);
        text("template", device_template);
        text("sid", sid);
        text("endpoint", endpoint);
        text("device_id", parameters.device_id);
        text("user_id", parameters.user_id);
        if (!subject.empty()) take("subject", some_name(subject), parameters.subject);
        if (!usage.empty()) take("", key_usage_of(usage), parameters.key_usage);
        if (!purpose.empty())
            take("purpose", certs::purpose_from_text(purpose), parameters.purpose);
        if (!device_template.empty()) parameters.template_name = device_template;
        if (!sid.empty()) parameters.sid = sid;
        if (!endpoint.empty()) parameters.endpoints = {endpoint};
        names();
        extended_key_usage();
        integer("max_validity", 1, kMostSeconds, parameters.max_validity);
        std::optional<std::int64_t> lifetime, count;
        integer("expires_in", 1, kMostSeconds, lifetime);
        if (lifetime) parameters.lifetime = *lifetime;
        integer("count", 1, kMostChallenges, count);
        if (count) order_.count = static_cast<std::size_t>(*count);
        if (parameters.template_name && parameters.purpose)
            fail(malformed("purpose: stands beside template; one of them says it"));
        if (fault_) return bad_value(*fault_);
        return std::move(order_);
    }

private:
    void fail(const Error& error) {
        if (!fault_) fault_ = error;
    }

    void text(const char* name, std::string& target) {
        if (fields_.find(name) == nullptr) return;
        auto value = fields_.text(name, kMostText);
        if (!value) return fail(value.error());
        target = *std::move(value);
    }

    void integer(const char* name, std::int64_t least, std::int64_t most,
                 std::optional<std::int64_t>& target) {
        if (fields_.find(name) == nullptr) return;
        const auto value = fields_.integer(name, most);
        if (!value) return fail(value.error());
        if (*value < least) return fail(fields_.fault(name, "is 0"));
        target = *value;
    }

    /// An empty list would say nothing, where somebody meant to.
    static Result<std::vector<std::string>> some_texts(const JsonFields& fields, const char* name) {
        auto values = fields.texts(name, kMostText);
        if (values && values->empty() && fields.find(name) != nullptr)
            return fields.fault(name, "is empty");
        return values;
    }

    template <class T, class Target>
    void take(std::string_view name, Result<T> read, Target& target) {
        if (!read) return fail(name.empty() ? read.error() : in_context(name, read.error()));
        target = *std::move(read);
    }

    void names() {
        const nlohmann::json* object = fields_.find("san");
        if (object == nullptr) return;
        if (!object->is_object()) return fail(fields_.fault("san", "is not an object"));
        if (object->empty()) return fail(fields_.fault("san", "is empty"));
        const JsonFields san(*object, "san.");
        for (const char* kind : {"dns", "upn", "email", "uri", "ip"}) {
            const auto values = some_texts(san, kind);
            if (!values) return fail(values.error());
            for (const std::string& value : *values)
                add_name(kind, value, order_.parameters.subject_alt_name);
        }
    }

    void add_name(const char* kind, const std::string& value, certs::GeneralNames& target) {
        const auto type = certs::general_name_type(kind);
        auto name = certs::GeneralName::make(type.value(), value);
        if (!name) return fail(in_context(std::string("san.") + kind, name.error()));
        target.push_back(*std::move(name));
    }

    void extended_key_usage() {
        const auto values = some_texts(fields_, "extended_key_usage");
        if (!values) return fail(values.error());
        for (const std::string& value : *values) {
            auto oid = certs::extended_key_usage_from_text(value);
            if (!oid) return fail(in_context("extended_key_usage", oid.error()));
            order_.parameters.extended_key_usage.push_back(*std::move(oid));
        }
    }

    JsonFields fields_;
    ChallengeOrder order_;
    std::optional<Error> fault_;
};

/// What may stand in params, and where it goes.
class NdesParameters {
public:
    Result<void> add(const std::string& name, const std::string& value) {
        if (value.empty() || value.size() > kMostText)
            return malformed(name + ": is empty or too long");
        if (name == "subject") {
            if (!once_.insert(name).second) return malformed("subject: stands there twice");
            auto subject = some_name(value);
            if (!subject) return in_context(name, subject.error());
            made.subject = *std::move(subject);
            return {};
        }
        if (const auto type = certs::general_name_type(name)) {
            auto alternative = certs::GeneralName::make(*type, value);
            if (!alternative) return in_context(name, alternative.error());
            made.subject_alt_name.push_back(*std::move(alternative));
            return {};
        }
        std::string* text = name == "device_id" ? &made.device_id
                            : name == "user_id" ? &made.user_id
                            : name == "sid"     ? &made.sid.emplace()
                                                : nullptr;
        if (text == nullptr)
            return malformed("params: a name that is not known: " + policy::member_name(name));
        if (!once_.insert(name).second) return malformed(name + ": stands there twice");
        *text = value;
        return {};
    }

    policy::ChallengeParameters made;

private:
    std::set<std::string> once_;
};

}  // namespace

Result<ChallengeOrder, Problem> read_order(std::string_view json) {
    const auto document = policy::parse_strict_json(json);
    if (!document) return bad_request("malformed", document.error().detail);
    const nlohmann::json& root = document->root;
    if (!root.is_object()) return bad_request("malformed", "the body is not a JSON object");
    auto known = only_known(
        root, "",
        {"policy", "subject", "san", "key_usage", "extended_key_usage", "purpose", "template",
         "endpoint", "max_validity", "expires_in", "device_id", "user_id", "sid", "count"});
    if (!known) return known.error();
    if (const auto san = root.find("san"); san != root.end() && san->is_object()) {
        known = only_known(*san, "san: ", {"dns", "upn", "email", "uri", "ip"});
        if (!known) return known.error();
    }
    return OrderReader(root).read();
}

Result<policy::ChallengeParameters, Problem> read_ndes_order(std::string_view key_usage,
                                                             std::string_view params) {
    NdesParameters parameters;
    if (!key_usage.empty()) {
        // The first octet of the key usage extension, as Windows writes it.
        const bool hex = key_usage.starts_with("0x") || key_usage.starts_with("0X");
        const auto octets = hex ? from_hex(key_usage.substr(2)) : Result<Bytes>(Bytes{});
        const std::uint8_t bits = octets && octets->size() == 1 ? octets->front() : 0;
        const char* usage = bits == 0x80   ? "signature"
                            : bits == 0x20 ? "encryption"
                            : bits == 0xa0 ? "both"
                                           : "";
        const auto read = key_usage_of(usage);
        if (!read) return bad_request("bad_value", "keyUsage: is not 0x80, 0x20 or 0xa0");
        parameters.made.key_usage = *read;
    }
    const auto form = parse_form(params);
    if (!form) return bad_value(in_context("params", form.error()));
    if (form->empty() && !params.empty()) return bad_request("bad_value", "params: names nothing");
    for (const auto& [name, value] : *form) {
        const auto added = parameters.add(name, value);
        if (!added) return bad_value(added.error());
    }
    return std::move(parameters.made);
}

}  // namespace scepgate::server::admin

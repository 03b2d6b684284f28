#include "server/notices.hpp"

#include <nlohmann/json.hpp>

#include "certs/clock.hpp"
#include "certs/excerpt.hpp"
#include "certs/oids.hpp"

namespace scepgate::server {
namespace {

using ca_backend::OutboxEvent;
using Json = nlohmann::ordered_json;

void add_if(Json& out, const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
}

/// Names as they were asked for; nobody has judged how long they are.
void add_names(Json& out, const std::string& subject, const std::string& alternative_names) {
    constexpr std::size_t kLongestName = 4096;  // octets; the audit file's bound
    out["subject"] = excerpt(subject, kLongestName);
    out["subject_alt_name"] = excerpt(alternative_names, kLongestName);
}

/// RFC 8894 section 3.2.1.2. Nothing else leads to a record.
template <class Row>
const char* type_of(const Row& row) {
    constexpr int kRenewalReq = 17;
    return row.message_type == kRenewalReq ? "RenewalReq" : "PKCSReq";
}

Json names_in(const certs::Certificate& certificate) {
    Json list = Json::array();
    const auto* extension =
        certs::find_extension(certificate.extensions(), certs::oid::kSubjectAltName);
    if (extension == nullptr) return list;
    const auto names = certs::parse_general_names(extension->value);
    if (!names) return list;
    for (const certs::GeneralName& name : *names)
        list.push_back({{"type", to_text(name.type)}, {"value", name.value}});
    return list;
}

Json describe(const certs::Certificate& certificate, bool whole) {
    Json out = {{"serial", certificate.serial_hex()},
                {"issuer", certificate.issuer_text()},
                {"subject", certificate.subject_text()},
                {"san", names_in(certificate)},
                {"not_before", certs::utc_text(certificate.not_before())},
                {"not_after", certs::utc_text(certificate.not_after())},
                {"sha256", to_hex(certificate.fingerprint())}};
    if (whole) out["der"] = to_base64(certificate.der());
    return out;
}

/// Whose it is and what granted it: an IssuanceRecord, a PendingRecord or a CertificateRow.
template <class Row>
void add_origin(Json& out, const Row& row) {
    out["transaction_id"] = row.transaction_id;
    out["ca"] = row.ca;
    add_if(out, "template", row.template_name);
    out["policy"] = row.policy;
    add_if(out, "device_id", row.device_id);
    add_if(out, "user_id", row.user_id);
}

std::string_view kind_of(const ca_backend::CertificateRow& row) {
    if (!row.revocation) return "released";
    return row.revocation->on_hold() ? "held" : "revoked";
}

}  // namespace

bool Subscription::wants(std::string_view kind, const std::string& endpoint) const {
    return kinds.contains(kind) && (endpoints.empty() || endpoints.contains(endpoint));
}

std::vector<Subscription> subscriptions(const Config& config) {
    std::vector<Subscription> all;
    for (const auto& [name, notifier] : config.notifiers) {
        all.push_back({name,
                       {notifier.events.begin(), notifier.events.end()},
                       {notifier.endpoints.begin(), notifier.endpoints.end()},
                       notifier.certificate});
    }
    return all;
}

Notices::Notices(std::vector<Subscription> subscriptions, std::function<void()> wake)
    : subscriptions_(std::move(subscriptions)), wake_(std::move(wake)) {}

template <class Write>
std::vector<OutboxEvent> Notices::tell(std::string_view kind, const std::string& endpoint,
                                       std::int64_t now, Write write) const {
    std::vector<OutboxEvent> events;
    for (const Subscription& subscription : subscriptions_) {
        if (!subscription.wants(kind, endpoint)) continue;
        const std::string id = to_hex(random_bytes(16));
        Json body = {{"version", 1},
                     {"event", kind},
                     {"id", id},
                     {"time", certs::utc_text(now)},
                     {"endpoint", endpoint}};
        write(body, subscription.certificate);
        events.push_back({subscription.target, std::string(kind), id,
                          body.dump(-1, ' ', false, Json::error_handler_t::replace)});
    }
    return events;
}

std::vector<OutboxEvent> Notices::issued(const ca_backend::IssuanceRecord& record) const {
    return tell("issued", record.endpoint, record.now, [&](Json& body, bool whole) {
        body["message_type"] = type_of(record);
        add_if(body, "client_address", record.client_address);
        add_origin(body, record);
        body["certificate"] = describe(record.certificate, whole);
    });
}

std::vector<OutboxEvent> Notices::pending(const ca_backend::PendingRecord& record) const {
    return tell("pending", record.endpoint, record.now, [&](Json& body, bool) {
        body["message_type"] = type_of(record);
        add_if(body, "client_address", record.client_address);
        add_origin(body, record);
        add_names(body, record.subject, record.subject_alt_name);
        body["csr_sha256"] = to_hex(sha256(record.details.csr));
        body["expires"] = certs::utc_text(record.details.expires);
    });
}

std::vector<OutboxEvent> Notices::revoked(const ca_backend::CertificateRow& row,
                                          std::int64_t at) const {
    return tell(kind_of(row), row.endpoint, at, [&](Json& body, bool whole) {
        add_origin(body, row);
        const auto certificate = certs::Certificate::from_der(row.der);
        if (certificate) body["certificate"] = describe(*certificate, whole);
        if (row.revocation) {
            body["revocation"] = {{"at", certs::utc_text(row.revocation->at)},
                                  {"reason", to_text(row.revocation->reason)}};
        }
    });
}

void Notices::added() const {
    if (wake_) wake_();
}

std::vector<OutboxEvent> Notices::refused(const RefusedRequest& request, std::int64_t now) const {
    return tell("refused", request.endpoint, now, [&](Json& body, bool) {
        const RequestRecord& record = request.record;
        body["message_type"] = record.message_type;
        add_if(body, "client_address", request.client_address);
        body["transaction_id"] = record.transaction_id;
        add_if(body, "policy", record.policy);
        body["code"] = request.refusal.code;
        add_if(body, "check", request.refusal.check);
        body["reason"] = request.refusal.text;
        add_if(body, "expected", request.refusal.expected);
        add_if(body, "found", request.refusal.found);
        add_if(body, "hint", request.refusal.hint);
        if (record.subject) add_names(body, *record.subject, record.subject_alt_name);
    });
}

}  // namespace scepgate::server

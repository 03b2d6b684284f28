#include "server/audit_told.hpp"

#include <cstring>

#include <nlohmann/json.hpp>

#include "ca_backend/certificate_record.hpp"

namespace scepgate::server {
namespace {

/// A text of a record; empty where there is none.
std::string audit_text_of(const nlohmann::json& record, const char* key) {
    const auto found = record.find(key);
    return found != record.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool line_mentions(std::string_view line, std::string_view words) {
    return line.find(words) != std::string_view::npos;
}

}  // namespace

CertificateMark mark_of(ByteView fingerprint) {
    CertificateMark mark = 0;
    std::memcpy(&mark, fingerprint.data(), sizeof mark);
    return mark;
}

std::optional<CertificateTold> certificate_told_by(std::string_view line) {
    const bool issued = line_mentions(line, "\"event\":\"issue\"");
    if (!issued && !line_mentions(line, "\"event\":\"sign\"")) return std::nullopt;
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    // Again from what was parsed: the words may stand in a value.
    if (audit_text_of(json, "event") != (issued ? "issue" : "sign")) return std::nullopt;
    const auto fingerprint = from_hex(audit_text_of(json, "fingerprint"));
    if (!fingerprint || fingerprint->size() < sizeof(CertificateMark)) return std::nullopt;
    return CertificateTold{issued,
                           audit_text_of(json, "time"),
                           audit_text_of(json, "ca"),
                           audit_text_of(json, "serial"),
                           audit_text_of(json, "subject"),
                           mark_of(*fingerprint)};
}

std::optional<TakenBackTold> taken_back_by(std::string_view line) {
    if (!line_mentions(line, "\"recorded\":\"no\"")) return std::nullopt;
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || audit_text_of(json, "event") != "revoke") return std::nullopt;
    if (audit_text_of(json, "recorded") != "no") return std::nullopt;
    return TakenBackTold{audit_text_of(json, "ca"), serial_from_hex(audit_text_of(json, "serial")),
                         audit_text_of(json, "not_after")};
}

std::optional<RevocationTold> revocation_told_by(std::string_view line) {
    for (const char* event : {"revoke", "hold", "release"}) {
        if (!line_mentions(line, std::string("\"event\":\"") + event + '"')) continue;
        const auto json = nlohmann::json::parse(line, nullptr, false);
        if (!json.is_object() || audit_text_of(json, "event") != event) return std::nullopt;
        RevocationTold told;
        told.event = event;
        told.time = audit_text_of(json, "time");
        told.ca = audit_text_of(json, "ca");
        told.serial = audit_text_of(json, "serial");
        told.subject = audit_text_of(json, "subject");
        told.reason = audit_text_of(json, "reason");
        told.not_after = audit_text_of(json, "not_after");
        told.recorded = audit_text_of(json, "recorded") != "no";
        return told;
    }
    return std::nullopt;
}

Bytes serial_from_hex(const std::string& text) {
    const auto octets = from_hex(text.size() % 2 == 0 ? text : '0' + text);
    return octets ? ca_backend::without_sign_octet(*octets) : Bytes();
}

}  // namespace scepgate::server

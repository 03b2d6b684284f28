#include "server/request_record.hpp"

namespace scepgate::server {

void describe(const Refusal& refusal, RequestRecord& record) {
    record.code = refusal.code;
    record.reason = refusal.text;
    record.check = refusal.check;
    record.expected = refusal.expected;
    record.found = refusal.found;
    record.hint = refusal.hint;
}

void log_request(Log& log, const HttpRequest& request, const RequestRecord& record,
                 unsigned status) {
    const bool refused = status >= 400 || record.refused;
    if (!refused && !log.info_enabled()) return;
    LogFields fields;
    const auto add = [&](std::string_view key, std::string_view value) {
        if (!value.empty()) fields.add(key, value);
    };
    add("client", request.client_address);
    add("method", to_text(request.method));
    add("operation", record.operation);
    add("endpoint", record.endpoint);
    if (record.endpoint.empty()) add("path", request.path);
    add("transaction_id", record.transaction_id);
    add("message_type", record.message_type);
    fields.add("uri_length", request.uri_length);
    add("decode_path", record.decode_path);
    add("digest", record.digest);
    add("signature", record.signature);
    add("key_transport", record.key_transport);
    add("cipher", record.cipher);
    add("purpose", record.purpose);
    add("template", record.template_name);
    add("policy", record.policy);
    add("code", record.code);
    add("check", record.check);
    add("reason", record.reason);
    add("expected", record.expected);
    add("found", record.found);
    add("hint", record.hint);
    add("ca", record.ca_result);
    add("serial", record.serial);
    for (const auto& note : record.notes)
        add("note", note);
    add("user_agent", request.user_agent);
    fields.add("status", status);
    const auto elapsed = std::chrono::steady_clock::now() - request.received;
    fields.add("microseconds",
               static_cast<std::uint64_t>(
                   std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count()));

    if (status >= 500) {
        log.error("request", fields);
    } else if (refused) {
        log.warn("request", fields);
    } else {
        log.info("request", fields);
    }
}

}  // namespace scepgate::server

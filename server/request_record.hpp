// What is known of one request when it ends: the request log's line.
#pragma once

#include <optional>

#include "certs/refusal.hpp"
#include "server/http_message.hpp"
#include "server/log.hpp"

namespace scepgate::server {

/// Filled in on the way through the stages; written once, whatever the outcome.
struct RequestRecord {
    std::string operation;    ///< "PKIOperation" …
    std::string endpoint;     ///< name; "" when no path matched
    std::string decode_path;  ///< how the message had to be mended: "raw-plus,ber"; "plain"
    std::string message_type;
    std::string transaction_id;
    std::string digest, signature, key_transport, cipher;
    std::string purpose, template_name;
    std::string policy;  ///< the module's name
    std::string code;    ///< "Success", "Retry", "Pending", or the refusal's code
    std::string reason;  ///< the refusal's text
    std::string check, expected, found, hint;  ///< and its parts
    bool refused = false;                      ///< answered with FAILURE
    bool known = false;     ///< who asks has a valid challenge, or renews a valid certificate
    std::string ca_result;  ///< "issued", "refused", "" when the CA was not asked
    std::string serial;
    std::vector<std::string> notes;
    std::optional<std::string> subject;  ///< as asked for; for the audit file alone
    std::string subject_alt_name;
};

/// What the refusal says.
void describe(const Refusal& refusal, RequestRecord& record);

/// One line: the request's HTTP side, then what is set in `record`, then status and latency.
/// Refusals are warnings, failures of ours are errors; what is served from memory is info.
void log_request(Log& log, const HttpRequest& request, const RequestRecord& record,
                 unsigned status);

}  // namespace scepgate::server

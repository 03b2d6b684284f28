#include "policy/intune/revocation_api.hpp"

#include <nlohmann/json.hpp>

#include "policy/strict_json.hpp"

namespace scepgate::policy::intune {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kConnectorService = "pkiconnectorfeservice";

Error unreadable(std::string_view why) {
    return {Errc::kUnavailable, "Intune's answer: " + std::string(why)};
}

/// Empty also for null, and of what is no object.
std::string text_in(const nlohmann::json& object, const char* name) {
    const auto member = object.find(name);
    return member != object.end() && member->is_string() ? member->get<std::string>() : "";
}

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

const char* to_text(RevocationError error) noexcept {
    switch (error) {
        case RevocationError::kNone:
            return "None";
        case RevocationError::kNonRetryable:
            return "NonRetryableServiceException";
        case RevocationError::kDataSerialization:
            return "DataSerializationError";
        case RevocationError::kParameterDataInvalid:
            return "ParameterDataInvalidError";
        case RevocationError::kCryptography:
            return "CryptographyError";
        case RevocationError::kCertificateNotFound:
            return "CertificateNotFoundError";
        case RevocationError::kConflict:
            return "ConflictError";
        case RevocationError::kNotSupported:
            return "NotSupportedError";
        case RevocationError::kPayloadTooLarge:
            return "PayloadTooLargeError";
        case RevocationError::kRetryable:
            return "RetryableServiceException";
        case RevocationError::kServiceUnavailable:
            return "ServiceUnavailable";
        case RevocationError::kServiceTooBusy:
            return "ServiceTooBusy";
        case RevocationError::kAuthentication:
            return "AuthenticationException";
    }
    return "NonRetryableServiceException";
}

std::string download_body(std::size_t most) {
    Json parameters;
    parameters["maxRequests"] = most;
    parameters["issuerName"] = nullptr;
    Json body;
    body["downloadParameters"] = std::move(parameters);
    return dump(body);
}

std::string upload_body(const std::vector<RevocationResult>& results) {
    Json list = Json::array();
    for (const RevocationResult& result : results) {
        Json one;
        one["requestContext"] = result.context;
        one["succeeded"] = result.error == RevocationError::kNone;
        one["errorCode"] = to_text(result.error);
        one["errorMessage"] = result.message.empty() ? Json(nullptr) : Json(result.message);
        list.push_back(std::move(one));
    }
    Json body;
    body["results"] = std::move(list);
    return dump(body);
}

Result<RevocationPage> read_revocations(std::string_view body, std::size_t most) {
    const auto json = parse_strict_json(body);
    if (!json || !json->root.is_object()) return unreadable("no JSON object");
    const auto list = json->root.find("value");
    if (list == json->root.end() || !list->is_array()) return unreadable("no list of requests");
    if (list->size() > most) return unreadable("more requests than were asked for");
    RevocationPage page;
    for (const auto& entry : *list) {
        RevocationRequest request{text_in(entry, "requestContext"), text_in(entry, "serialNumber"),
                                  text_in(entry, "issuerName"), text_in(entry, "caConfiguration")};
        if (request.context.empty()) {
            ++page.unanswerable;
        } else {
            page.requests.push_back(std::move(request));
        }
    }
    return page;
}

Result<void> read_upload_answer(std::string_view body) {
    const auto json = parse_strict_json(body);
    if (!json || !json->root.is_object()) return unreadable("no JSON object");
    const auto value = json->root.find("value");
    if (value == json->root.end() || !value->is_boolean() || !value->get<bool>())
        return unreadable("it has not taken the results");
    return {};
}

boost::asio::awaitable<Result<RevocationPage>> RevocationApi::download(std::size_t most) {
    std::string body = download_body(most);
    const auto answer = co_await ask("downloadRevocationRequests", std::move(body));
    if (!answer) co_return answer.error();
    co_return read_revocations(*answer, most);
}

boost::asio::awaitable<Result<void>> RevocationApi::upload(std::vector<RevocationResult> results) {
    std::string body = upload_body(results);
    const auto answer = co_await ask("uploadRevocationResults", std::move(body));
    if (!answer) co_return answer.error();
    co_return read_upload_answer(*answer);
}

boost::asio::awaitable<Result<std::string>> RevocationApi::ask(std::string action,
                                                               std::string json) {
    Service service{kConnectorService, api_->settings().revocation_version};
    Secret body(json);
    std::string path = "CertificateAuthorityRequests/" + action;
    co_return co_await api_->post(std::move(service), std::move(path), std::move(body));
}

}  // namespace scepgate::policy::intune

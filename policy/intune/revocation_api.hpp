// Certificates that Intune wants revoked (CertificateAuthorityRequests of PkiConnectorFEService).
#pragma once

#include "policy/intune/api.hpp"

namespace scepgate::policy::intune {

struct RevocationRequest {
    std::string context;  ///< to be sent back as it came
    std::string serial;   ///< hexadecimal as Intune keeps it
    std::string issuer;   ///< issuingCertificateAuthority of our notification
    std::string ca_configuration;
};

struct RevocationPage {
    std::vector<RevocationRequest> requests;
    std::size_t unanswerable = 0;  ///< entries without a requestContext
};

/// Microsoft's ErrorCode. From 4100 on Intune asks again.
enum class RevocationError {
    kNone = 0,
    kNonRetryable = 4000,
    kDataSerialization = 4001,
    kParameterDataInvalid = 4002,
    kCryptography = 4003,
    kCertificateNotFound = 4004,
    kConflict = 4005,
    kNotSupported = 4006,
    kPayloadTooLarge = 4007,
    kRetryable = 4100,
    kServiceUnavailable = 4101,
    kServiceTooBusy = 4102,
    kAuthentication = 4103,
};
/// "None", "CertificateNotFoundError", …
[[nodiscard]] const char* to_text(RevocationError error) noexcept;

struct RevocationResult {
    std::string context;
    RevocationError error = RevocationError::kNone;
    std::string message;  ///< empty with kNone
};

inline constexpr std::size_t kMostRevocations = 500;  ///< that Intune gives at once

class RevocationApi {
public:
    explicit RevocationApi(std::shared_ptr<Api> api) : api_(std::move(api)) {}

    /// What waits, of all issuers: Intune's own filter compares with the wrong member, and cuts the
    /// list before it filters. `most`: 1 to kMostRevocations. kUnsupported: that many are too large
    /// for one answer. kUnavailable.
    boost::asio::awaitable<Result<RevocationPage>> download(std::size_t most);

    /// kUnavailable unless Intune says that it has them all.
    boost::asio::awaitable<Result<void>> upload(std::vector<RevocationResult> results);

    [[nodiscard]] const Settings& settings() const noexcept { return api_->settings(); }

private:
    boost::asio::awaitable<Result<std::string>> ask(std::string action, std::string json);

    std::shared_ptr<Api> api_;
};

[[nodiscard]] std::string download_body(std::size_t most);
[[nodiscard]] std::string upload_body(const std::vector<RevocationResult>& results);
[[nodiscard]] Result<RevocationPage> read_revocations(std::string_view body, std::size_t most);
[[nodiscard]] Result<void> read_upload_answer(std::string_view body);

}  // namespace scepgate::policy::intune

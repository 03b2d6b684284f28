// The configuration's CAs.
#pragma once

#include "ca_backend/embedded_ca.hpp"
#include "server/runtime_context.hpp"
#include "server/runtime_templates.hpp"

namespace scepgate::server {

struct BuiltCa {
    std::shared_ptr<ca_backend::CaBackend> backend;
    /// `backend`, where the key is in this process; else null.
    std::shared_ptr<ca_backend::EmbeddedCa> embedded;
    Credential credential;
    KeyPairConfig files;           ///< where it came from
    RenewalAdvice renewal;         ///< of its own certificate
    ca_backend::CrlUrls crl_urls;  ///< as configured here
    /// As OcspSettings has it.
    std::function<Result<certs::Certificate>(const certs::PrivateKey& key)> certify_responder;
};

/// Made by 'scepgate ca create --subordinate', and not certified yet.
[[nodiscard]] bool awaits_certificate(const CaConfig& config);
/// Says so, and what to do. `severity`: a warning where nothing needs it.
void tell_of_awaited_certificate(const std::string& name, const CaConfig& config,
                                 RuntimeContext& context, Expiry severity);

/// Nothing after a fault. Without `templates`, which have a fault of their own, the CA is judged
/// but not made. `expiry`, `renewal`: of its own certificate.
[[nodiscard]] std::optional<BuiltCa> build_ca(const std::string& name, const CaConfig& config,
                                              const std::optional<Templates>& templates,
                                              RuntimeContext& context,
                                              Expiry expiry = Expiry::kError,
                                              const RenewalAdvice& renewal = {});

}  // namespace scepgate::server

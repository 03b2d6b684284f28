// The CA inside scepgate: a key, a certificate, templates.
#pragma once

#include <map>
#include <memory>

#include "ca_backend/ca_backend.hpp"
#include "ca_backend/template.hpp"
#include "certs/certificate_builder.hpp"
#include "certs/clock.hpp"

namespace scepgate::ca_backend {

struct EmbeddedCaSettings {
    std::string name;
    std::vector<certs::Certificate> chain;   ///< issuing CA first
    certs::PrivateKey key;
    certs::Digest digest = certs::Digest::kSha256;
    std::map<std::string, Template> templates;
    std::vector<std::string> ca_issuers_urls;   ///< AIA caIssuers
    std::vector<std::string> ocsp_urls;         ///< AIA ocsp
    std::vector<std::string> crl_urls;          ///< CDP
};

/// Signs with a key in this process. notBefore is backdated, notAfter never beyond the CA's own;
/// serials are 128 random bits; the signature is verified before the certificate is given out. It
/// refuses (temporary) when its own certificate is not valid now.
class EmbeddedCa final : public CaBackend {
public:
    /// kConfig: key and certificate do not belong together, the certificate is no CA's, or its key
    /// usage lacks keyCertSign.
    static Result<std::shared_ptr<EmbeddedCa>> create(EmbeddedCaSettings settings,
                                                      std::shared_ptr<const certs::Clock> clock);

    [[nodiscard]] const std::string& name() const noexcept override { return settings_.name; }
    boost::asio::awaitable<Result<IssueOutcome, Refusal>> issue(
        const Grant& grant, const IssueContext& context) override;
    [[nodiscard]] const std::vector<certs::Certificate>& chain() const noexcept override {
        return settings_.chain;
    }

private:
    EmbeddedCa(EmbeddedCaSettings settings, std::shared_ptr<const certs::Clock> clock);
    EmbeddedCaSettings settings_;
    std::shared_ptr<const certs::Clock> clock_;
    Bytes issuer_key_identifier_;
};

}  // namespace scepgate::ca_backend

// The CA inside scepgate: a key, a certificate, templates.
#pragma once

#include <map>
#include <memory>

#include "ca_backend/ca_backend.hpp"
#include "ca_backend/crl_maker.hpp"
#include "ca_backend/name_constraints.hpp"
#include "ca_backend/template.hpp"
#include "certs/certificate_builder.hpp"
#include "certs/clock.hpp"

namespace scepgate::ca_backend {

struct EmbeddedCaSettings {
    std::string name;
    std::vector<certs::Certificate> chain;  ///< issuing CA first
    certs::PrivateKey key;
    /// Empty: by the key; SHA-256 for RSA and P-256, SHA-384 for P-384, SHA-512 for P-521.
    std::optional<certs::Digest> digest;
    std::map<std::string, Template> templates;
    std::vector<std::string> ca_issuers_urls;             ///< AIA caIssuers
    std::vector<std::string> ocsp_urls;                   ///< AIA ocsp
    std::vector<std::string> crl_urls;                    ///< CDP: several places of one CRL
    std::vector<std::string> freshest_crl_urls;           ///< the same for its delta CRL
    std::int64_t crl_validity = std::int64_t{7} * 86400;  ///< seconds
    std::int64_t crl_period = 0;  ///< seconds until the next is made; 0: half of the validity
    std::optional<CrlTimes> delta_crl = {};   ///< empty: there are no delta CRLs
    bool issuing_distribution_point = false;  ///< CRLs name `crl_urls`
    /// Where another process writes the certificates: what its `crl_urls` and `freshest_crl_urls`
    /// are, for CRLs (those here are empty then), and which bases of deltas it knows. It may block.
    std::function<Result<CrlTerms>()> terms_elsewhere = {};
    std::function<Result<void>(const MadeCrl&)> record_crl = {};  ///< see CrlSettings
};

/// Signs with a key in this process. notBefore is backdated, notAfter never beyond the CA's own;
/// serials are 128 random bits; the signature is verified before the certificate is given out.
///
/// Refusals: "CaNotValid" (temporary: its own certificate is not valid now), "TemplateUnknown",
/// those of plan_certificate(), "SubjectNameMissing" (neither subject nor SAN), "SidInvalid",
/// "NameNotPermitted" (the name constraints of its chain), "CaSigningFailed" (temporary).
class EmbeddedCa final : public CaBackend {
public:
    /// kConfig: key and certificate do not belong together, the certificate is no CA's, its key
    /// usage lacks keyCertSign, the chain is not in order, a template or URL cannot be used, a
    /// CRL's validity is not between an hour and 400 days, or ends before the next one is made.
    static Result<std::shared_ptr<EmbeddedCa>> create(EmbeddedCaSettings settings,
                                                      std::shared_ptr<const certs::Clock> clock);

    [[nodiscard]] const std::string& name() const noexcept override { return settings_.name; }
    /// Signs before the first suspension: run it where an RSA operation may block.
    boost::asio::awaitable<Result<IssueOutcome, Refusal>> issue(
        const Grant& grant, const IssueContext& context) override;
    [[nodiscard]] Result<std::optional<certs::Name>, Refusal> built_subject(
        const Grant& grant, const std::string& template_name) const override;
    Result<std::optional<IssuePreview>, Refusal> preview(const Grant& grant,
                                                         const IssueContext& context) override;
    [[nodiscard]] const std::vector<certs::Certificate>& chain() const noexcept override {
        return settings_.chain;
    }
    boost::asio::awaitable<Result<void>> revoke(Store& store, Bytes serial,
                                                certs::RevocationReason reason) override;
    /// See CrlMaker. kUnsupported: the CA certificate's key usage lacks cRLSign; kUnavailable: it
    /// is not valid now. Signs on the thread that runs it.
    boost::asio::awaitable<Result<certs::Crl>> crl(Store& store, CrlWanted wanted) override;

    /// "TemplateUnknown". As long as the CA lives.
    [[nodiscard]] Result<const Template*, Refusal> find_template(const std::string& name) const;
    [[nodiscard]] certs::KeyType key_type() const noexcept { return settings_.key.type(); }
    /// A certificate for a responder that answers for this CA (RFC 6960 section 4.2.2.2), valid for
    /// `lifetime` seconds, never beyond the CA. kUnavailable: the CA is not valid now.
    [[nodiscard]] Result<certs::Certificate> certify_ocsp_responder(const certs::PublicKey& key,
                                                                    std::int64_t lifetime) const;

private:
    EmbeddedCa(EmbeddedCaSettings settings, std::shared_ptr<const certs::Clock> clock,
               NameConstraints name_constraints);

    /// All but the signature.
    struct Draft {
        certs::CertificateContents contents;
        CertificatePlan plan;
    };
    [[nodiscard]] Result<Draft, Refusal> draft(const Grant& grant,
                                               const IssueContext& context) const;
    [[nodiscard]] Result<IssueOutcome, Refusal> sign(const Grant& grant,
                                                     const IssueContext& context) const;
    [[nodiscard]] std::vector<Bytes> extensions(const Template& tmpl, const Grant& grant,
                                                const CertificatePlan& plan) const;

    EmbeddedCaSettings settings_;
    std::shared_ptr<const certs::Clock> clock_;
    NameConstraints name_constraints_;
    certs::Digest digest_;
    // Extensions that are the same in every certificate; made once.
    Bytes basic_constraints_;
    Bytes authority_key_identifier_;
    std::vector<Bytes> pointers_;  ///< CDP and AIA, where there are URLs
    bool may_sign_crls_;
    CrlMaker crl_maker_;
};

}  // namespace scepgate::ca_backend

// A CA whose key is in the signer: what stands in for it in the network process.
#pragma once

#include "ca_backend/ca_backend.hpp"
#include "ca_backend/crl_maker.hpp"
#include "server/signer/client.hpp"

namespace scepgate::server::signer {

/// The CA's key, as far as it signs here: CRLs, which the signer judges (CrlOrder). Anything else
/// is kDenied by it.
[[nodiscard]] certs::PrivateKey remote_key(std::string ca, certs::PublicKey public_key,
                                           std::shared_ptr<SignerClient> client);

/// Where the CA publishes its CRLs, as its certificates and the signer have it, and which bases of
/// deltas the signer knows. Blocks. Errors as of SignerClient; kDenied: the signer refuses.
[[nodiscard]] Result<ca_backend::CrlTerms> ask_crl_terms(const std::string& ca,
                                                         SignerClient& client);

/// Has the signer certify the key of an OCSP responder of its CA, whose certificate this is, and
/// judges what comes back. Blocks. kUnavailable: there is no signer, or it says to come again;
/// kDenied: it refuses; kMalformed: it answers something else.
[[nodiscard]] Result<certs::Certificate> certify_responder(const std::string& ca,
                                                           const certs::Certificate& ca_certificate,
                                                           SignerClient& client,
                                                           const certs::PrivateKey& key);

/// Has certificates issued by the signer. All else (chain, revocation, CRLs, what would be issued)
/// is `local`'s, an embedded CA with remote_key().
///
/// What comes back is believed only if it is a certificate for the Grant's key and names, signed by
/// this CA. Refusals: the signer's, and temporary "SignerUnavailable", "SignerWrongAnswer".
class RemoteCa final : public ca_backend::CaBackend {
public:
    RemoteCa(std::shared_ptr<ca_backend::CaBackend> local, std::shared_ptr<SignerClient> client)
        : local_(std::move(local)), client_(std::move(client)) {}

    [[nodiscard]] const std::string& name() const noexcept override { return local_->name(); }
    boost::asio::awaitable<Result<ca_backend::IssueOutcome, Refusal>> issue(
        const Grant& grant, const ca_backend::IssueContext& context) override;
    [[nodiscard]] Result<std::optional<certs::Name>, Refusal> built_subject(
        const Grant& grant, const std::string& template_name) const override {
        return local_->built_subject(grant, template_name);
    }
    Result<std::optional<ca_backend::IssuePreview>, Refusal> preview(
        const Grant& grant, const ca_backend::IssueContext& context) override {
        return local_->preview(grant, context);
    }
    [[nodiscard]] const std::vector<certs::Certificate>& chain() const noexcept override {
        return local_->chain();
    }
    boost::asio::awaitable<Result<void>> revoke(ca_backend::Store& store, Bytes serial,
                                                certs::RevocationReason reason) override {
        return local_->revoke(store, std::move(serial), reason);
    }
    boost::asio::awaitable<Result<certs::Crl>> crl(ca_backend::Store& store,
                                                   ca_backend::CrlWanted wanted) override {
        return local_->crl(store, wanted);
    }

private:
    [[nodiscard]] Result<certs::Certificate, Refusal> believe(
        const IssuedAnswer& answer, const Grant& grant,
        const ca_backend::IssueContext& context) const;

    std::shared_ptr<ca_backend::CaBackend> local_;
    std::shared_ptr<SignerClient> client_;
};

}  // namespace scepgate::server::signer

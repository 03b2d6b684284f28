// From a Grant to a recorded certificate, and telling the policy module of it.
#pragma once

#include "server/audit_trail.hpp"
#include "server/operation.hpp"

namespace scepgate::server {

/// The template that this endpoint uses for the Grant. Refused: "TemplateMismatch" (the Grant names
/// another one), "NoTemplateForPurpose".
[[nodiscard]] Result<std::string, Refusal> choose_template(const Endpoint& endpoint,
                                                           const Grant& grant);

/// No device has a key of the server's. Refused: "KeyIsServers".
[[nodiscard]] Result<void, Refusal> check_key(const Endpoint& endpoint,
                                              const certs::PublicKey& key);

/// No key that others have gets a certificate: one of which a certificate was revoked as
/// keyCompromise. Nor does whoever has it renew another certificate of it with a new key. Refused:
/// "KeyCompromised", "StoreUnavailable".
[[nodiscard]] Result<void, Refusal> check_not_compromised(ca_backend::Store& store,
                                                          const EnrollmentRequest& request);

/// The rules against a subject that a template builds of what was granted, which is in the
/// certificate in place of the granted one: the endpoint's, and those of the challenge's signer.
[[nodiscard]] Result<void, Refusal> check_built_subject(const Endpoint& endpoint,
                                                        const Grant& grant,
                                                        const certs::Name& built);

/// What every Grant is held against before it waits for an operator, and again before a CA is
/// asked, whoever made it: check_key(), choose_template(), the endpoint's name and key rules
/// (policy/issuance_rules.hpp), and check_built_subject() where the template builds one; or what
/// speaks against building it. The template.
[[nodiscard]] Result<std::string, Refusal> check_issuable(const Endpoint& endpoint,
                                                          const Grant& grant);

/// Whether a certificate that was issued has expired, was revoked or is on hold: nobody is answered
/// with it any more who asks for one.
[[nodiscard]] Result<bool> is_over(ca_backend::Store& store, const certs::Certificate& issued,
                                   std::int64_t now);

/// The challenge is used up: another request was faster, or came long before.
[[nodiscard]] Refusal already_redeemed();
/// The certificate that asks for its renewal was revoked since that was judged.
[[nodiscard]] Refusal signer_revoked(const certs::Certificate& signer);
/// It was renewed since, or is not the newest any more.
[[nodiscard]] Refusal signer_superseded(const certs::Certificate& signer);

/// The only place where a CA is asked. In this order: the CA signs, the audit file says so, the
/// store records, the policy module is told, the audit file says that it leaves.
class Issuance {
public:
    explicit Issuance(const ServiceParts& parts) : parts_(parts), trail_(parts) {}

    /// `challenge`: the token that was used up when the request was recorded as pending; empty when
    /// the Grant has its own. The certificate may be released.
    boost::asio::awaitable<Result<certs::Certificate, Refusal>> issue(
        const Operation& operation, const EnrollmentRequest& request, const Grant& grant,
        const ca_backend::TransactionKey& key, Bytes challenge = {});

    /// A certificate that was recorded before leaves again; the audit file says so, or counts it
    /// (ServiceParts::retries), and the policy module is told if it was not. `request` null: it is
    /// not known any more (a poll for what was never pending); then only what needs no telling can
    /// leave.
    boost::asio::awaitable<Result<certs::Certificate, Refusal>> release_again(
        const Operation& operation, const EnrollmentRequest* request,
        const ca_backend::StoredTransaction& transaction);

    /// Tells the policy module that a request it was asked about was not granted (`granted_by`
    /// empty), or failed.
    boost::asio::awaitable<void> tell_refused(const Operation& operation,
                                              const EnrollmentRequest& request,
                                              const Refusal& refusal,
                                              std::string_view granted_by = {});

private:
    boost::asio::awaitable<Result<certs::Certificate, Refusal>> sign(
        const Operation& operation, const EnrollmentRequest& request, const Grant& grant,
        const ca_backend::TransactionKey& key, ByteView challenge);
    boost::asio::awaitable<Result<ca_backend::RecordOutcome, Refusal>> record(
        const Operation& operation, const EnrollmentRequest& request, const Grant& grant,
        const ca_backend::TransactionKey& key, const certs::Certificate& certificate);
    /// `id`: of the transaction. `granted_by`: Grant::policy().
    boost::asio::awaitable<Result<void, Refusal>> tell_issued(const Operation& operation,
                                                              const EnrollmentRequest& request,
                                                              const certs::Certificate& certificate,
                                                              std::int64_t id,
                                                              std::string_view granted_by);
    /// Policy will not have it, now that it is issued.
    boost::asio::awaitable<Refusal> withdraw(const Operation& operation,
                                             const certs::Certificate& certificate,
                                             const Error& why);

    const ServiceParts& parts_;
    AuditTrail trail_;
};

}  // namespace scepgate::server

// What passes between protocol, policy and CA: the request and the grant.
#pragma once

#include <memory>
#include <optional>

#include "certs/certificate.hpp"
#include "certs/csr.hpp"
#include "certs/refusal.hpp"

namespace scepgate {

namespace policy {
struct SignerLimits;  // policy/signer_limits.hpp
class GrantMaker;     // policy/grant_maker.hpp: the only one who can make a Grant …
class GrantRecord;    // policy/grant_record.hpp: … but for one that was made and stored before
}  // namespace policy

/// Decided once, from the message type and the signer.
enum class EnrollmentKind { kInitial, kRenewal };

/// A SCEP request for a certificate, free of protocol: the message's signature, the CSR's signature
/// (proof of possession) and, for an initial request, that both are by one key, were checked before
/// one of these exists. In a renewal `signer` is by name and signature a certificate of the
/// endpoint's CA; whether it may be renewed is policy's to judge. There the keys may differ, and
/// the CSR may be another's, sniffed and signed anew: its challenge counts only after its names
/// were found to be the signer's own (policy::judge_renewal).
struct EnrollmentRequest {
    std::string endpoint;  ///< the endpoint's name: its first path
    EnrollmentKind kind = EnrollmentKind::kInitial;
    int message_type = 0;  ///< 19 or 17
    std::string transaction_id;
    certs::Csr csr;  ///< with its challenge
    certs::Purpose purpose{};
    certs::Certificate signer;   ///< who signed the message: transient, or the one being renewed
    std::string client_address;  ///< text; the device's, or the nearest untrusted hop's
    /// The endpoint's for this purpose: the only one that can be granted. Empty: it has none.
    std::string template_name{};
};

/// What must be used up in the same durable write that records the certificate.
struct Redemption {
    std::string policy;        ///< scopes the token: within it a token is used once
    Bytes token;               ///< e.g. a blob's jti
    std::int64_t expires = 0;  ///< seconds since the epoch: after this the token is refused anyway
};

/// What policy allows: exactly these names and usages, for one key. Only policy can make one, and
/// a CA backend takes nothing else, so that nothing reaches a CA around policy.
class Grant {
public:
    [[nodiscard]] const certs::Name& subject() const noexcept { return subject_; }
    [[nodiscard]] const certs::GeneralNames& subject_alt_name() const noexcept { return san_; }
    /// The one key that this grant is for.
    [[nodiscard]] const certs::PublicKey& public_key() const noexcept { return key_; }
    [[nodiscard]] certs::Purpose purpose() const noexcept { return purpose_; }
    /// Empty: the template's.
    [[nodiscard]] const std::optional<certs::KeyUsage>& key_usage() const noexcept { return ku_; }
    [[nodiscard]] const std::optional<certs::ExtendedKeyUsage>& extended_key_usage()
        const noexcept {
        return eku_;
    }
    /// Empty: chosen by the endpoint from the purpose.
    [[nodiscard]] const std::optional<std::string>& template_name() const noexcept {
        return template_;
    }
    /// Seconds; empty: the template's.
    [[nodiscard]] const std::optional<std::int64_t>& max_validity() const noexcept {
        return validity_;
    }
    /// What the device wishes for, which nobody has granted: the template says whether it counts.
    [[nodiscard]] const std::optional<certs::RequestedValidity>& requested_validity()
        const noexcept {
        return requested_validity_;
    }
    [[nodiscard]] const std::optional<Redemption>& redemption() const noexcept {
        return redemption_;
    }
    [[nodiscard]] const std::optional<std::string>& sid() const noexcept { return sid_; }
    [[nodiscard]] const std::string& policy() const noexcept { return policy_; }
    [[nodiscard]] const std::string& device_id() const noexcept { return device_id_; }
    [[nodiscard]] const std::string& user_id() const noexcept { return user_id_; }
    /// An operator has to agree before the certificate is issued.
    [[nodiscard]] bool needs_approval() const noexcept { return needs_approval_; }
    /// Of whoever granted it; null: it may grant everything. What was granted keeps them; so has to
    /// what a template makes of it. Not known any more of one that waited for an operator.
    [[nodiscard]] const std::shared_ptr<const policy::SignerLimits>& signer_limits()
        const noexcept {
        return signer_limits_;
    }
    /// Requested extensions that were left out, for the audit record ("basicConstraints CA:TRUE").
    [[nodiscard]] const std::vector<std::string>& stripped() const noexcept { return stripped_; }

private:
    friend class policy::GrantMaker;
    friend class policy::GrantRecord;
    explicit Grant(certs::PublicKey key) : key_(std::move(key)) {}

    certs::Name subject_;
    certs::GeneralNames san_;
    bool names_by_module_ = false;  ///< policy::NamesBy; counts while Grants are merged
    certs::PublicKey key_;
    certs::Purpose purpose_{};
    std::optional<certs::KeyUsage> ku_;
    std::optional<certs::ExtendedKeyUsage> eku_;
    std::optional<std::string> template_;
    std::optional<std::int64_t> validity_;
    std::optional<certs::RequestedValidity> requested_validity_;
    std::optional<Redemption> redemption_;
    std::optional<std::string> sid_;
    std::string policy_;
    std::string device_id_;
    std::string user_id_;
    bool needs_approval_ = false;
    std::shared_ptr<const policy::SignerLimits> signer_limits_;
    std::vector<std::string> stripped_;
};

}  // namespace scepgate

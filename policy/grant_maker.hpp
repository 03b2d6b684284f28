// The only maker of Grants.
#pragma once

#include "certs/enrollment.hpp"

namespace scepgate::policy {

/// Who chose how names are spelt, and in which order alternative names stand: a template may build
/// the subject from the first of them.
enum class NamesBy {
    kRequest,  ///< the device, in its CSR: the module took them, or compared them with others
    kModule,   ///< whoever granted them
};

/// Collects what a module allows and turns it into a Grant for the request's key. Used by policy
/// modules alone, after all their checks have passed.
class GrantMaker {
public:
    /// Starts from the request: its key and purpose, the validity that it asks for, and the note of
    /// what is left out of the certificate (basicConstraints CA:TRUE and every extension that no
    /// Grant carries).
    GrantMaker(const EnrollmentRequest& request, std::string policy_name);

    /// The subject as a certificate can have it (certs::in_legal_form).
    GrantMaker& names(certs::Name subject, certs::GeneralNames subject_alt_name,
                      NamesBy by = NamesBy::kRequest);
    GrantMaker& key_usage(std::optional<certs::KeyUsage> usage);
    GrantMaker& extended_key_usage(std::optional<certs::ExtendedKeyUsage> usages);
    GrantMaker& template_name(std::optional<std::string> name);
    /// In place of the request's: the purpose that the endpoint has the template for.
    GrantMaker& purpose(certs::Purpose purpose);
    GrantMaker& max_validity(std::optional<std::int64_t> seconds);
    GrantMaker& redemption(Redemption redemption);
    GrantMaker& sid(std::optional<std::string> sid);
    GrantMaker& identities(std::string device_id, std::string user_id);
    GrantMaker& needs_approval(bool needed);
    GrantMaker& signer_limits(std::shared_ptr<const SignerLimits> limits);

    /// Adds the extended key usage to what is left out when the request had one and the Grant has
    /// none. Throws std::logic_error without any name: a certificate must be somebody's.
    [[nodiscard]] Grant make() &&;

    /// What two policies allow together, for the same request: names must match (those of the first
    /// one that chose them itself stay, spelling and order, else the CSR's); key usages, template,
    /// SID and redemption are the same or the only ones given; the shorter validity; an approval if
    /// one of them wants it; the first one's device and user where it names them. Grant::policy()
    /// becomes "first+second". Else badRequest "PolicyDisagree".
    [[nodiscard]] static Result<Grant, Refusal> merge(Grant first, const Grant& second);

    /// `grant` for the purpose of `other` and, where it names no template, for that of `other`.
    [[nodiscard]] static Grant with_template(Grant grant, const Grant& other);
    /// `grant` with the names of `other`, which match its own.
    [[nodiscard]] static Grant with_names(Grant grant, const Grant& other);

private:
    Grant grant_;
    std::optional<certs::ExtendedKeyUsage> requested_usages_;
};

}  // namespace scepgate::policy

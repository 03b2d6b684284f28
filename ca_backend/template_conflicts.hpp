// What in a template contradicts itself, its CA or its use: certificates that nobody would take.
#pragma once

#include "ca_backend/template.hpp"

namespace scepgate::ca_backend {

struct TemplateConflict {
    std::string key;   ///< of the template's configuration
    std::string what;  ///< for people
    std::string remedy;
    bool warning = true;  ///< false: no request could ever be granted
};

/// Within the template: extended key usages without the key usage that they need (RFC 5280 section
/// 4.2.1.12) or that let a device act for others, key usages that its purposes or keys never use,
/// application policies that differ from the extended key usages, limits of requested validity that
/// the validity itself breaks, critical extensions that it does not have.
[[nodiscard]] std::vector<TemplateConflict> template_conflicts(const Template& tmpl);

/// Against the CA that uses it (`chain`, issuing CA first): validity beyond the CA's; usages,
/// certificate policies and names that the chain's own certificates do not allow below them.
/// A trust anchor's own extended key usages and policies limit nothing (RFC 5280 section 6.1).
[[nodiscard]] std::vector<TemplateConflict> template_conflicts(
    const Template& tmpl, const std::vector<certs::Certificate>& chain, std::int64_t now);

/// For requests of one purpose: nothing in its key usage is for that, or it is not meant for it.
[[nodiscard]] std::optional<TemplateConflict> template_conflict(const Template& tmpl,
                                                                certs::Purpose purpose);

}  // namespace scepgate::ca_backend

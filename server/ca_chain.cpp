#include "server/ca_chain.hpp"

#include <algorithm>

#include "certs/algorithms.hpp"
#include "certs/ca_oids.hpp"
#include "certs/clock.hpp"
#include "certs/issuer_signature.hpp"
#include "certs/signed_structure.hpp"

namespace scepgate::server {
namespace {

using certs::Certificate;
using certs::KeyUsageBit;

Error denied(std::string what) {
    return {Errc::kDenied, std::move(what)};
}

std::string named(const Certificate& certificate) {
    return "'" + certificate.subject_text() + "'";
}

/// Those of RFC 5280: verifiers refuse a certificate with another that is critical.
bool is_known(ByteView extension) {
    namespace oid = certs::oid;
    const auto is_any = [&](const auto&... known) { return (equal(extension, known) || ...); };
    return is_any(oid::kBasicConstraints, oid::kKeyUsage, oid::kExtKeyUsage,
                  oid::kSubjectKeyIdentifier, oid::kAuthorityKeyIdentifier, oid::kSubjectAltName,
                  oid::kIssuerAltName, oid::kNameConstraints, oid::kCertificatePolicies,
                  oid::kPolicyMappings, oid::kPolicyConstraints, oid::kInhibitAnyPolicy,
                  oid::kCrlDistributionPoints, oid::kFreshestCrl, oid::kAuthorityInfoAccess);
}

bool is_signed_with_sha1(const Certificate& certificate) {
    const auto parts = certs::read_signed_structure(certificate.der(), "certificate");
    if (!parts) return false;
    certs::DerReader reader(parts->algorithm);
    const auto identifier = certs::read_algorithm(reader);
    if (!identifier) return false;
    const auto algorithm = certs::parse_signature_algorithm(*identifier);
    return algorithm && algorithm->digest == certs::Digest::kSha1;
}

/// requireExplicitPolicy, for certificates that have `below` CAs and a device's below them.
///
///   PolicyConstraints ::= SEQUENCE {
///        requireExplicitPolicy           [0] SkipCerts OPTIONAL, …
bool requires_policies(const Certificate& ca, std::int64_t below) {
    const auto* extension = certs::find_extension(ca.extensions(), certs::oid::kPolicyConstraints);
    if (extension == nullptr) return false;
    certs::DerReader outer(extension->value);
    const auto sequence = outer.read(certs::DerTag::kSequence);
    if (!sequence) return false;
    certs::DerReader fields(*sequence);
    const auto skip = fields.read(certs::context_primitive(0));
    return skip && skip->size() == 1 && skip->front() <= below + 1;
}

/// `below`: CA certificates between it and the devices' that are not self-issued.
Result<void> judge(const Certificate& ca, bool own, std::int64_t below, std::int64_t now) {
    const auto is_ca = ca.is_ca();
    if (!is_ca) return in_context(named(ca), is_ca.error());
    if (!*is_ca) return denied(named(ca) + " is no CA: its basicConstraints lack CA:TRUE");
    const auto usage = ca.key_usage();
    if (!usage) return in_context(named(ca), usage.error());
    if (*usage && !(*usage)->has(KeyUsageBit::kKeyCertSign))
        return denied(named(ca) + " may not sign certificates: its keyUsage lacks keyCertSign");
    if (own && *usage && !(*usage)->has(KeyUsageBit::kCrlSign))
        return denied(named(ca) + " may not sign CRLs: its keyUsage lacks cRLSign");
    if (now < ca.not_before() || now > ca.not_after()) {
        return denied(named(ca) + " is not valid now, but from " +
                      certs::utc_text(ca.not_before()) + " to " + certs::utc_text(ca.not_after()));
    }
    for (const auto& extension : ca.extensions()) {
        if (!extension.critical || is_known(extension.oid)) continue;
        return denied(named(ca) + " has the critical extension " +
                      certs::oid_to_text(extension.oid) +
                      ", which verifiers do not know: they refuse all below it");
    }
    const auto length = path_length(ca);
    if (!length) return in_context(named(ca), length.error());
    if (*length && **length < below) {
        return denied(named(ca) + " allows " + std::to_string(**length) +
                      " CAs below it (pathlen), and there " + (below == 1 ? "is " : "are ") +
                      std::to_string(below));
    }
    return {};
}

/// The issuer's certificate among those given; of several the one that ends last. `fault`: why one
/// of its name is not it.
const Certificate* issuer_of(const Certificate& child, const std::vector<Certificate>& given,
                             std::string& fault) {
    const Certificate* best = nullptr;
    for (const Certificate& candidate : given) {
        if (!certs::same_name(candidate.subject_der(), child.issuer_der())) continue;
        const auto key = candidate.public_key();
        Result<void> by_it = key ? certs::check_issuer_signature(child.der(), *key) : key.error();
        if (by_it && !child.signed_by(*key)) by_it = malformed("its two algorithms differ");
        if (!by_it) {
            fault = by_it.error().code == Errc::kBadSignature
                        ? "is not by the '" + child.issuer_text() + "' that is given"
                        : "cannot be verified: " + by_it.error().detail;
            continue;
        }
        if (best == nullptr || best->not_after() < candidate.not_after()) best = &candidate;
    }
    return best;
}

}  // namespace

Result<CaChain> order_ca_chain(const certs::PublicKey& key, const std::vector<Certificate>& given,
                               std::int64_t now) {
    const Certificate* at = nullptr;
    for (const Certificate& candidate : given) {
        const auto certified = candidate.public_key();
        if (!certified || !(*certified == key)) continue;
        if (at == nullptr || at->not_after() < candidate.not_after()) at = &candidate;
    }
    if (at == nullptr) {
        std::string all;
        for (const Certificate& other : given)
            all += (all.empty() ? "" : ", ") + named(other);
        return denied("none of the certificates is for the CA's key: there " +
                      (all.empty() ? "are none" : "is " + all) +
                      "; have the request of 'scepgate ca csr' certified");
    }
    CaChain chain;
    std::int64_t below = 0;
    for (;;) {
        if (const auto sound = judge(*at, chain.certificates.empty(), below, now); !sound)
            return sound.error();
        chain.certificates.push_back(*at);
        if (requires_policies(*at, below)) chain.requires_policies = at->subject_text();
        if (!at->self_issued()) ++below;
        std::string fault;
        const Certificate* issuer = issuer_of(*at, given, fault);
        if (issuer == nullptr) {
            return denied(fault.empty() ? "the certificate of '" + at->issuer_text() +
                                              "', which issued " + named(*at) +
                                              ", is missing: add it, and what is above it up "
                                              "to the root"
                                        : "the signature of " + named(*at) + ' ' + fault);
        }
        if (*issuer == *at) break;  // a root, whose own signature nobody needs
        if (is_signed_with_sha1(*at)) {
            return denied(named(*at) + " is signed with SHA-1, which verifiers refuse: have '" +
                          at->issuer_text() + "' certify it again with SHA-256 or better");
        }
        if (at->not_after() > issuer->not_after()) {
            chain.notes.push_back(named(*at) + " ends at " + certs::utc_text(at->not_after()) +
                                  ", and " + named(*issuer) + " above it before, at " +
                                  certs::utc_text(issuer->not_after()) +
                                  ": nothing below it can be verified from then on unless that one "
                                  "is renewed with the same key");
        }
        if (chain.certificates.size() > given.size())
            return denied("the certificates issue each other in a circle");
        at = issuer;
    }
    for (const Certificate& other : given) {
        if (std::find(chain.certificates.begin(), chain.certificates.end(), other) ==
            chain.certificates.end())
            chain.notes.push_back(named(other) + " is not part of the chain: left out");
    }
    return chain;
}

Result<std::optional<std::int64_t>> path_length(const Certificate& certificate) {
    const auto* extension =
        certs::find_extension(certificate.extensions(), certs::oid::kBasicConstraints);
    if (extension == nullptr) return std::optional<std::int64_t>();
    certs::DerReader outer(extension->value);
    const auto sequence = outer.read(certs::DerTag::kSequence);
    if (!sequence) return sequence.error();
    certs::DerReader fields(*sequence);
    if (fields.at(certs::DerTag::kBoolean)) {
        if (const auto ca = fields.read_boolean(); !ca) return ca.error();
    }
    if (!fields.at(certs::DerTag::kInteger)) return std::optional<std::int64_t>();
    const auto length = fields.read_small_integer();
    if (!length) return length.error();
    return std::optional(*length);
}

std::int64_t half_life(const Certificate& certificate) noexcept {
    return certificate.not_before() + (certificate.not_after() - certificate.not_before()) / 2;
}

}  // namespace scepgate::server

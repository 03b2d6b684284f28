#include "server/signer/crl_signing.hpp"

#include <limits>

#include "server/signer/reasons.hpp"

namespace scepgate::server::signer {
namespace {

Refusal refused_crl(const Error& error) {
    return refused(
        error.code == Errc::kUnavailable ? reason::kRecordsUnavailable : reason::kCrlRefused,
        error.detail);
}

/// A complete CRL has the number of the delta that says the same at the same time (RFC 5280
/// section 5.2.3).
bool follows(const JudgedCrl& judged, const SignedCrl& last) {
    if (judged.number > last.number) return true;
    return judged.number == last.number && !judged.base && !last.complete &&
           judged.crl.this_update() == last.this_update;
}

}  // namespace

Sha256 key_hash(const SigningCa& ca) {
    return sha256(ca.key.public_key().spki());
}

CrlRules CrlSigning::rules_of(const SigningCa& ca, const CrlLimits& limits,
                              const Sha256& id) const {
    const certs::Certificate& certificate = ca.backend->chain().front();
    CrlRules rules;
    rules.issuer_der = certificate.subject_der();
    rules.key_identifier = certificate.subject_key_identifier();
    rules.key_type = ca.key.type();
    rules.urls = ca.crl_urls;
    rules.now = clock_->now();
    rules.longest_validity = limits.longest_validity;
    rules.longest_certificate = limits.longest_certificate;
    rules.not_after = [this, id](ByteView serial) -> std::optional<std::int64_t> {
        const auto known = records_->not_after(id, serial);
        // Records that cannot be read must not let a revocation be forgotten.
        if (!known) return std::numeric_limits<std::int64_t>::max();
        return *known;
    };
    return rules;
}

Result<CrlChanges, Refusal> CrlSigning::judge_successor(const JudgedCrl& judged,
                                                        const std::optional<SignedCrl>& last,
                                                        const CrlRules& rules,
                                                        const CrlLimits& limits, const Sha256& id) {
    if (last && !follows(judged, *last)) {
        return refused(reason::kCrlRefused,
                       "CRL: its number is " + std::to_string(judged.number) +
                           ", and the last was " + std::to_string(last->number) +
                           "; after a backup of the store was restored, see docs/signer.md");
    }
    const auto highest = last ? std::optional(last->number) : std::nullopt;
    if (const auto near = judge_number(judged, highest, rules); !near)
        return refused_crl(near.error());
    if (judged.base) {
        const auto known = revocations_->is_complete(id, *judged.base);
        if (!known) return refused_crl(known.error());
        if (!*known) {
            return refused(reason::kCrlRefused, "CRL: a delta to number " +
                                                    std::to_string(*judged.base) +
                                                    ", which is no complete CRL signed here");
        }
    }
    if (limits.per_hour != 0) {
        const auto count = revocations_->count_since(id, rules.now - 3600);
        if (!count) return refused_crl(count.error());
        if (*count >= limits.per_hour) {
            return refused(reason::kRateLimited,
                           "at most " + std::to_string(limits.per_hour) + " CRLs an hour of a CA",
                           "one more");
        }
    }
    auto changes = compare_with_records(judged, revocations_->revoked(id), rules);
    if (!changes) return refused_crl(changes.error());
    return *std::move(changes);
}

Result<void, Refusal> CrlSigning::write_audit(const JudgedCrl& judged, const CrlOrder& order,
                                              const Sha256& hash, const std::string& peer) {
    AuditRecord line("crl", clock_->now());
    line.add("ca", order.ca)
        .add("number", to_hex(judged.crl.number()))
        .add_if("base_number", judged.base ? to_hex(*judged.crl.base_number()) : std::string())
        .add("revoked", static_cast<std::int64_t>(judged.crl.entries().size()))
        .add("next_update", certs::utc_text(judged.crl.next_update()))
        .add("tbs_sha256", to_hex(hash))
        .add("peer", peer);
    if (const auto written = audit_->write(line); !written)
        return refused(reason::kAuditUnavailable, written.error().detail);
    return {};
}

Result<SignatureAnswer, Refusal> CrlSigning::sign(const SigningCa& ca, const CrlLimits& limits,
                                                  const CrlOrder& order, const std::string& peer) {
    const auto usage = ca.backend->chain().front().key_usage();
    if (!usage || (*usage && !(*usage)->has(certs::KeyUsageBit::kCrlSign)))
        return refused(reason::kCrlRefused, "the CA's key usage lacks cRLSign");
    const Sha256 id = key_hash(ca);
    const Sha256 hash = sha256(order.to_be_signed);
    const std::lock_guard lock(mutex_);
    const CrlRules rules = rules_of(ca, limits, id);
    const auto judged = judge_crl(order.to_be_signed, rules);
    if (!judged) return refused_crl(judged.error());
    const auto last = revocations_->last(id);
    if (!last) return refused_crl(last.error());
    // The answer to the same order was lost: it may be signed once more.
    const bool again = *last && (*last)->hash == hash;
    Result<CrlChanges, Refusal> changes = CrlChanges();
    if (!again) changes = judge_successor(*judged, *last, rules, limits, id);
    if (!changes) return changes.error();
    if (auto written = write_audit(*judged, order, hash, peer); !written) return written.error();
    if (!again) {
        const SignedCrl made{judged->number, rules.now, judged->crl.this_update(), hash,
                             !judged->base};
        if (const auto kept = revocations_->add(id, made, *changes); !kept)
            return refused(reason::kRecordsUnavailable, kept.error().detail);
    }
    auto signature = ca.key.sign(judged->digest, order.to_be_signed);
    if (!signature) return refused(reason::kSigningFailed, signature.error().detail);
    return SignatureAnswer{*std::move(signature)};
}

}  // namespace scepgate::server::signer

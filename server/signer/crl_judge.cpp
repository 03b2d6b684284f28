#include "server/signer/crl_judge.hpp"

#include "certs/clock.hpp"
#include "certs/der.hpp"

namespace scepgate::server::signer {
namespace {

namespace der = certs::der;
using certs::Crl;
using certs::DerReader;
using certs::DerTag;

constexpr std::int64_t kClockSkew = 600;

Error denied(std::string why) {
    return {Errc::kDenied, "CRL: " + std::move(why)};
}

//   TBSCertList  ::=  SEQUENCE  {
//        version                 Version OPTIONAL,
//        signature               AlgorithmIdentifier, ...
Result<ByteView> algorithm_of(ByteView to_be_signed) {
    DerReader outer(to_be_signed);
    const auto content = outer.read(DerTag::kSequence);
    if (!content) return content.error();
    DerReader fields(*content);
    const auto version = fields.read_small_integer();
    if (!version) return version.error();
    return fields.read_whole(DerTag::kSequence);
}

/// The CRL with a signature that is none, so that the one strict reader of CRLs reads it.
Result<Crl> read_unsigned(ByteView to_be_signed) {
    const auto algorithm = algorithm_of(to_be_signed);
    if (!algorithm) return in_context("CRL", algorithm.error());
    const std::uint8_t none = 0;
    return Crl::from_der(der::sequence({to_be_signed, *algorithm, der::bit_string({&none, 1})}));
}

bool is_less(ByteView left, ByteView right) {
    if (left.size() != right.size()) return left.size() < right.size();
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
}

Result<certs::Digest> digest_of(ByteView to_be_signed, certs::KeyType type) {
    const auto whole = algorithm_of(to_be_signed);
    if (!whole) return whole.error();
    DerReader reader(*whole);
    const auto identifier = certs::read_algorithm(reader);
    if (!identifier) return identifier.error();
    const auto algorithm = certs::parse_signature_algorithm(*identifier);
    if (!algorithm) return algorithm.error();
    if (algorithm->key_type != type) return denied("its algorithm is not of the CA's key");
    if (algorithm->digest == certs::Digest::kSha1) return denied("SHA-1");
    return algorithm->digest;
}

Result<void> check_times(const Crl& crl, const CrlRules& rules) {
    if (crl.this_update() > rules.now + kClockSkew || crl.this_update() < rules.now - kClockSkew) {
        return denied("its thisUpdate is " + certs::utc_text(crl.this_update()) +
                      ", and the signer's clock says " + certs::utc_text(rules.now));
    }
    if (crl.next_update() - crl.this_update() > rules.longest_validity) {
        return denied("it would be valid for " +
                      std::to_string(crl.next_update() - crl.this_update()) +
                      " s, and signer.limits.crl_validity is " +
                      std::to_string(rules.longest_validity) + " s");
    }
    return {};
}

bool has_expired(const Crl::Entry& entry, const CrlRules& rules) {
    const auto not_after = rules.not_after(entry.serial);
    // What this signer did not sign was issued before it was revoked.
    return rules.now >= not_after.value_or(entry.revoked_at + rules.longest_certificate);
}

/// What was revoked stays revoked.
Result<void> check_growth(const Crl& crl, const Crl& last, const CrlRules& rules) {
    for (const Crl::Entry entry : last.entries()) {
        if (entry.reason == certs::RevocationReason::kCertificateHold) continue;
        const auto still = crl.find(entry.serial);
        if (!still && !has_expired(entry, rules)) {
            return denied("it leaves out certificate " + to_hex(entry.serial) +
                          ", which was revoked for ever and has not expired");
        }
        if (still && still->reason == certs::RevocationReason::kCertificateHold) {
            return denied("it puts certificate " + to_hex(entry.serial) +
                          " on hold, which was revoked for ever");
        }
    }
    return {};
}

}  // namespace

Result<JudgedCrl> judge_crl(ByteView to_be_signed, ByteView last_number, ByteView last_complete,
                            const CrlRules& rules) {
    auto crl = read_unsigned(to_be_signed);
    if (!crl) return crl.error();
    const auto digest = digest_of(to_be_signed, rules.key_type);
    if (!digest) return digest.error();
    if (!equal(crl->issuer_der(), rules.issuer_der)) return denied("of another issuer");
    if (rules.key_identifier && crl->authority_key_identifier() &&
        !equal(*crl->authority_key_identifier(), *rules.key_identifier)) {
        return denied("of another key");
    }
    if (auto times = check_times(*crl, rules); !times) return times.error();
    if (crl->number().empty()) return denied("it has no number");
    if (is_less(crl->number(), last_number) || equal(crl->number(), last_number)) {
        return denied("its number is " + to_hex(crl->number()) + " (hex), and the last was " +
                      to_hex(last_number) +
                      "; after a backup of the store was restored, see docs/signer.md");
    }
    if (!last_complete.empty()) {
        const auto last = read_unsigned(last_complete);
        if (!last) return in_context("the last CRL", last.error());
        if (auto grown = check_growth(*crl, *last, rules); !grown) return grown.error();
    }
    return JudgedCrl{*std::move(crl), *digest};
}

}  // namespace scepgate::server::signer

#include "server/signer/crl_judge.hpp"

#include "ca_backend/certificate_list.hpp"
#include "certs/clock.hpp"
#include "certs/der.hpp"

namespace scepgate::server::signer {
namespace {

namespace der = certs::der;
using certs::Crl;
using certs::DerReader;
using certs::DerTag;
using certs::RevocationReason;

constexpr std::int64_t kClockSkew = 600;
/// Numbers are the time, or one more than the last.
constexpr std::int64_t kFurthestAhead = 1'000'000;

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

Result<void> check_urls(const Crl& crl, const CrlRules& rules) {
    const auto& point = crl.issuing_distribution_point();
    if (point && !point->covers_all()) {
        return denied("of some certificates alone (issuingDistributionPoint)");
    }
    if (point && point->uris != rules.urls.complete) {
        return denied("its issuingDistributionPoint is not the CA's crl_urls");
    }
    if (!crl.freshest_crl_urls().empty() && crl.freshest_crl_urls() != rules.urls.freshest) {
        return denied("its freshestCRL is not the CA's freshest_crl_urls");
    }
    return {};
}

Result<void> check_times(const Crl& crl, const CrlRules& rules) {
    constexpr std::int64_t kBackdate = ca_backend::kCrlBackdate;
    if (crl.this_update() > rules.now + kClockSkew ||
        crl.this_update() < rules.now - kBackdate - kClockSkew) {
        return denied("its thisUpdate is " + certs::utc_text(crl.this_update()) +
                      ", and the signer's clock says " + certs::utc_text(rules.now));
    }
    if (crl.next_update() - crl.this_update() > rules.longest_validity + kBackdate) {
        return denied("it would be valid for " +
                      std::to_string(crl.next_update() - crl.this_update()) +
                      " s, and signer.limits.crl_validity is " +
                      std::to_string(rules.longest_validity) + " s");
    }
    return {};
}

/// One walk along the entries of a CRL and the revocations on record, both by serial number.
class Comparison {
public:
    Comparison(const JudgedCrl& judged, const CrlRules& rules) : judged_(judged), rules_(rules) {}

    Result<CrlChanges> run(const RevokedOnRecord& next) {
        const auto entries = judged_.crl.entries();
        auto at = entries.begin();
        std::optional<Crl::Entry> entry;
        const auto look = [&] { entry = at == entries.end() ? std::nullopt : std::optional(*at); };
        look();
        auto row = next();
        while (row && (*row || entry)) {
            const bool in_crl = entry && (!*row || !is_less((*row)->serial, entry->serial));
            const bool on_record = *row && (!entry || !is_less(entry->serial, (*row)->serial));
            Result<void> sound;
            if (in_crl) sound = judge_entry(*entry);
            if (!sound) return sound.error();
            if (in_crl && on_record) {
                sound = judge_both(*entry, **row);
            } else if (in_crl) {
                add_new(*entry);
            } else {
                sound = judge_missing(**row);
            }
            if (!sound) return sound.error();
            if (in_crl) {
                ++at;
                look();
            }
            if (on_record) row = next();
        }
        if (!row) return row.error();
        return std::move(changes_);
    }

private:
    bool has_expired(const RevocationOnRecord& row) const {
        const auto not_after = rules_.not_after(row.serial);
        // What this signer did not sign was issued before it was revoked.
        return rules_.now >= not_after.value_or(row.revoked_at + rules_.longest_certificate);
    }

    Result<void> judge_entry(const Crl::Entry& entry) const {
        // No store of ours could say so again on the next one.
        if (const auto sound = ca_backend::check_serial(entry.serial); !sound)
            return denied("serial number " + to_hex(entry.serial) + ": " + sound.error().detail);
        // Until its revocationDate a certificate counts as valid for many verifiers.
        if (entry.revoked_at <= rules_.now + kClockSkew) return {};
        return denied("it revokes certificate " + to_hex(entry.serial) + " at " +
                      certs::utc_text(entry.revoked_at) + ", and the signer's clock says " +
                      certs::utc_text(rules_.now));
    }

    void add_new(const Crl::Entry& entry) {
        // A delta repeats what was released since its base; nothing is on record of it any more.
        if (entry.reason != RevocationReason::kRemoveFromCrl) changes_.revoked.push_back(entry);
    }

    Result<void> judge_both(const Crl::Entry& entry, const RevocationOnRecord& row) {
        if (entry.reason == RevocationReason::kRemoveFromCrl) {
            if (!row.on_hold && !has_expired(row)) {
                return denied("it takes back certificate " + to_hex(row.serial) +
                              ", which was revoked for ever");
            }
            changes_.released.push_back(row.serial);
            return {};
        }
        const bool on_hold = entry.reason == RevocationReason::kCertificateHold;
        if (on_hold && !row.on_hold) {
            return denied("it puts certificate " + to_hex(row.serial) +
                          " on hold, which was revoked for ever");
        }
        const bool compromised = entry.reason == RevocationReason::kKeyCompromise;
        if ((row.on_hold && !on_hold) || (compromised && !row.compromised))
            changes_.revoked.push_back(entry);
        return {};
    }

    Result<void> judge_missing(const RevocationOnRecord& row) {
        // The delta's base has it.
        if (judged_.base && row.number <= *judged_.base) return {};
        if (!row.on_hold && !has_expired(row)) {
            return denied("it leaves out certificate " + to_hex(row.serial) +
                          ", which was revoked for ever and has not expired");
        }
        changes_.released.push_back(row.serial);
        return {};
    }

    const JudgedCrl& judged_;
    const CrlRules& rules_;
    CrlChanges changes_;
};

}  // namespace

Result<Crl> read_unsigned_crl(ByteView to_be_signed) {
    const auto algorithm = algorithm_of(to_be_signed);
    if (!algorithm) return in_context("CRL", algorithm.error());
    const std::uint8_t none = 0;
    return Crl::from_der(der::sequence({to_be_signed, *algorithm, der::bit_string({&none, 1})}),
                         certs::CrlScope::kAny);
}

Result<std::int64_t> crl_number(ByteView octets) {
    if (octets.empty()) return denied("it has no number");
    const Bytes integer = der::unsigned_integer(octets);
    auto number = DerReader(integer).read_small_integer();
    if (!number) return denied("a number of more than 63 bits");
    return number;
}

Result<JudgedCrl> judge_crl(ByteView to_be_signed, const CrlRules& rules) {
    auto crl = read_unsigned_crl(to_be_signed);
    if (!crl) return crl.error();
    const auto digest = digest_of(to_be_signed, rules.key_type);
    if (!digest) return digest.error();
    if (!equal(crl->issuer_der(), rules.issuer_der)) return denied("of another issuer");
    if (rules.key_identifier && crl->authority_key_identifier() &&
        !equal(*crl->authority_key_identifier(), *rules.key_identifier)) {
        return denied("of another key");
    }
    if (auto urls = check_urls(*crl, rules); !urls) return urls.error();
    if (auto times = check_times(*crl, rules); !times) return times.error();
    const auto number = crl_number(crl->number());
    if (!number) return number.error();
    std::optional<std::int64_t> base;
    if (const auto octets = crl->base_number()) {
        const auto read = crl_number(*octets);
        if (!read) return read.error();
        if (*read >= *number) return denied("a delta whose base has no lower number");
        base = *read;
    }
    return JudgedCrl{*std::move(crl), *digest, *number, base};
}

Result<void> judge_number(const JudgedCrl& judged, std::optional<std::int64_t> last,
                          const CrlRules& rules) {
    if (!last) return {};
    const std::int64_t from = std::max(rules.now + kClockSkew, *last);
    // A difference of two that are not negative: nothing overflows.
    if (judged.number - from <= kFurthestAhead) return {};
    return denied("its number is " + std::to_string(judged.number) + ", over " +
                  std::to_string(kFurthestAhead) + " above " + std::to_string(from) +
                  ", the last or the signer's clock");
}

Result<CrlChanges> compare_with_records(const JudgedCrl& judged, const RevokedOnRecord& revoked,
                                        const CrlRules& rules) {
    return Comparison(judged, rules).run(revoked);
}

}  // namespace scepgate::server::signer

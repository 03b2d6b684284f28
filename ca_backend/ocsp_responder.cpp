#include "ca_backend/ocsp_responder.hpp"

#include <algorithm>
#include <utility>

namespace scepgate::ca_backend {
namespace {

using certs::OcspCertificateStatus;
using certs::OcspStatus;

/// Seconds between two attempts to have a key certified.
constexpr std::int64_t kPauseAfterFailure = 5;
constexpr std::size_t kMostKept = 20'000;
/// For askers whose clocks are late, as with certificates and CRLs.
constexpr std::int64_t kAnswerBackdate = 600;

OcspReply error_reply(OcspStatus status) {
    OcspReply reply;
    reply.der = certs::build_ocsp_error(status);
    return reply;
}

}  // namespace

Result<std::shared_ptr<OcspResponder>> OcspResponder::create(
    OcspSettings settings, std::shared_ptr<const certs::Clock> clock) {
    auto sha1 = certs::ocsp_issuer_hashes(settings.ca, certs::Digest::kSha1);
    if (!sha1) return sha1.error();
    auto sha256 = certs::ocsp_issuer_hashes(settings.ca, certs::Digest::kSha256);
    if (!sha256) return sha256.error();
    std::shared_ptr<OcspResponder> made(new OcspResponder(std::move(settings), std::move(clock)));
    made->sha1_ = *std::move(sha1);
    made->sha256_ = *std::move(sha256);
    return made;
}

OcspResponder::OcspResponder(OcspSettings settings, std::shared_ptr<const certs::Clock> clock)
    : settings_(std::move(settings)),
      clock_(std::move(clock)),
      issuer_(issuer_hash(settings_.ca.subject_der())) {}

bool OcspResponder::names_ca(const certs::OcspCertId& id) const noexcept {
    const auto& ours = id.digest == certs::Digest::kSha1 ? sha1_ : sha256_;
    return equal(id.issuer_name_hash, ours.name) && equal(id.issuer_key_hash, ours.key);
}

bool OcspResponder::is_asked(const certs::OcspRequest& request) const noexcept {
    return names_ca(request.certificates.front());
}

OcspReply OcspResponder::answer(const certs::OcspRequest& request, Store& store,
                                const std::string& asker, std::string& fault) {
    auto reply = kept_or_made(request, store, clock_->now(), asker);
    if (reply) return *std::move(reply);
    fault = reply.error().detail;
    const bool later = reply.error().code == Errc::kUnavailable;
    return error_reply(later ? OcspStatus::kTryLater : OcspStatus::kInternalError);
}

Result<OcspReply> OcspResponder::kept_or_made(const certs::OcspRequest& request, Store& store,
                                              std::int64_t now, const std::string& asker) {
    if (request.certificates.size() != 1 || request.nonce) {
        if (const auto may = take_signature(now, asker); !may) return may.error();
        return make(request, store, now);
    }
    const certs::OcspCertId& asked = request.certificates.front();
    const Bytes id = to_bytes(asked.whole);
    // Read before the status: a change between the two makes the answer be looked at again.
    const auto revision = store.revocation_revision(issuer_);
    if (!revision) return Error{Errc::kUnavailable, revision.error().detail};
    auto kept = find_kept(id, now);
    if (kept && kept->revision == *revision) return std::move(kept->reply);
    const auto status = status_of(asked, store);
    if (!status) return status.error();
    // One that does not exist yet may be issued at any moment, and strangers choose such numbers.
    const bool unknown = status->kind == OcspCertificateStatus::Kind::kUnknown;
    if (!kept || !(kept->status == *status)) {
        const auto may = unknown ? take_signature(now, asker) : Result<void>();
        if (!may) return may.error();
        auto made = make(request, store, now);
        if (!made) return made.error();
        kept = Kept{*std::move(made), *status, *revision, now};
    }
    kept->revision = *revision;
    OcspReply reply = kept->reply;
    if (!unknown) keep(id, *std::move(kept));
    return reply;
}

std::optional<OcspResponder::Kept> OcspResponder::find_kept(const Bytes& id, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find(id);
    if (found == kept_.end()) return std::nullopt;
    const std::int64_t made = found->second.made;
    // One that its signer's end cut short has less time than others.
    const std::int64_t lasts = found->second.reply.next_update - made;
    if (now < made || now >= made + lasts / 2) {
        kept_.erase(found);
        return std::nullopt;
    }
    return found->second;
}

void OcspResponder::keep(const Bytes& id, Kept kept) {
    const std::lock_guard lock(mutex_);
    if (kept_.size() >= kMostKept) kept_.clear();
    kept_.insert_or_assign(id, std::move(kept));
}

Result<void> OcspResponder::take_signature(std::int64_t now, const std::string& asker) {
    const std::lock_guard lock(mutex_);
    if (now != second_) {
        second_ = now;
        signed_ = 0;
        signed_for_.clear();
    }
    const auto own = signed_for_.find(asker);
    const std::int64_t had = own == signed_for_.end() ? 0 : own->second;
    if (signed_ + had >= settings_.uncached_per_second) {
        return Error{Errc::kUnavailable,
                     "over " + std::to_string(settings_.uncached_per_second) +
                         " answers a second with a nonce, about several certificates, or about "
                         "unknown ones, of which one address has half at most "
                         "(ocsp.uncached_per_second)"};
    }
    ++signed_for_[asker];
    ++signed_;
    return {};
}

Result<OcspReply> OcspResponder::make(const certs::OcspRequest& request, Store& store,
                                      std::int64_t now) {
    certs::OcspAnswer answer;
    answer.produced_at = now;
    answer.next_update = now + settings_.period;
    if (request.nonce) answer.nonce = to_bytes(*request.nonce);
    // One that does not exist yet may be issued at any moment: no cache may say otherwise for long.
    bool for_all = !request.nonce;
    for (const auto& asked : request.certificates) {
        const auto status = status_of(asked, store);
        if (!status) return status.error();
        for_all = for_all && status->kind != OcspCertificateStatus::Kind::kUnknown;
        answer.certificates.push_back({to_bytes(asked.whole), *status});
    }
    const auto own = signer(now);
    if (!own) return own.error();
    // It is judged by whether its signer's certificate was valid then.
    answer.this_update = std::max(now - kAnswerBackdate, (*own)->certificate.not_before());
    // Nobody should keep an answer for longer than its signer is certified.
    answer.next_update = std::min(answer.next_update, (*own)->certificate.not_after());
    auto der = certs::build_ocsp_response(answer, (*own)->key, certs::Digest::kSha256,
                                          (*own)->certificate);
    if (!der) return in_context("signing an OCSP response", der.error());
    return OcspReply{*std::move(der), answer.this_update, answer.next_update, for_all};
}

Result<OcspCertificateStatus> OcspResponder::status_of(const certs::OcspCertId& id,
                                                       Store& store) const {
    if (!names_ca(id)) return OcspCertificateStatus{};
    const auto row = store.find_certificate({issuer_, to_bytes(id.serial)});
    if (!row) return Error{Errc::kUnavailable, row.error().detail};
    std::optional<Revocation> revocation;
    if (*row) {
        revocation = (*row)->revocation;
        if (!revocation) return OcspCertificateStatus{OcspCertificateStatus::Kind::kGood};
    } else {
        // One that is not recorded, as after a restore, may have been taken back all the same.
        const auto found = store.find_revocation({issuer_, to_bytes(id.serial)});
        if (!found) return Error{Errc::kUnavailable, found.error().detail};
        if (!*found) return OcspCertificateStatus{};
        revocation = *found;
    }
    return OcspCertificateStatus{OcspCertificateStatus::Kind::kRevoked, revocation->at,
                                 revocation->reason};
}

Result<std::shared_ptr<const OcspResponder::Signer>> OcspResponder::signer(std::int64_t now) {
    const std::lock_guard lock(signer_mutex_);
    const bool fresh = signer_ && now >= signer_->certificate.not_before() &&
                       now < signer_->certificate.not_after() - kOcspResponderLifetime / 2;
    // Near the CA's own end nothing longer can be had.
    const bool last = signer_ && now < signer_->certificate.not_after() &&
                      signer_->certificate.not_after() == settings_.ca.not_after();
    if (fresh || last) return signer_;
    const bool valid = signer_ && now >= signer_->certificate.not_before() &&
                       now < signer_->certificate.not_after();
    // A CA that is away is not asked anew by every request.
    const bool pause = asked_ca_ <= now && now < asked_ca_ + kPauseAfterFailure;
    if (!pause) {
        auto made = make_signer();
        if (made) return signer_ = *std::move(made);
        asked_ca_ = now;
        ca_failure_ = in_context("certifying the OCSP responder", made.error());
    }
    if (valid) return signer_;
    return ca_failure_;
}

Result<std::shared_ptr<const OcspResponder::Signer>> OcspResponder::make_signer() const {
    const auto ca_key = settings_.ca.public_key();
    if (!ca_key) return ca_key.error();
    const certs::KeyType type = ca_key->type();
    auto key = certs::PrivateKey::generate({type, type == certs::KeyType::kRsa ? 2048 : 256});
    if (!key) return key.error();
    auto certificate = settings_.certify(*key);
    if (!certificate) return certificate.error();
    return std::make_shared<const Signer>(Signer{*std::move(key), *std::move(certificate)});
}

}  // namespace scepgate::ca_backend

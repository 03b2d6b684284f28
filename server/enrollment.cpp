#include "server/enrollment.hpp"

#include "server/renewed_certificate.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
using ca_backend::StoredTransaction;
using ca_backend::TransactionState;
using policy::RenewalChallenge;

namespace {

Refusal store_unavailable(const Error& error) {
    return refused(reason::kStoreUnavailable, error.detail);
}

/// How often a request may come again to the octet after its certificate was over.
constexpr int kMostRepetitions = 16;

/// Whether what became of an earlier request also answers this one: the same CSR under the same
/// transactionID, but signed by another certificate of the same key. Keys, transactionIDs and CSRs
/// come again for years; what is over must not be handed out for ever.
Result<bool> still_answers(ca_backend::Store& store, const Endpoint& endpoint,
                           const StoredTransaction& earlier, const EnrollmentRequest& request,
                           std::int64_t now) {
    // A renewal is signed by the certificate that it renews, not by a fresh one: neither does this
    // one come again so, nor does it get what that certificate was good for.
    if (request.kind == EnrollmentKind::kRenewal) return false;
    const auto kind = stored_kind(store, endpoint, earlier);
    if (!kind) return kind.error();
    if (*kind == EnrollmentKind::kRenewal) return false;
    if (earlier.state == TransactionState::kExpired) return false;
    if (earlier.state != TransactionState::kIssued) return true;
    if (request.signer == *earlier.certificate) return false;
    const auto over = is_over(store, *earlier.certificate, now);
    if (!over) return over.error();
    return !*over;
}

/// Why a request that comes once more to the octet gets nothing, now that what it was answered with
/// is over; empty: it is judged anew (T07). Whoever recorded the message can send it: no
/// certificate again for a key that others have, and no renewal, which needs no challenge (G07).
std::optional<std::string> ends_for_good(const EnrollmentRequest& request,
                                         const std::optional<ca_backend::Revocation>& revocation) {
    if (revocation && revocation->on_hold()) return "is on hold";
    if (revocation && revocation->reason == certs::RevocationReason::kKeyCompromise)
        return "was revoked because its key is known to others";
    if (request.kind != EnrollmentKind::kRenewal) return std::nullopt;
    return revocation ? "was revoked" : "has expired";
}

/// The name of a request that comes once more, to the octet, when what it was answered with is
/// over.
ca_backend::TransactionKey next_key(const ca_backend::TransactionKey& key,
                                    const certs::Certificate& over) {
    Bytes both = to_bytes(key);
    const Sha256 fingerprint = over.fingerprint();
    both.insert(both.end(), fingerprint.begin(), fingerprint.end());
    return sha256(both);
}

/// Whether the token was used by another request than this one, which may have used it in vain.
Result<bool> used_up(ca_backend::Store& store, const Redemption& redemption,
                     const ca_backend::PollKey& sender, const ca_backend::TransactionKey& key,
                     std::int64_t now) {
    const auto redeemed = store.is_redeemed(redemption);
    if (!redeemed || !*redeemed) return redeemed;
    const auto own = store.find_request(sender, key, now);
    if (!own) return own.error();
    return !*own || (*own)->key != key || (*own)->state != TransactionState::kExpired ||
           (*own)->challenge != redemption.token;
}

ca_backend::PollKey sender_of(const EnrollmentRequest& request) {
    return {request.endpoint, request.transaction_id, ca_backend::signer_key_hash(request.signer)};
}

}  // namespace

asio::awaitable<Outcome> Enrollment::answer(const Operation& operation) {
    const Endpoint& endpoint = operation.endpoint;
    RequestRecord& record = operation.record;
    scep::RequestContext context{endpoint.name, operation.client_address, {}};
    // Where nothing is renewed, a certificate of ours is a signer like any other.
    if (endpoint.renewal) context.issuers = endpoint.issuers;
    auto request = scep::to_enrollment_request(operation.message, context, endpoint.rules);
    if (!request) co_return request.error();
    request->template_name = endpoint.template_for(request->purpose);
    record.purpose = certs::to_text(request->purpose);
    auto outcome = co_await decide(operation, *request);
    if (!outcome) {
        record.subject = request->csr.subject().text();
        record.subject_alt_name = certs::to_text(request->csr.requested().subject_alt_name);
    }
    co_return outcome;
}

asio::awaitable<Outcome> Enrollment::decide(const Operation& operation,
                                            EnrollmentRequest& request) {
    const auto fit = check_key(operation.endpoint, request.csr.public_key());
    if (!fit) co_return fit.error();
    auto key = ca_backend::transaction_key(request);
    auto before = recorded_before(operation, request, key);
    if (!before) co_return before.error();
    if (*before) {
        operation.record.known = true;
        co_return co_await approval_.answer(operation, &request, **before);
    }
    auto recipient = scep::reply_recipient(operation.message, request.csr.challenge());
    if (!recipient) co_return recipient.error();
    auto grant = co_await authorise(operation, request);
    if (!grant) co_return grant.error();
    operation.record.known = true;
    if (const auto sound = check_not_compromised(*parts_.store, request); !sound) {
        co_await issuance_.tell_refused(operation, request, sound.error(), grant->policy());
        co_return sound.error();
    }
    for (const auto& left_out : grant->stripped())
        operation.record.notes.push_back("left out " + left_out);
    if (grant->redemption()) {
        const auto used = used_up(*parts_.store, *grant->redemption(), sender_of(request), key,
                                  parts_.clock->now());
        if (!used) co_return store_unavailable(used.error());
        if (*used) {
            // By a parallel copy of this very request, or by another one?
            before = recorded_before(operation, request, key);
            if (!before) co_return before.error();
            if (*before) co_return co_await approval_.answer(operation, &request, **before);
            Refusal refusal = already_redeemed();
            co_await issuance_.tell_refused(operation, request, refusal, grant->policy());
            co_return refusal;
        }
    }
    if (grant->needs_approval() || operation.endpoint.approval_for(*grant).required) {
        co_return co_await approval_.hold(operation, request, *grant, key);
    }
    auto certificate = co_await issuance_.issue(operation, request, *grant, key);
    if (!certificate) co_return certificate.error();
    co_return Answer(ReleasedCertificate{std::move(*certificate), std::move(*recipient)});
}

Result<std::optional<StoredTransaction>, Refusal> Enrollment::recorded_before(
    const Operation& operation, const EnrollmentRequest& request, ca_backend::TransactionKey& key) {
    const std::int64_t now = parts_.clock->now();
    const ca_backend::PollKey sender = sender_of(request);
    auto found = parts_.store->find_request(sender, key, now);
    const auto is_same = [&] { return found && *found && (*found)->key == key; };
    for (int times = 1; is_same() && (*found)->certificate; ++times) {
        const certs::Certificate issued = *(*found)->certificate;
        const auto over = is_over(*parts_.store, issued, now);
        if (!over) return store_unavailable(over.error());
        if (!*over) break;
        const auto row = parts_.store->find_certificate(ca_backend::certificate_id(issued));
        if (!row) return store_unavailable(row.error());
        const auto revocation = *row ? (*row)->revocation : std::nullopt;
        auto end = ends_for_good(request, revocation);
        if (times == kMostRepetitions) end = "is not the first that this very request has outlived";
        if (end) {
            return refused(reason::kRequestOver, "a new request",
                           "one that was answered with certificate " + issued.serial_hex() +
                               ", which " + *end);
        }
        key = next_key(key, issued);
        found = parts_.store->find_request(sender, key, now);
    }
    if (!found) return store_unavailable(found.error());
    if (is_same()) {
        // Nobody decided in time: the device asks anew, and policy judges anew.
        if ((*found)->state == TransactionState::kExpired)
            return std::optional<StoredTransaction>();
        return std::move(*found);
    }
    const auto& waiting = *found;
    const bool signed_anew = waiting && waiting->pending &&
                             waiting->message_type == request.message_type &&
                             equal(waiting->pending->csr, request.csr.der());
    if (!signed_anew) return std::optional<StoredTransaction>();
    auto answers = still_answers(*parts_.store, operation.endpoint, *waiting, request, now);
    if (!answers) return store_unavailable(answers.error());
    return *answers ? std::move(*found) : std::nullopt;
}

asio::awaitable<Result<Grant, Refusal>> Enrollment::authorise(const Operation& operation,
                                                              EnrollmentRequest& request) {
    if (request.kind == EnrollmentKind::kInitial) co_return co_await ask_module(operation, request);
    operation.record.policy = policy::kRenewalPolicy;
    auto grant = judge_renewal(operation, request);
    if (!grant) co_return grant.error();
    const RenewalChallenge rule = operation.endpoint.renewal->challenge;
    const bool asked = rule == RenewalChallenge::kRequired ||
                       (rule == RenewalChallenge::kVerifiedIfPresent && request.csr.challenge());
    // Only after the rule was met: the names are the signer's own, so a challenge that somebody
    // else was given is not used up for them.
    if (!asked) co_return std::move(*grant);
    auto granted = co_await ask_module(operation, request);
    if (!granted) co_return granted.error();
    const std::string by = granted->policy();
    auto bound = policy::bound_renewal(*operation.endpoint.renewal, std::move(*granted), *grant);
    if (!bound) co_await issuance_.tell_refused(operation, request, bound.error(), by);
    co_return bound;
}

asio::awaitable<Result<Grant, Refusal>> Enrollment::ask_module(const Operation& operation,
                                                               const EnrollmentRequest& request) {
    policy::PolicyModule& module = *operation.endpoint.policy;
    operation.record.policy = module.name();
    auto grant = co_await module.verify_request(request);
    // After a module that could not decide there is nothing to tell it.
    if (!grant && !grant.error().temporary) {
        co_await issuance_.tell_refused(operation, request, grant.error());
    }
    co_return grant;
}

Result<Grant, Refusal> Enrollment::judge_renewal(const Operation& operation,
                                                 EnrollmentRequest& request) {
    const Endpoint& endpoint = operation.endpoint;
    const std::int64_t now = parts_.clock->now();
    const auto known = find_renewed(*parts_.store, endpoint, request.signer);
    if (!known) return store_unavailable(known.error());
    // One that is over speaks for nobody: its key may be with whoever found the device.
    operation.record.known =
        *known && !(*known)->revoked && now <= request.signer.not_after() + endpoint.renewal->grace;
    const auto tmpl = template_of_renewal(endpoint, request, *known);
    auto grant = policy::judge_renewal(*endpoint.renewal, request, *known, tmpl, now);
    if (grant) set_template(request, tmpl);
    return grant;
}

}  // namespace scepgate::server

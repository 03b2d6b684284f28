#include "server/pki_operation.hpp"

#include "server/notifier.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
using ReplyKind = OperationReply::Kind;

namespace {

void append(std::string& list, const scep::Tolerances& words) {
    for (const auto& word : words) {
        if (!list.empty()) list += ',';
        list += word;
    }
}

void describe(const scep::SignedRequest& request, RequestRecord& record) {
    record.transaction_id = request.transaction_id;
    record.message_type = request.message_type ? std::string(to_text(*request.message_type))
                                               : request.message_type_text;
    append(record.decode_path, request.tolerances);
}

void describe(const scep::PkiMessage& message, RequestRecord& record) {
    record.digest = certs::to_text(message.signature_algorithm().digest);
    record.signature = certs::to_text(message.signature_algorithm());
    record.cipher = certs::to_text(message.cipher());
    record.key_transport = certs::to_text(message.key_transport());
    append(record.decode_path, message.tolerances());
}

/// What is encrypted to the next CA's or RA's certificate is for the next CA (RFC 8894 section 4.7,
/// C16).
const Endpoint& addressee(const Endpoint& endpoint, const scep::SignedRequest& request) {
    const bool for_next = endpoint.next && !is_addressed_to(request, endpoint.recipients) &&
                          is_addressed_to(request, endpoint.next->recipients);
    return for_next ? *endpoint.next : endpoint;
}

/// Who signs the reply: whom the device wrote to.
const scep::ReplySigner& signer_for(const Endpoint& endpoint, const scep::SignedRequest& request,
                                    std::int64_t now) {
    const auto& earlier = endpoint.earlier_ra;
    const bool to_earlier = earlier && now < earlier->signer.certificate.not_after() &&
                            is_addressed_to(request, earlier->recipients);
    return to_earlier ? earlier->signer : endpoint.signer;
}

/// T10: only where the endpoint asks for it; many devices have no clock, or send no signingTime.
Result<void, Refusal> check_signing_time(const Endpoint& endpoint,
                                         const scep::SignedRequest& request, std::int64_t now) {
    const std::int64_t window = endpoint.shape.signing_time_window;
    const auto& time = request.signing_time;
    if (window == 0 || !time || (*time >= now - window && *time <= now + window)) return {};
    return refused(reason::kSigningTime,
                   certs::utc_text(now - window) + " to " + certs::utc_text(now + window),
                   certs::utc_text(*time) + " by the device's clock");
}

/// From the CA that issued it up to the root; empty when that is neither the endpoint's CA nor its
/// counterpart (GetCert finds those of earlier CAs too).
std::vector<certs::Certificate> chain_of(const Endpoint& endpoint,
                                         const certs::Certificate& certificate) {
    const auto issued = [&](const ca_backend::CaBackend& ca) {
        return equal(certificate.issuer_der(), ca.chain().front().subject_der());
    };
    if (issued(*endpoint.ca)) return endpoint.ca->chain();
    if (endpoint.counterpart && issued(*endpoint.counterpart->ca)) {
        return endpoint.counterpart->ca->chain();
    }
    return {};
}

/// The issued certificate and what the endpoint sends with it.
std::vector<certs::Certificate> with_chain(const Endpoint& endpoint,
                                           const certs::Certificate& certificate) {
    std::vector<certs::Certificate> all{certificate};
    const auto chain = chain_of(endpoint, certificate);
    switch (endpoint.shape.cert_rep) {
        case CertRepShape::kLeaf:
            break;
        case CertRepShape::kLeafAndCa:
            if (!chain.empty()) all.push_back(chain.front());
            break;
        case CertRepShape::kChain:
            all.insert(all.end(), chain.begin(), chain.end());
            break;
    }
    return all;
}

/// Not looking up what there is.
bool is_about_a_certificate(scep::MessageType type) {
    return type == scep::MessageType::kPkcsReq || type == scep::MessageType::kRenewalReq ||
           type == scep::MessageType::kCertPoll;
}

OperationReply nobody_to_answer(const Error& error, RequestRecord& record) {
    describe(refused(reason::kMessageUnreadable, error.detail), record);
    return {ReplyKind::kMalformed, {}, {}};
}

OperationReply reply_of(Result<Bytes> cert_rep, RequestRecord& record) {
    if (cert_rep) return {ReplyKind::kCertRep, std::move(*cert_rep), {}};
    record.notes.push_back(cert_rep.error().detail);
    // The token that holds the signing key is away: a retry gets what was recorded.
    const bool later = cert_rep.error().code == Errc::kUnavailable;
    return {later ? ReplyKind::kUnavailable : ReplyKind::kInternal, {}, {}};
}

}  // namespace

PkiOperations::PkiOperations(ServiceParts parts)
    : parts_(std::move(parts)),
      trail_(parts_),
      enrollment_(parts_),
      poll_(parts_),
      look_up_(parts_) {
    parts_.retries = std::make_shared<RepeatBounds>();
}

bool PkiOperations::clock_is_wrong() const noexcept {
    return parts_.store && parts_.store->clock_is_wrong();
}

void PkiOperations::bound_refusals(std::size_t rate) {
    refusals_.set_rate(rate);
    known_refusals_.set_rate(rate);
    parts_.retries->set_rate(rate);
}

void PkiOperations::tell_refusals(RefusalBounds::Which which) {
    const auto now = std::chrono::steady_clock::now();
    for (const auto& untold : refusals_.take(which, now))
        trail_.counted("refuse_more", untold);
    for (const auto& untold : known_refusals_.take(which, now))
        trail_.counted("refuse_more", untold);
    for (const auto& untold : parts_.retries->take(which, now))
        trail_.counted("retry_more", untold);
}

asio::awaitable<OperationReply> PkiOperations::process(const Endpoint& routed, const Bytes& message,
                                                       std::string client_address,
                                                       RequestRecord& record) {
    auto signed_request = scep::read_signed_request(message);
    if (!signed_request) co_return nobody_to_answer(signed_request.error(), record);
    describe(*signed_request, record);
    const Endpoint& endpoint = addressee(routed, *signed_request);
    const auto answerable = scep::check_answerable(*signed_request, endpoint.rules);
    if (!answerable) co_return nobody_to_answer(answerable.error(), record);
    auto opened = open(endpoint, *signed_request);
    // What was refused before our key was used has no secret part.
    const auto began = opened ? opened->judged() : std::chrono::steady_clock::now();
    Outcome outcome;
    scep::ReplyAddress address;
    if (opened) {
        describe(*opened, record);
        address = scep::reply_address(*opened);
        const Operation operation{endpoint, record, client_address, *opened};
        outcome = co_await dispatch(operation);
    } else {
        address = scep::reply_address(*signed_request, endpoint.rules);
        outcome = opened.error();
    }
    address.empty_content = endpoint.shape.empty_failure;
    const scep::ReplySigner& signer = signer_for(endpoint, *signed_request, parts_.clock->now());
    if (outcome) co_return reply(endpoint, signer, address, *outcome, record);

    const Refusal& refusal = outcome.error();
    record.refused = true;
    describe(refusal, record);
    record.known = record.known || refusal.challenge_valid;
    if (is_recorded(record, client_address, refusal)) {
        auto auditing = trail_.refusal(endpoint, record, client_address, refusal);
        co_await std::move(auditing);
    }
    // One that may come again is not decided; who cannot be read is nobody's device.
    if (parts_.notifier && opened && is_about_a_certificate(opened->type()) && !refusal.temporary) {
        parts_.notifier->refused({endpoint.name, record, client_address, refusal});
    }
    if (refusal.temporary) co_return OperationReply{ReplyKind::kUnavailable, {}, {}};
    auto failure = reply_of(
        scep::encode_failure(address, refusal.fail_info, signer, parts_.clock->now()), record);
    failure.failed_since = began;
    co_return failure;
}

bool PkiOperations::is_recorded(const RequestRecord& record, std::string_view client_address,
                                const Refusal& refusal) {
    const auto now = std::chrono::steady_clock::now();
    if (!record.known) return refusals_.admit(client_address, refusal.code, now);
    // Two that collide share the bounds, and are counted.
    const auto hash = std::hash<std::string_view>();
    const std::uint64_t matter = hash(record.transaction_id) * 31 + hash(refusal.code);
    return known_refusals_.admit(matter, client_address, refusal.code, now);
}

Result<scep::PkiMessage, Refusal> PkiOperations::open(const Endpoint& endpoint,
                                                      const scep::SignedRequest& request) const {
    const auto timely = check_signing_time(endpoint, request, parts_.clock->now());
    if (!timely) return timely.error();
    return scep::open_request(request, endpoint.recipients, endpoint.rules);
}

asio::awaitable<Outcome> PkiOperations::dispatch(const Operation& operation) {
    switch (operation.message.type()) {
        case scep::MessageType::kPkcsReq:
        case scep::MessageType::kRenewalReq:
            co_return co_await enrollment_.answer(operation);
        case scep::MessageType::kCertPoll:
            co_return co_await poll_.answer(operation);
        case scep::MessageType::kGetCert:
            co_return look_up_.certificate(operation);
        case scep::MessageType::kGetCrl:
            co_return co_await look_up_.crl(operation);
        case scep::MessageType::kCertRep:
            break;
    }
    throw std::logic_error("open_request() let a CertRep pass");
}

OperationReply PkiOperations::reply(const Endpoint& endpoint, const scep::ReplySigner& signer,
                                    const scep::ReplyAddress& address, const Answer& answer,
                                    RequestRecord& record) const {
    const std::int64_t now = parts_.clock->now();
    if (const auto* released = std::get_if<ReleasedCertificate>(&answer)) {
        record.serial = released->certificate.serial_hex();
        return reply_of(scep::encode_success(address, with_chain(endpoint, released->certificate),
                                             released->recipient, signer, now),
                        record);
    }
    if (const auto* released = std::get_if<ReleasedCrl>(&answer)) {
        return reply_of(
            scep::encode_crl(address, released->crl.der(), released->recipient, signer, now),
            record);
    }
    return reply_of(scep::encode_pending(address, signer, now), record);
}

}  // namespace scepgate::server

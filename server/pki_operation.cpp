#include "server/pki_operation.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
using Kind = OperationReply::Kind;

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

OperationReply reply_of(Result<Bytes> cert_rep, RequestRecord& record) {
    if (cert_rep) return {Kind::kCertRep, std::move(*cert_rep), {}};
    record.notes.push_back(cert_rep.error().detail);
    return {Kind::kInternal, {}, {}};
}

}  // namespace

PkiOperations::PkiOperations(ServiceParts parts)
    : parts_(std::move(parts)),
      trail_(parts_),
      enrollment_(parts_),
      poll_(parts_),
      look_up_(parts_) {}

asio::awaitable<OperationReply> PkiOperations::process(const Endpoint& endpoint,
                                                       const Bytes& message,
                                                       std::string client_address,
                                                       RequestRecord& record) {
    auto signed_request = scep::read_signed_request(message);
    if (!signed_request) {
        record.code = "MessageUnreadable";
        record.reason = signed_request.error().detail;
        co_return OperationReply{Kind::kMalformed, {}, {}};
    }
    describe(*signed_request, record);
    const auto began = std::chrono::steady_clock::now();
    auto opened = scep::open_request(*signed_request, endpoint.recipients, endpoint.rules);
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
    if (outcome) co_return reply(endpoint, address, *outcome, record);

    const Refusal& refusal = outcome.error();
    record.refused = true;
    record.code = refusal.code;
    record.reason = refusal.text;
    trail_.refusal(endpoint, record, client_address, refusal);
    if (refusal.temporary) co_return OperationReply{Kind::kUnavailable, {}, {}};
    auto failure = reply_of(
        scep::encode_failure(address, refusal.fail_info, endpoint.signer, parts_.clock->now()),
        record);
    failure.failed_since = began;
    co_return failure;
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

OperationReply PkiOperations::reply(const Endpoint& endpoint, const scep::ReplyAddress& address,
                                    const Answer& answer, RequestRecord& record) const {
    const std::int64_t now = parts_.clock->now();
    if (const auto* released = std::get_if<ReleasedCertificate>(&answer)) {
        record.serial = released->certificate.serial_hex();
        return reply_of(scep::encode_success(address, {released->certificate}, released->recipient,
                                             endpoint.signer, now),
                        record);
    }
    if (const auto* released = std::get_if<ReleasedCrl>(&answer)) {
        return reply_of(scep::encode_crl(address, released->crl.der(), released->recipient,
                                         endpoint.signer, now),
                        record);
    }
    return reply_of(scep::encode_pending(address, endpoint.signer, now), record);
}

}  // namespace scepgate::server

#include "server/enrollment_service.hpp"

namespace scepgate::server {

namespace asio = boost::asio;
using certs::Certificate;

namespace {

Refusal unavailable(std::string code, std::string text) {
    return {FailInfo::kBadRequest, std::move(code), std::move(text), true};
}

std::string join(const std::vector<std::string>& words) {
    std::string all;
    for (const auto& word : words)
        all += (all.empty() ? "" : ",") + word;
    return all;
}

}  // namespace

/// One request on its way; what stages leave for later ones and for the records.
struct EnrollmentService::Transaction {
    const Endpoint& endpoint;
    RequestRecord& record;
    std::string client_address;
    scep::SignedRequest signed_request;
    std::optional<scep::PkiMessage> message;
    std::optional<EnrollmentRequest> request;
    ca_backend::TransactionKey key{};
};

EnrollmentService::EnrollmentService(std::shared_ptr<ca_backend::Store> store,
                                     std::shared_ptr<AuditLog> audit, std::shared_ptr<Log> log,
                                     std::shared_ptr<const certs::Clock> clock)
    : store_(std::move(store)),
      audit_(std::move(audit)),
      log_(std::move(log)),
      clock_(std::move(clock)) {}

asio::awaitable<OperationReply> EnrollmentService::process(const Endpoint& endpoint,
                                                           const Bytes& message,
                                                           std::string client_address,
                                                           RequestRecord& record) {
    auto signed_request = scep::read_signed_request(message);
    if (!signed_request) {
        record.code = "MessageUnreadable";
        record.reason = signed_request.error().detail;
        co_return OperationReply{OperationReply::Kind::kMalformed, {}, false};
    }
    Transaction transaction{
        endpoint, record, std::move(client_address), std::move(*signed_request), {}, {}, {}};
    record.transaction_id = transaction.signed_request.transaction_id;
    record.message_type = transaction.signed_request.message_type
                              ? std::string(to_text(*transaction.signed_request.message_type))
                              : transaction.signed_request.message_type_text;
    if (!transaction.signed_request.tolerances.empty()) {
        if (!record.decode_path.empty()) record.decode_path += ',';
        record.decode_path += join(transaction.signed_request.tolerances);
    }

    auto outcome = co_await enroll(transaction);
    const scep::PkiMessage* opened = transaction.message ? &*transaction.message : nullptr;
    const auto address = scep::reply_address(transaction.signed_request, opened, endpoint.rules);
    if (!outcome) {
        const Refusal& refusal = outcome.error();
        record.code = refusal.code;
        record.reason = refusal.text;
        audit_refusal(transaction, refusal);
        if (refusal.temporary) {
            co_return OperationReply{OperationReply::Kind::kUnavailable, {}, true};
        }
        auto failure =
            scep::encode_failure(address, refusal.fail_info, endpoint.signer, clock_->now());
        if (!failure) {
            record.notes.push_back(failure.error().detail);
            co_return OperationReply{OperationReply::Kind::kInternal, {}, true};
        }
        co_return OperationReply{OperationReply::Kind::kCertRep, std::move(*failure), true};
    }

    record.serial = outcome->serial_hex();
    const std::vector<Certificate> released{*outcome};
    auto success = scep::encode_success(address, released, transaction.signed_request.signer,
                                        opened->signer_key(), endpoint.signer, clock_->now());
    if (!success) {
        record.notes.push_back(success.error().detail);
        co_return OperationReply{OperationReply::Kind::kInternal, {}, true};
    }
    co_return OperationReply{OperationReply::Kind::kCertRep, std::move(*success), false};
}

asio::awaitable<Result<Certificate, Refusal>> EnrollmentService::enroll(Transaction& transaction) {
    const Endpoint& endpoint = transaction.endpoint;
    RequestRecord& record = transaction.record;
    auto opened =
        scep::open_request(transaction.signed_request, endpoint.recipients, endpoint.rules);
    if (!opened) co_return opened.error();
    record.digest = certs::to_text(opened->signature_algorithm().digest);
    record.signature = certs::to_text(opened->signature_algorithm());
    record.cipher = certs::to_text(opened->cipher());
    record.key_transport = certs::to_text(opened->key_transport());
    transaction.message.emplace(std::move(*opened));

    auto request =
        scep::to_enrollment_request(transaction.signed_request, *transaction.message, endpoint.name,
                                    transaction.client_address, endpoint.rules);
    if (!request) co_return request.error();
    transaction.request.emplace(std::move(*request));
    record.purpose = certs::to_text(transaction.request->purpose);

    transaction.key = ca_backend::transaction_key(*transaction.request);
    if (auto before = recorded_answer(transaction)) co_return std::move(*before);

    record.policy = endpoint.policy->name();
    auto grant = co_await endpoint.policy->verify_request(*transaction.request);
    if (!grant) co_return grant.error();
    for (const auto& left_out : grant->stripped())
        record.notes.push_back("left out " + left_out);
    if (grant->redemption()) {
        const auto redeemed = store_->is_redeemed(*grant->redemption());
        if (!redeemed) co_return unavailable("StoreUnavailable", redeemed.error().detail);
        if (*redeemed) {
            // By a parallel copy of this very request, or by another one?
            if (auto before = recorded_answer(transaction)) co_return std::move(*before);
            co_return Refusal{FailInfo::kBadMessageCheck, "ChallengeAlreadyRedeemed",
                              "this challenge was used for another request before"};
        }
    }
    co_return co_await issue(transaction, *grant);
}

std::optional<Result<Certificate, Refusal>> EnrollmentService::recorded_answer(
    Transaction& transaction) {
    auto before = store_->find_transaction(transaction.key, clock_->now());
    if (!before) return unavailable("StoreUnavailable", before.error().detail);
    if (!*before) return std::nullopt;
    auto& certificate = (*before)->certificate;
    if (!certificate) {
        return unavailable("PendingUnsupported", "this request was recorded without a certificate");
    }
    transaction.record.code = "Retry";
    if (auto audited = audit_issue(transaction, *certificate, "retry", nullptr); !audited) {
        return unavailable("AuditUnavailable", audited.error().detail);
    }
    return *std::move(certificate);
}

asio::awaitable<Result<Certificate, Refusal>> EnrollmentService::issue(Transaction& transaction,
                                                                       const Grant& grant) {
    const Endpoint& endpoint = transaction.endpoint;
    RequestRecord& record = transaction.record;
    ca_backend::IssueContext context;
    context.endpoint = endpoint.name;
    context.template_name = endpoint.template_for(grant.purpose());
    context.transaction_id = transaction.request->transaction_id;
    if (grant.template_name()) {
        // The endpoint's own choice by purpose is the limit of what may be asked for here.
        if (*grant.template_name() != context.template_name) {
            co_return Refusal{FailInfo::kBadRequest, "TemplateMismatch",
                              "the challenge names template '" + *grant.template_name() +
                                  "', this endpoint uses '" + context.template_name +
                                  "' for purpose " + std::string(to_text(grant.purpose()))};
        }
    }
    if (context.template_name.empty()) {
        co_return Refusal{FailInfo::kBadRequest, "NoTemplateForPurpose",
                          "this endpoint has no template for purpose " +
                              std::string(to_text(grant.purpose())) +
                              "; name one under endpoints[].templates"};
    }
    record.template_name = context.template_name;

    auto issued = co_await endpoint.ca->issue(grant, context);
    if (!issued) {
        record.ca_result = "refused";
        co_return issued.error();
    }
    auto* certificate = std::get_if<ca_backend::IssuedCertificate>(&*issued);
    if (certificate == nullptr) {
        co_return unavailable("PendingUnsupported", "the CA wants to decide later");
    }
    record.ca_result = "issued";
    record.notes.insert(record.notes.end(), certificate->notes.begin(), certificate->notes.end());
    co_return co_await store_issued(transaction, grant, std::move(certificate->certificate));
}

asio::awaitable<Result<Certificate, Refusal>> EnrollmentService::store_issued(
    Transaction& transaction, const Grant& grant, Certificate certificate) {
    ca_backend::IssuanceRecord row;
    row.transaction = transaction.key;
    row.endpoint = transaction.endpoint.name;
    row.transaction_id = transaction.request->transaction_id;
    row.message_type = transaction.request->message_type;
    row.signer_key = ca_backend::signer_key_hash(transaction.request->signer);
    row.ca = transaction.endpoint.ca->name();
    row.template_name = transaction.record.template_name;
    row.policy = grant.policy();
    row.device_id = grant.device_id();
    row.user_id = grant.user_id();
    row.certificate = certificate;
    row.subject_alt_name = grant.subject_alt_name();
    row.redemption = grant.redemption();
    row.now = clock_->now();
    // Before anything is used up: where the audit file cannot be written, nothing is issued, and
    // what a crash leaves in the store stands in the audit file too.
    if (auto audited = audit_issue(transaction, certificate, "sign", &grant); !audited) {
        co_return unavailable("AuditUnavailable", audited.error().detail);
    }
    auto recorded = co_await store_->record(std::move(row));
    if (!recorded) co_return unavailable("StoreUnavailable", recorded.error().detail);

    std::string_view event = "issue";
    if (std::holds_alternative<ca_backend::AlreadyRedeemed>(*recorded)) {
        co_return Refusal{FailInfo::kBadMessageCheck, "ChallengeAlreadyRedeemed",
                          "this challenge was used for another request at the same time"};
    }
    if (auto* before = std::get_if<ca_backend::RecordedBefore>(&*recorded)) {
        if (!before->transaction.certificate) {
            co_return unavailable("PendingUnsupported",
                                  "this request was recorded without a certificate");
        }
        certificate = *std::move(before->transaction.certificate);
        event = "retry";
        transaction.record.code = "Retry";
    } else {
        transaction.record.code = "Success";
        policy::TransactionOutcome outcome{&*transaction.request, certificate, std::nullopt};
        auto notified = co_await transaction.endpoint.policy->notify(outcome);
        if (!notified) co_return unavailable("NotificationFailed", notified.error().detail);
    }
    if (auto audited = audit_issue(transaction, certificate, event, &grant); !audited) {
        co_return unavailable("AuditUnavailable", audited.error().detail);
    }
    co_return certificate;
}

Result<void> EnrollmentService::audit_issue(const Transaction& transaction,
                                            const Certificate& certificate, std::string_view event,
                                            const Grant* grant) {
    AuditRecord line(event, clock_->now());
    line.add("endpoint", transaction.endpoint.name)
        .add("client", transaction.client_address)
        .add("transaction_id", transaction.signed_request.transaction_id)
        .add("message_type", transaction.record.message_type)
        .add("serial", certificate.serial_hex())
        .add("subject", certificate.subject_text())
        .add("fingerprint", to_hex(certificate.fingerprint()))
        .add("not_after", certs::utc_text(certificate.not_after()))
        .add("ca", transaction.endpoint.ca->name())
        .add_if("template", transaction.record.template_name);
    if (grant != nullptr) {
        line.add("policy", grant->policy())
            .add("subject_alt_name", certs::to_text(grant->subject_alt_name()))
            .add_if("device_id", grant->device_id())
            .add_if("user_id", grant->user_id());
        if (grant->redemption()) line.add("challenge", to_hex(grant->redemption()->token));
        if (!grant->stripped().empty()) line.add("left_out", grant->stripped());
    }
    return audit_->write(line);
}

void EnrollmentService::audit_refusal(const Transaction& transaction, const Refusal& refusal) {
    AuditRecord line("refuse", clock_->now());
    line.add("endpoint", transaction.endpoint.name)
        .add("client", transaction.client_address)
        .add("transaction_id", transaction.signed_request.transaction_id)
        .add("message_type", transaction.record.message_type)
        .add("policy", transaction.record.policy)
        .add("code", refusal.code)
        .add("reason", refusal.text)
        .add("fail_info", refusal.temporary ? "none (503)" : to_text(refusal.fail_info));
    if (transaction.request) {
        line.add("subject", transaction.request->csr.subject().text())
            .add("subject_alt_name",
                 certs::to_text(transaction.request->csr.requested().subject_alt_name));
    }
    // Nothing is released with a refusal, so an audit file that fails does not change the answer.
    if (auto written = audit_->write(line); !written) log_->error(written.error().detail);
}

}  // namespace scepgate::server

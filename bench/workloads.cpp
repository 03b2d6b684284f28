#include "bench/workloads.hpp"

#include <mutex>

#include "bench/parallel.hpp"
#include "certs/clock.hpp"

namespace scepgate::bench {
namespace {

std::string numbered(std::string text, std::size_t number) {
    for (std::size_t at = text.find("%d"); at != std::string::npos; at = text.find("%d", at)) {
        text.replace(at, 2, std::to_string(number));
    }
    return text;
}

Result<void> check_status(const HttpResponse& response) {
    if (response.status() == 200) return {};
    return Error{Errc::kUnavailable, "HTTP " + std::to_string(response.status())};
}

Result<scep::ClientRequest> make_request(const EnrolmentSettings& settings, std::size_t number,
                                         const certs::PrivateKey& key,
                                         const certs::Certificate& recipient, std::int64_t now) {
    auto subject = certs::Name::from_text(numbered(settings.subject, number));
    if (!subject) return in_context("subject", subject.error());
    certs::CsrContents contents;
    contents.subject = std::move(*subject);
    contents.key_usage = settings.key_usage;
    contents.challenge =
        settings.challenges.size() == 1 ? settings.challenges.front() : settings.challenges[number];
    auto csr = certs::build_csr(contents, key);
    if (!csr) return csr.error();
    auto transient = scep::transient_certificate(contents.subject, key, now);
    if (!transient) return transient.error();

    scep::ClientRequest request;
    // By the CSR and not by the key, because keys serve several requests.
    request.transaction_id = to_hex(sha256(*csr));
    request.sender_nonce = random_bytes(16);
    request.content = std::move(*csr);
    request.signer = std::move(*transient);
    request.signer_key = key;
    request.recipient = recipient;
    request.cipher = settings.cipher;
    request.digest = settings.digest;
    request.now = now;
    request.des_reply = true;  // Debian's scepserver writes nothing else
    return request;
}

}  // namespace

Result<void> StaticWorkload::answer(std::size_t, const HttpResponse& response) {
    if (auto status = check_status(response); !status) return status.error();
    if (response.body() != expected_) return malformed("another body than the first");
    return {};
}

Result<EnrolmentWorkload> EnrolmentWorkload::build(const EnrolmentSettings& settings,
                                                   const std::vector<certs::PrivateKey>& keys,
                                                   const scep::CaCertificates& ca) {
    if (settings.challenges.size() != 1 && settings.challenges.size() < settings.count) {
        return Error{Errc::kConfig, std::to_string(settings.challenges.size()) +
                                        " challenges for " + std::to_string(settings.count) +
                                        " requests"};
    }
    EnrolmentWorkload workload;
    workload.ca_ = ca;
    workload.threads_ = settings.threads;
    workload.items_.resize(settings.count);
    const std::int64_t now = certs::SystemClock().now();
    const auto built =
        for_each_parallel(settings.count, settings.threads, [&](std::size_t i) -> Result<void> {
            Item& item = workload.items_[i];
            auto request = make_request(settings, i, keys[i % keys.size()], ca.encryption, now);
            if (!request) return request.error();
            item.request = std::move(*request);
            const auto message = scep::encode_request(item.request);
            if (!message) return message.error();
            item.http = settings.post ? pki_operation_post(settings.url, *message)
                                      : pki_operation_get(settings.url, *message);
            return {};
        });
    if (!built) return built.error();
    return workload;
}

Result<void> EnrolmentWorkload::answer(std::size_t index, const HttpResponse& response) {
    if (auto status = check_status(response); !status) return status.error();
    if (response.body().empty()) return malformed("HTTP 200 with an empty body");
    items_[index].reply = response.body();
    return {};
}

Result<std::string> EnrolmentWorkload::serial_of_reply(const Item& item,
                                                       const certs::PublicKey& ca_key) const {
    const auto reply = scep::decode_reply(as_bytes(item.reply), item.request, ca_,
                                          item.request.signer_key.public_key());
    if (!reply) return in_context("reply", reply.error());
    if (reply->status == scep::PkiStatus::kPending) return Error{Errc::kUnavailable, "PENDING"};
    if (reply->status == scep::PkiStatus::kFailure) {
        return Error{Errc::kDenied,
                     "FAILURE " + std::string(reply->fail_info ? to_text(*reply->fail_info)
                                                               : "without failInfo")};
    }
    const certs::Certificate& certificate = reply->certificate;
    if (!equal(certificate.issuer_der(), ca_.ca.subject_der()) || !certificate.signed_by(ca_key)) {
        return Error{Errc::kBadSignature, "certificate: not signed by the CA"};
    }
    const std::int64_t now = certs::SystemClock().now();
    if (certificate.not_before() > now || certificate.not_after() < now) {
        return Error{Errc::kDenied, "certificate: not valid now"};
    }
    return certificate.serial_hex();
}

Verdict EnrolmentWorkload::verify(std::size_t measured_from) const {
    Verdict verdict;
    const auto ca_key = ca_.ca.public_key();
    if (!ca_key) {
        verdict.errors["CA key: " + ca_key.error().detail] = items_.size() - measured_from;
        return verdict;
    }
    std::mutex mutex;
    std::unordered_map<std::string, std::size_t> serials;
    const auto check = [&](std::size_t i) -> Result<void> {
        if (items_[i].reply.empty()) return {};  // counted in the run, under what went wrong
        auto serial = serial_of_reply(items_[i], *ca_key);
        const std::lock_guard lock(mutex);
        if (serial) ++serials[*serial];
        if (i < measured_from) return {};
        if (serial) {
            ++verdict.certificates;
        } else {
            ++verdict.errors[serial.error().detail];
        }
        return {};
    };
    if (auto checked = for_each_parallel(items_.size(), threads_, check); !checked) {
        ++verdict.errors[checked.error().detail];
    }
    for (const auto& [serial, count] : serials) {
        if (count > 1) verdict.duplicate_serials += count;
    }
    return verdict;
}

}  // namespace scepgate::bench

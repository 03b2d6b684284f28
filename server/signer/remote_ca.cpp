#include "server/signer/remote_ca.hpp"

#include "certs/csr.hpp"
#include "certs/der.hpp"
#include "certs/oids.hpp"
#include "policy/grant_record.hpp"
#include "server/signer/reasons.hpp"

namespace scepgate::server::signer {
namespace {

namespace asio = boost::asio;
using certs::Certificate;

Error as_error(const Refusal& refusal) {
    return {refusal.temporary ? Errc::kUnavailable : Errc::kDenied,
            "the signer refused (" + refusal.code + "): " + refusal.text};
}

bool signs_ocsp_alone(const Certificate& certificate) {
    const auto usages = certificate.extended_key_usage();
    const auto is_ca = certificate.is_ca();
    return usages && *usages && (*usages)->size() == 1 &&
           equal((*usages)->front(), certs::oid::kEkuOcspSigning) && is_ca && !*is_ca;
}

class RemoteKey final : public certs::KeyOperations {
public:
    RemoteKey(std::string ca, std::shared_ptr<SignerClient> client)
        : ca_(std::move(ca)), client_(std::move(client)) {}

    Result<Bytes> sign(certs::Digest, ByteView data) const override {
        const auto answer = client_->send_and_wait(encode_crl_order(ca_, data));
        if (!answer) return answer.error();
        if (const auto* refusal = std::get_if<Refusal>(&*answer)) return as_error(*refusal);
        const auto* made = std::get_if<SignatureAnswer>(&*answer);
        if (made == nullptr) return Error{Errc::kMalformed, "the signer answered something else"};
        return made->signature;
    }

private:
    std::string ca_;
    std::shared_ptr<SignerClient> client_;
};

/// The same for every attempt at one certificate, whichever process asks, and another when policy
/// grants something else.
Sha256 order_id(const IssueOrder& order, const Sha256& request) {
    namespace der = certs::der;
    return sha256(
        der::sequence({der::utf8_string("scepgate signer order"), der::utf8_string(order.ca),
                       der::utf8_string(order.template_name), der::octet_string(request),
                       der::octet_string(order.csr), der::octet_string(order.grant)}));
}

}  // namespace

certs::PrivateKey remote_key(std::string ca, certs::PublicKey public_key,
                             std::shared_ptr<SignerClient> client) {
    return certs::PrivateKey::from_operations(
        std::move(public_key), std::make_shared<RemoteKey>(std::move(ca), std::move(client)));
}

Result<ca_backend::CrlTerms> ask_crl_terms(const std::string& ca, SignerClient& client) {
    auto answer = client.ask_and_wait(DescribeOrder{ca});
    if (!answer) return answer.error();
    if (const auto* refusal = std::get_if<Refusal>(&*answer)) return as_error(*refusal);
    auto* description = std::get_if<Description>(&*answer);
    if (description == nullptr) return malformed("the signer answered something else");
    return ca_backend::CrlTerms{
        {std::move(description->crl_urls), std::move(description->freshest_crl_urls)},
        description->oldest_base};
}

Result<Certificate> certify_responder(const std::string& ca, const Certificate& ca_certificate,
                                      SignerClient& client, const certs::PrivateKey& key) {
    // The signer takes the key alone, and writes its own subject.
    auto subject = certs::Name::from_text("CN=OCSP responder");
    if (!subject) return subject.error();
    certs::CsrContents contents;
    contents.subject = *std::move(subject);
    auto csr = certs::build_csr(contents, key);
    if (!csr) return csr.error();
    const auto answer = client.ask_and_wait(ResponderOrder{ca, *std::move(csr)});
    if (!answer) return answer.error();
    if (const auto* refusal = std::get_if<Refusal>(&*answer)) return as_error(*refusal);
    const auto* issued = std::get_if<IssuedAnswer>(&*answer);
    if (issued == nullptr) return malformed("the signer answered something else");
    auto certificate = Certificate::from_der(issued->certificate);
    if (!certificate) return in_context("the signer's answer", certificate.error());
    const auto ca_key = ca_certificate.public_key();
    const bool ours = ca_key && certificate->signed_by(*ca_key) &&
                      equal(certificate->issuer_der(), ca_certificate.subject_der()) &&
                      equal(certificate->spki(), key.public_key().spki());
    if (!ours || !signs_ocsp_alone(*certificate)) {
        return malformed("the signer gave a certificate that is none for this OCSP responder");
    }
    return certificate;
}

asio::awaitable<Result<ca_backend::IssueOutcome, Refusal>> RemoteCa::issue(
    const Grant& grant, const ca_backend::IssueContext& context) {
    IssueOrder order;
    order.ca = name();
    order.template_name = context.template_name;
    order.endpoint = context.endpoint;
    order.transaction_id = context.transaction_id;
    order.csr = context.csr;
    order.grant = policy::GrantRecord::encode(grant);
    order.id = order_id(order, context.request);
    Order asked(std::move(order));
    const auto answer = co_await client_->ask(std::move(asked));
    if (!answer) {
        const bool away = answer.error().code == Errc::kUnavailable;
        co_return refused(away ? reason::kUnavailable : reason::kWrongAnswer,
                          "CA \"" + name() + "\": " + answer.error().detail);
    }
    if (const auto* refusal = std::get_if<Refusal>(&*answer)) co_return *refusal;
    const auto* issued = std::get_if<IssuedAnswer>(&*answer);
    if (issued == nullptr) co_return refused(reason::kWrongAnswer, "no certificate in its answer");
    auto certificate = believe(*issued, grant, context);
    if (!certificate) co_return certificate.error();
    co_return ca_backend::IssueOutcome(
        ca_backend::IssuedCertificate{*std::move(certificate), issued->notes});
}

Result<Certificate, Refusal> RemoteCa::believe(const IssuedAnswer& answer, const Grant& grant,
                                               const ca_backend::IssueContext& context) const {
    auto certificate = Certificate::from_der(answer.certificate);
    if (!certificate) return refused(reason::kWrongAnswer, certificate.error().detail);
    const Certificate& ca = chain().front();
    const auto ca_key = ca.public_key();
    if (!ca_key || !equal(certificate->issuer_der(), ca.subject_der()) ||
        !certificate->signed_by(*ca_key)) {
        return refused(reason::kWrongAnswer, "a certificate by " + ca.subject_text(),
                       "one by " + certificate->issuer_text());
    }
    if (!equal(certificate->spki(), grant.public_key().spki()))
        return refused(reason::kWrongAnswer, "a certificate for the device's key", "another key");
    if (!equal(certificate->subject_der(), grant.subject().der())) {
        // A template may build the subject anew; ours says the same as the signer's.
        const auto expected = local_->preview(grant, context);
        const bool built =
            expected && *expected && (*expected)->subject == certificate->subject_text();
        if (!built) {
            return refused(reason::kWrongAnswer, grant.subject().text(),
                           certificate->subject_text());
        }
    }
    const auto is_ca = certificate->is_ca();
    if (!is_ca || *is_ca) return refused(reason::kWrongAnswer, "a CA certificate came back");
    return *std::move(certificate);
}

}  // namespace scepgate::server::signer

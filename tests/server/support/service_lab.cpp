#include "tests/server/support/service_lab.hpp"

#include <fstream>
#include <stdlib.h>

#include "ca_backend/wait_for.hpp"
#include "certs/certificate_builder.hpp"
#include "tests/certs/support/key_fixtures.hpp"

namespace scepgate::server::testing {
namespace {

using ca_backend::wait_for;
using certs::KeyUsageBit;

const certs::PrivateKey& ca_key() {
    return certs::testing::ec_key();
}
const certs::PrivateKey& ra_key() {
    return certs::testing::rsa_key();
}

struct Issuer {
    std::string name;
    const certs::PrivateKey& key;
    std::int64_t not_after;
};
Issuer ca() {
    return {"CN=CA", ca_key(), kNow + 3650 * kDay};
}
Issuer next_ca() {
    return {"CN=next CA", certs::testing::key(certs::KeyType::kEc, 384), kNow + 7300 * kDay};
}

certs::Certificate make(const std::string& subject, const certs::PublicKey& key, bool ca,
                        certs::KeyUsage usage, const Issuer& issuer) {
    certs::CertificateContents contents;
    contents.serial = certs::random_serial();
    contents.issuer_der = certs::Name::from_text(issuer.name).value().der();
    contents.subject_der = certs::Name::from_text(subject).value().der();
    contents.not_before = kNow - 365 * kDay;
    contents.not_after = issuer.not_after;
    contents.spki = to_bytes(key.spki());
    contents.extensions = {certs::basic_constraints_extension(ca),
                           certs::key_usage_extension(usage)};
    return certs::build_certificate(contents, issuer.key, certs::Digest::kSha256).value();
}

certs::Certificate make_ca(const Issuer& issuer) {
    return make(issuer.name, issuer.key.public_key(), true,
                {KeyUsageBit::kKeyCertSign, KeyUsageBit::kCrlSign}, issuer);
}

certs::Certificate make_ra(const std::string& subject, const Issuer& issuer) {
    return make(subject, ra_key().public_key(), false,
                {KeyUsageBit::kDigitalSignature, KeyUsageBit::kKeyEncipherment}, issuer);
}

std::shared_ptr<ca_backend::EmbeddedCa> make_backend(const std::string& name,
                                                     const certs::Certificate& ca,
                                                     const certs::PrivateKey& key,
                                                     std::shared_ptr<const certs::Clock> clock) {
    ca_backend::Template tmpl;
    tmpl.name = "general";
    tmpl.key_usage = {KeyUsageBit::kDigitalSignature, KeyUsageBit::kKeyEncipherment};
    tmpl.extended_key_usage = {certs::extended_key_usage_from_text("clientAuth").value()};
    ca_backend::EmbeddedCaSettings settings;
    settings.name = name;
    settings.chain = {ca};
    settings.key = key;
    ca_backend::Template built = tmpl;
    built.name = "built";
    built.subject = ca_backend::SubjectPattern::parse("CN={device_id},O=Fleet").value();
    settings.templates = {{"general", tmpl}, {"built", built}};
    return ca_backend::EmbeddedCa::create(std::move(settings), std::move(clock)).value();
}

Bytes csr(const certs::PrivateKey& key) {
    certs::CsrContents contents;
    contents.subject = certs::Name::from_text("CN=device").value();
    contents.subject_alt_name = {
        certs::GeneralName::make(certs::GeneralNameType::kDns, "device.example").value()};
    contents.challenge = "challenge";
    return certs::build_csr(contents, key).value();
}

}  // namespace

const certs::PrivateKey& device_key(int number) {
    static const std::array keys = {
        certs::PrivateKey::generate({certs::KeyType::kRsa, 2048}).value(),
        certs::PrivateKey::generate({certs::KeyType::kRsa, 2048}).value()};
    return keys.at(static_cast<std::size_t>(number));
}

std::string Asked::outcome() const {
    switch (reply.kind) {
        case OperationReply::Kind::kMalformed:
            return "400";
        case OperationReply::Kind::kUnavailable:
            return "503";
        case OperationReply::Kind::kInternal:
            return "500";
        case OperationReply::Kind::kCertRep:
            break;
    }
    if (!cert) return "a reply that the client does not take";
    if (cert->status == scep::PkiStatus::kSuccess) return "success";
    if (cert->status == scep::PkiStatus::kPending) return "pending";
    return to_text(cert->fail_info.value());
}

ServiceLab::ServiceLab(PolicyLimits limits) {
    std::string name = (std::filesystem::temp_directory_path() / "scepgate-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = name;
    make_endpoint(limits);
    restart();
}

ServiceLab::~ServiceLab() {
    operations_.reset();
    store.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

void ServiceLab::make_endpoint(PolicyLimits limits) {
    const auto ca_certificate = make_ca(ca());
    const auto ra = make_ra("CN=RA", ca());
    endpoint.name = "/scep";
    endpoint.paths = {"/scep"};
    endpoint.policy = std::make_shared<GuardedPolicy>(module, limits);
    endpoint.ca = make_backend("lab", ca_certificate, ca_key(), clock);
    endpoint.signer = {ra, ra_key()};
    endpoint.recipients = {{ra, ra_key()}};
    endpoint.templates = {"", "", "general"};
    endpoint.issuers = {{ca_certificate, ca_key().public_key()}};
    certificates = {ca_certificate, ra, ra, {ca_certificate}};
}

void ServiceLab::succeed() {
    const auto ca_certificate = make_ca(next_ca());
    const auto ra = make_ra("CN=next RA", next_ca());
    endpoint.counterpart = Counterpart{endpoint.ca, {endpoint.signer.certificate}};
    endpoint.earlier_ra = EarlierRa{endpoint.signer, endpoint.recipients};
    endpoint.ca = make_backend("next", ca_certificate, next_ca().key, clock);
    endpoint.signer = {ra, ra_key()};
    endpoint.recipients.insert(endpoint.recipients.begin(), {ra, ra_key()});
    endpoint.issuers.insert(endpoint.issuers.begin(), {ca_certificate, next_ca().key.public_key()});
    certificates = {ca_certificate, ra, ra, {ca_certificate}};
}

void ServiceLab::restart() {
    operations_.reset();
    store.reset();
    ServiceParts parts;
    store = std::make_shared<SwitchedStore>(
        ca_backend::SqliteStore::open(directory_ / "store.db",
                                      ca_backend::SqliteStore::Mode::kCreateOrOpen)
            .value());
    parts.store = store;
    audit_ = AuditLog::open(audit_is_full ? std::filesystem::path("/dev/full")
                                          : directory_ / "audit.jsonl")
                 .value();
    parts.audit = audit_;
    LogConfig log;
    log.file = directory_ / "server.log";
    parts.log = Log::open(log).value();
    parts.clock = clock;
    operations_ = std::make_unique<PkiOperations>(std::move(parts));
}

void ServiceLab::fill_audit() {
    const auto file = directory_ / "audit.jsonl";
    std::filesystem::rename(file, directory_ / "audit.1");
    std::filesystem::create_symlink("/dev/full", file);
    audit_->reopen().value();
}

scep::ClientRequest ServiceLab::request(int key) const {
    scep::ClientRequest made;
    made.transaction_id = "transaction-1";
    made.sender_nonce = random_bytes(16);
    made.content = csr(device_key(key));
    made.signer = scep::transient_certificate(certs::Name::from_text("CN=device").value(),
                                              device_key(key), kNow)
                      .value();
    made.signer_key = device_key(key);
    made.recipient = certificates.encryption;
    made.now = clock->now();
    return made;
}

scep::ClientRequest ServiceLab::poll(const scep::ClientRequest& of) const {
    scep::ClientRequest made = of;
    made.type = scep::MessageType::kCertPoll;
    made.sender_nonce = random_bytes(16);
    made.content = scep::encode_issuer_and_subject(certs::Name::from_text("CN=CA").value(),
                                                   certs::Name::from_text("CN=device").value());
    return made;
}

scep::ClientRequest ServiceLab::renewal(const certs::Certificate& old, int old_key,
                                        int new_key) const {
    scep::ClientRequest made = request(old_key);
    made.type = scep::MessageType::kRenewalReq;
    made.transaction_id = "renewal-1";
    made.content = csr(device_key(new_key));
    made.signer = old;
    return made;
}

boost::asio::awaitable<Asked> ServiceLab::process(scep::ClientRequest request, int csr_key) {
    const Bytes message = scep::encode_request(request).value();
    Asked asked;
    asked.reply = co_await operations_->process(endpoint, message, "192.0.2.1", asked.record);
    if (asked.reply.kind == OperationReply::Kind::kCertRep) {
        auto read = scep::decode_reply(asked.reply.body, request, certificates,
                                       device_key(csr_key).public_key());
        if (read) asked.cert = std::move(*read);
    }
    co_return asked;
}

Asked ServiceLab::ask(const scep::ClientRequest& request, int csr_key) {
    return wait_for(process(request, csr_key));
}

Asked ServiceLab::ask_octets(const Bytes& octets) {
    Asked asked;
    asked.reply = wait_for(operations_->process(endpoint, octets, "192.0.2.1", asked.record));
    return asked;
}

std::vector<Asked> ServiceLab::ask_together(const std::vector<scep::ClientRequest>& requests) {
    boost::asio::io_context context;
    std::vector<Asked> all(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
        boost::asio::co_spawn(context, process(requests[i], 0),
                              [&all, i](std::exception_ptr failure, Asked asked) {
                                  if (failure) std::rethrow_exception(failure);
                                  all[i] = std::move(asked);
                              });
    }
    context.run();
    return all;
}

void ServiceLab::decide(ca_backend::Decision::Verdict verdict) {
    ca_backend::PendingFilter filter;
    filter.now = clock->now();
    const auto waiting = store->list_pending(filter).value();
    ca_backend::Decision decision;
    decision.id = waiting.at(0).id;
    decision.verdict = verdict;
    decision.by = "olga";
    decision.reason = "seen";
    decision.now = clock->now();
    wait_for(store->decide(decision)).value();
}

void ServiceLab::revoke(const certs::Certificate& certificate, certs::RevocationReason reason) {
    ca_backend::RevocationOrder order;
    order.certificate = ca_backend::certificate_id(certificate);
    order.reason = reason;
    order.at = clock->now();
    wait_for(store->revoke(order)).value();
}

std::vector<std::string> ServiceLab::audit() const {
    std::ifstream file(directory_ / "audit.jsonl");
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);)
        lines.push_back(line.substr(line.find("\"event\"")));
    return lines;
}

std::vector<std::string> ServiceLab::audit_events() const {
    std::vector<std::string> events;
    for (const std::string& line : audit()) {
        const std::size_t start = std::string_view("\"event\":\"").size();
        events.push_back(line.substr(start, line.find('"', start) - start));
    }
    return events;
}

std::size_t ServiceLab::issued() {
    return store->list({}).value().rows.size();
}

}  // namespace scepgate::server::testing

#include "fuzz/served_lab.hpp"

#include <cstdlib>

#include "ca_backend/sqlite_store.hpp"
#include "ca_backend/wait_for.hpp"
#include "certs/certificate_builder.hpp"
#include "fuzz/test_keys.hpp"
#include "policy/simple_modules.hpp"

namespace scepgate::fuzz {
namespace {

namespace fs = std::filesystem;
using certs::KeyUsageBit;

constexpr std::int64_t kYear = std::int64_t{365} * 86'400;

template <class T>
T need(Result<T> result) {
    FUZZ_REQUIRE(result);
    return std::move(*result);
}

/// The issuing CA's, self-signed, for the challenge signer's key: it has no other part here.
certs::Certificate make_ca() {
    certs::CertificateContents contents;
    contents.serial = {1};
    contents.issuer_der = contents.subject_der = need(certs::Name::from_text("CN=fuzz CA")).der();
    contents.not_before = kNow - kYear;
    contents.not_after = kNow + 10 * kYear;
    contents.spki = to_bytes(challenge_signer().key.public_key().spki());
    contents.extensions = {
        certs::basic_constraints_extension(true),
        certs::key_usage_extension({KeyUsageBit::kKeyCertSign, KeyUsageBit::kCrlSign})};
    return need(certs::build_certificate(contents, challenge_signer().key, certs::Digest::kSha256));
}

std::shared_ptr<ca_backend::EmbeddedCa> make_backend(const certs::Certificate& certificate,
                                                     std::shared_ptr<const certs::Clock> clock) {
    ca_backend::Template device;
    device.name = "device";
    device.key_usage = {KeyUsageBit::kDigitalSignature, KeyUsageBit::kKeyEncipherment};
    device.extended_key_usage = {need(certs::extended_key_usage_from_text("clientAuth"))};
    ca_backend::EmbeddedCaSettings settings;
    settings.name = "fuzz";
    settings.chain = {certificate};
    settings.key = challenge_signer().key;
    settings.templates = {{"device", device}};
    settings.delta_crl = ca_backend::CrlTimes{86'400, 3600};
    return need(ca_backend::EmbeddedCa::create(std::move(settings), std::move(clock)));
}

fs::path make_directory() {
    std::error_code none;
    const bool in_memory = fs::is_directory("/dev/shm", none);
    std::string name =
        ((in_memory ? fs::path("/dev/shm") : fs::temp_directory_path()) / "scepgate-fuzz-XXXXXX")
            .string();
    FUZZ_REQUIRE(::mkdtemp(name.data()) != nullptr);
    return name;
}

}  // namespace

ServedLab& ServedLab::instance() {
    static ServedLab lab;
    return lab;
}

ServedLab::ServedLab()
    : directory_(make_directory()), clock_(std::make_shared<certs::FixedClock>(kNow)) {
    make_endpoint();
    server::LogConfig log;
    log.file = directory_ / "server.log";
    log_ = need(server::Log::open(log));
    server::ServiceParts parts;
    store_ = need(ca_backend::SqliteStore::open(directory_ / "scepgate.db",
                                                ca_backend::SqliteStore::Mode::kCreateOrOpen));
    parts.store = store_;
    parts.audit = need(server::AuditLog::open(directory_ / "audit.jsonl"));
    parts.log = log_;
    parts.clock = clock_;
    operations_ = std::make_unique<server::PkiOperations>(std::move(parts));
}

ServedLab::~ServedLab() {
    if (server_) server_->drain(std::chrono::seconds(0));
    if (workers_) workers_->join();
    server_.reset();
    handler_.reset();
    operations_.reset();
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

void ServedLab::make_endpoint() {
    const certs::Certificate ca = make_ca();
    certificates_ = {ca, ra().certificate, ra().certificate, {ca}};
    endpoint_ = std::make_shared<server::Endpoint>();
    endpoint_->name = "/scep";
    endpoint_->paths = {"/scep", "/certsrv/mscep/mscep.dll", "/cgi-bin/pkiclient.exe"};
    endpoint_->policy = std::make_shared<policy::OpenModule>("open");
    ca_ = make_backend(ca, clock_);
    endpoint_->ca = ca_;
    endpoint_->signer = {ra().certificate, ra().key};
    endpoint_->recipients = {{ra().certificate, ra().key}};
    endpoint_->templates = {"device", "device", "device"};
    endpoint_->renewal.emplace();
    endpoint_->issuers = {{ca, challenge_signer().key.public_key()}};
    const auto capabilities = as_bytes("AES\nPOSTPKIOperation\nSHA-256\n");
    endpoint_->capabilities =
        std::make_shared<server::PreparedReply>(200, "text/plain", capabilities);
    endpoint_->ca_certificates =
        std::make_shared<server::PreparedReply>(200, "application/x-x509-ca-cert", ca.der());
    endpoint_->information_page =
        std::make_shared<server::PreparedReply>(200, "text/plain", as_bytes("SCEP\n"));
}

server::Publications ServedLab::publications() const {
    ca_backend::OcspSettings settings;
    settings.ca = ca_->chain().front();
    settings.certify = [ca = ca_](const certs::PrivateKey& key) {
        return ca->certify_ocsp_responder(key.public_key(), ca_backend::kOcspResponderLifetime);
    };
    settings.uncached_per_second = 1'000'000'000;  // the clock stands still
    server::Publication all{ca_, "/crl/ca.crl", "/crl/ca+.crl", "/ca.cer", nullptr, "/ocsp"};
    all.ocsp = need(ca_backend::OcspResponder::create(std::move(settings), clock_));
    auto store = std::make_shared<server::StoreLink>();
    store->connect(store_);
    return {{std::move(all)}, {}, std::move(store)};
}

server::OperationReply ServedLab::process(const Bytes& message) {
    server::RequestRecord record;
    return ca_backend::wait_for(operations_->process(*endpoint_, message, "192.0.2.1", record));
}

std::uint16_t ServedLab::port() {
    if (!server_) {
        auto runtime = std::make_shared<server::Runtime>(
            std::vector<std::shared_ptr<const server::Endpoint>>{endpoint_}, 65'536, clock_);
        runtime->set_publications(publications());
        workers_ = std::make_unique<server::WorkerPool>(1, 100);
        handler_ = std::make_unique<server::ScepHandler>(std::move(runtime), *operations_,
                                                         *workers_, log_);
        server::HttpSettings settings;
        settings.listen = {{.address = "127.0.0.1:0", .tls = {}}};
        settings.trusted_proxies = {need(server::AddressPrefix::parse("127.0.0.0/8"))};
        settings.io_threads = 1;
        server_ = need(server::HttpServer::create(settings, *handler_));
        server_->start();
    }
    const std::string address = server_->addresses().front();
    return static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
}

}  // namespace scepgate::fuzz

#include <fstream>
#include <iostream>
#include <thread>

#include <nlohmann/json.hpp>

#include "certs/clock.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/scep_session.hpp"
#include "server/cli/support.hpp"
#include "server/config_reader.hpp"

namespace scepgate::server::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
    std::string url, out, fingerprint;
    std::string challenge, challenge_file;
    NameOptions names;
    std::vector<std::string> extended_key_usage;
    std::string key = "rsa:2048";
    std::string method = "auto";
    std::string poll = "5s";
    int max_polls = 60;
    WebSettings web;
    bool json = false;
};

Result<Secret> read_challenge(const Options& options) {
    if (options.challenge_file.empty()) return Secret(options.challenge);
    std::ifstream stream(options.challenge_file, std::ios::binary);
    std::string line;
    if (!stream || !std::getline(stream, line)) {
        return Error{Errc::kConfig, "cannot read a challenge from " + options.challenge_file};
    }
    while (!line.empty() && line.back() == '\r')
        line.pop_back();
    return Secret(line);
}

/// The device's side of one enrolment.
class Enrolment {
public:
    explicit Enrolment(const Options& options)
        : options_(options), web_(options.url, options.web) {}

    int run() {
        if (auto ready = prepare_folder(); !ready) return complain(kFailed, ready.error().detail);
        if (auto built = build_csr(); !built) return complain(kUsage, built.error().detail);
        auto identity = identify(web_, options_.fingerprint, clock_.now());
        if (!identity) return complain(kFailed, identity.error().detail);
        identity_ = std::move(*identity);
        auto reply = ask();
        if (!reply) return complain(kFailed, reply.error().detail);
        if (reply->status == scep::PkiStatus::kFailure) {
            std::string why = reply->fail_info ? to_text(*reply->fail_info) : "no failInfo";
            if (!reply->fail_info_text.empty()) why += ", " + reply->fail_info_text;
            return complain(kFailed, "the server refuses: " + why +
                                         " (the reason stands in the server's log and audit file)");
        }
        return write_results(*reply);
    }

private:
    Result<void> prepare_folder() {
        std::error_code error;
        fs::create_directories(options_.out, error);
        if (error)
            return Error{Errc::kUnavailable,
                         "cannot create " + options_.out + ": " + error.message()};
        if (fs::exists(path("cert.pem"), error)) {
            return Error{Errc::kDenied,
                         path("cert.pem").string() + " exists; choose another --out"};
        }
        return {};
    }

    fs::path path(const char* name) const { return fs::path(options_.out) / name; }

    /// A key that an earlier attempt left is used again, so that the attempt is a retry.
    Result<void> load_or_make_key() {
        std::error_code error;
        if (fs::exists(path("key.pem"), error)) {
            auto key = certs::PrivateKey::from_file(path("key.pem"));
            if (!key) return key.error();
            key_ = std::move(*key);
            return {};
        }
        const auto spec = certs::KeySpec::parse(options_.key);
        if (!spec) return in_context("--key", spec.error());
        auto key = certs::PrivateKey::generate(*spec);
        if (!key) return key.error();
        key_ = std::move(*key);
        const auto pem = key_.to_pem();
        if (!pem) return pem.error();
        return write_new_file(path("key.pem"), pem->view(), true);
    }

    Result<void> build_csr() {
        certs::CsrContents contents;
        auto subject = options_.names.name();
        if (!subject) return subject.error();
        contents.subject = *subject;
        auto names = options_.names.subject_alt_name();
        if (!names) return names.error();
        contents.subject_alt_name = std::move(*names);
        contents.key_usage = options_.names.usage();
        for (const auto& text : options_.extended_key_usage) {
            auto oid = certs::extended_key_usage_from_text(text);
            if (!oid) return in_context("--eku", oid.error());
            contents.extended_key_usage.push_back(std::move(*oid));
        }
        const auto challenge = read_challenge(options_);
        if (!challenge) return challenge.error();
        contents.challenge = challenge->text();
        if (auto key = load_or_make_key(); !key) return key.error();
        auto csr = certs::build_csr(contents, key_);
        if (!csr) return csr.error();
        csr_ = std::move(*csr);
        auto transient = scep::transient_certificate(contents.subject, key_, clock_.now());
        if (!transient) return transient.error();
        transient_ = std::move(*transient);
        return {};
    }

    Result<scep::CertReply> ask() {
        const auto interval = parse_duration(options_.poll);
        if (!interval) return in_context("--poll", interval.error());
        const bool post = options_.method == "post" ||
                          (options_.method == "auto" &&
                           (identity_.capabilities.post || identity_.capabilities.standard));
        scep::ClientRequest request;
        request.transaction_id = scep::transaction_id_for(key_.public_key());
        request.content = csr_;
        request.signer = transient_;
        request.signer_key = key_;
        request.recipient = identity_.certificates.encryption;
        request.cipher = identity_.capabilities.cipher();
        request.digest = identity_.capabilities.digest();
        for (int polls = 0;; ++polls) {
            request.sender_nonce = random_bytes(16);
            request.now = clock_.now();
            const auto message = scep::encode_request(request);
            if (!message) return message.error();
            const auto reply =
                post ? web_.post(*message) : web_.get("PKIOperation", to_base64(*message));
            if (!reply) return reply.error();
            if (reply->status != 200) {
                return Error{Errc::kUnavailable, "PKIOperation: " + web_.url() + " answers HTTP " +
                                                     std::to_string(reply->status)};
            }
            auto decoded =
                scep::decode_reply(reply->body, request, identity_.certificates, key_.public_key());
            if (!decoded || decoded->status != scep::PkiStatus::kPending) return decoded;
            if (polls == options_.max_polls) {
                return Error{Errc::kUnavailable, "still pending after " + std::to_string(polls) +
                                                     " polls; run the same command again later"};
            }
            std::this_thread::sleep_for(std::chrono::seconds(*interval));
        }
    }

    int write_results(const scep::CertReply& reply) {
        const auto& ca = identity_.certificates;
        const std::pair<const char*, std::string> files[] = {{"ca.pem", ca.chain.back().pem()},
                                                             {"chain.pem", pem_of(ca.chain)},
                                                             {"cert.pem", reply.certificate.pem()}};
        for (const auto& [name, pem] : files) {
            const auto written = replace_file(path(name), as_bytes(pem), false);
            if (!written) return complain(kFailed, written.error().detail);
        }
        if (options_.json) {
            const nlohmann::ordered_json json{
                {"serial", reply.certificate.serial_hex()},
                {"subject", reply.certificate.subject_text()},
                {"not_after", certs::utc_text(reply.certificate.not_after())},
                {"certificate", path("cert.pem").string()}};
            std::cout << json.dump(2) << '\n';
        } else {
            std::cout << "Certificate " << reply.certificate.serial_hex() << " for '"
                      << reply.certificate.subject_text() << "', until "
                      << certs::utc_text(reply.certificate.not_after()) << ": "
                      << path("cert.pem").string() << '\n';
        }
        return kSuccess;
    }

    const Options& options_;
    certs::SystemClock clock_;
    WebClient web_;
    certs::PrivateKey key_;
    Bytes csr_;
    certs::Certificate transient_;
    ServerIdentity identity_;
};

}  // namespace

void add_enroll(CLI::App& app, int& status) {
    CLI::App* command = app.add_subcommand(
        "enroll",
        "Get a certificate from any SCEP server, as a device does. Writes DIR/key.pem, cert.pem, "
        "chain.pem (issuing CA to root) and ca.pem (the last of the chain). Run again after a "
        "failure it uses the same key.");
    auto options = std::make_shared<Options>();
    command->add_option("--url", options->url, "The SCEP URL: http://HOST/PATH")->required();
    auto* challenge = command->add_option(
        "--challenge", options->challenge,
        "The challenge (others on this machine can see it: prefer --challenge-file)");
    auto* file = command
                     ->add_option("--challenge-file", options->challenge_file,
                                  "A file whose first line is the challenge")
                     ->type_name("FILE");
    challenge->excludes(file);
    options->names.add_to(*command);
    command->add_option("--eku", options->extended_key_usage,
                        "Extended key usage to ask for: clientAuth, … or an OID (repeatable)");
    command
        ->add_option("--key", options->key,
                     "The key to make: rsa:2048, rsa:3072, rsa:4096, ec:p256, ec:p384")
        ->capture_default_str();
    command
        ->add_option("--method", options->method,
                     "auto (POST when the server offers it), get or post")
        ->check(CLI::IsMember({"auto", "get", "post"}))
        ->capture_default_str();
    command->add_option("--poll", options->poll, "How long to wait between polls while pending")
        ->capture_default_str();
    command->add_option("--max-polls", options->max_polls, "How often to poll before giving up")
        ->capture_default_str();
    command->add_option("--fingerprint", options->fingerprint,
                        "SHA-256 of a CA certificate that the server must have");
    command->add_option("--tls-ca", options->web.ca_file, "PEM to trust for https")
        ->type_name("FILE");
    command->add_option("--out", options->out, "The folder to write to")
        ->required()
        ->type_name("DIR");
    command->add_flag("--json", options->json, "Print the result as JSON");
    command->callback([&status, options] {
        if (options->challenge.empty() && options->challenge_file.empty()) {
            status = complain(
                kUsage,
                "give --challenge or --challenge-file ('none' where the server asks for none)");
            return;
        }
        status = Enrolment(*options).run();
    });
}

}  // namespace scepgate::server::cli

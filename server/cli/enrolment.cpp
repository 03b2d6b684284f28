#include "server/cli/enrolment.hpp"

#include <iostream>
#include <thread>

#include "certs/clock.hpp"
#include "server/cli/challenge_file.hpp"
#include "server/cli/explain.hpp"
#include "server/cli/support.hpp"
#include "server/config_reader.hpp"

namespace scepgate::server::cli {

namespace fs = std::filesystem;

namespace {

/// SUCCESS or FAILURE.
Result<scep::CertReply> wait_for_answer(ScepSession& session, RequestState state,
                                        const certs::PrivateKey& signer_key,
                                        const certs::PublicKey& csr_key, const PollOptions& poll,
                                        const EnrolmentFiles& files) {
    const certs::SystemClock clock;
    const auto interval = parse_duration(poll.interval);
    if (!interval) return in_context("--poll", interval.error());
    const auto csr = certs::Csr::from_der(state.csr);
    if (!csr) return in_context(files.state().string(), csr.error());
    const auto issuer = certs::Name::from_der(session.ca().ca.subject_der());
    if (!issuer) return in_context("the CA's name", issuer.error());

    auto request = session.request_by(state.signer, signer_key);
    request.transaction_id = state.transaction_id;
    if (csr->challenge())
        request.password = std::make_shared<const Secret>(csr->challenge()->clone());
    for (int polls = 0;; ++polls) {
        request.type = state.pending ? scep::MessageType::kCertPoll : state.type;
        request.content =
            state.pending ? scep::encode_issuer_and_subject(*issuer, csr->subject()) : state.csr;
        const auto body = session.send(request, clock.now());
        if (!body) return body.error();
        auto reply = scep::decode_reply(*body, request, session.ca(), csr_key);
        if (!reply) return explain_reply(reply.error(), session.url());
        if (reply->status != scep::PkiStatus::kPending) return reply;
        if (!state.pending) {
            state.pending = true;
            if (const auto saved = save(files.state(), state); !saved) return saved.error();
            std::cerr << "note: the request is pending: somebody has to approve transaction "
                      << state.transaction_id << '\n';
        }
        if (polls >= poll.limit) {
            return Error{Errc::kUnavailable,
                         "still pending; run the same command again to go on asking"};
        }
        std::this_thread::sleep_for(std::chrono::seconds(*interval));
    }
}

/// The certificate is the last: what it needs is there before it.
Result<void> write_certificates(const EnrolmentFiles& files, const scep::CaCertificates& ca,
                                const certs::Certificate& certificate) {
    const std::pair<std::string, std::string> contents[] = {{"ca.pem", ca.chain.back().pem()},
                                                            {"chain.pem", pem_of(ca.chain)},
                                                            {files.certificate, certificate.pem()}};
    for (const auto& [file, pem] : contents) {
        const auto written = replace_file(files.folder / file, as_bytes(pem), false);
        if (!written) return written.error();
    }
    return {};
}

}  // namespace

void ChallengeOptions::add_to(CLI::App& command) {
    auto* value = command.add_option(
        "--challenge", text,
        "The challenge (others on this machine can see it: prefer --challenge-file)");
    auto* from =
        command
            .add_option("--challenge-file", file,
                        "A file whose only line is the challenge, or a challenge blob in several")
            ->type_name("FILE");
    value->excludes(from);
}

Result<Secret> ChallengeOptions::read() const {
    if (file.empty()) return Secret(text);
    return read_challenge_file(file);
}

void PollOptions::add_to(CLI::App& command) {
    command.add_option("--poll", interval, "How long to wait between questions while pending")
        ->check(a_duration())
        ->capture_default_str();
    command
        .add_option("--poll-limit,--max-polls", limit,
                    "How often to ask before giving up for now; the same command, run again, goes "
                    "on asking")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
}

void EnrolmentOptions::add_to(CLI::App& command) {
    connection.add_to(command);
    connection.add_messages_to(command);
    challenge.add_to(command);
    poll.add_to(command);
    command.add_flag("--json", json, "Print the result as JSON");
}

Result<certs::PrivateKey> load_or_make_key(const fs::path& file, const std::string& spec,
                                           bool asked) {
    const auto wanted = certs::KeySpec::parse(spec);
    if (!wanted) return in_context("--key", wanted.error());
    std::error_code error;
    if (fs::exists(file, error)) {
        auto key = certs::PrivateKey::from_file(file);
        if (key && asked && key->public_key().text() != spec) {
            return Error{Errc::kConfig, file.string() + " is a key of " + key->public_key().text() +
                                            ", not " + spec + ": remove it, or leave --key out"};
        }
        return key;
    }
    auto key = certs::PrivateKey::generate(*wanted);
    if (!key) return key.error();
    const auto pem = key->to_pem();
    if (!pem) return pem.error();
    if (auto written = write_new_file(file, pem->view(), true); !written) return written.error();
    return key;
}

Result<void> check_signer_key(const certs::PrivateKey& key, bool challenge_given) {
    if (key.type() == certs::KeyType::kRsa || challenge_given) return {};
    return Error{Errc::kConfig,
                 "the request is signed by an EC key, which nothing can be encrypted to: the "
                 "server can only answer under a challengePassword; give one, or use an RSA key"};
}

Result<RequestState> make_request(const EnrolmentOptions& options, scep::MessageType type,
                                  certs::CsrContents contents, const certs::PrivateKey& key,
                                  std::optional<certs::Certificate> signer) {
    const auto challenge = options.challenge.read();
    if (!challenge) return challenge.error();
    contents.challenge = challenge->text();
    RequestState request;
    request.url = options.connection.url;
    request.type = type;
    auto csr = certs::build_csr(contents, key);
    if (!csr) return csr.error();
    request.csr = std::move(*csr);
    if (signer) {
        request.signer = std::move(*signer);
        return request;
    }
    auto transient = scep::transient_certificate(contents.subject, key, certs::SystemClock().now());
    if (!transient) return transient.error();
    request.signer = std::move(*transient);
    return request;
}

Result<certs::Certificate> obtain(ScepSession& session, RequestState state,
                                  const certs::PrivateKey& signer_key,
                                  const certs::PublicKey& csr_key, const PollOptions& poll,
                                  const EnrolmentFiles& files) {
    auto reply = wait_for_answer(session, std::move(state), signer_key, csr_key, poll, files);
    if (!reply) return reply.error();
    std::error_code error;
    if (reply->status == scep::PkiStatus::kFailure) {
        // An answer for good: the next run may ask for something else.
        fs::remove(files.state(), error);
        return Error{Errc::kDenied, explain_failure(*reply, session.url())};
    }
    const auto written = write_certificates(files, session.ca(), reply->certificate);
    if (!written) return written.error();
    fs::remove(files.state(), error);
    return std::move(reply->certificate);
}

void print_certificate(const certs::Certificate& certificate, const fs::path& file, bool json) {
    if (json) {
        print_json({{"serial", certificate.serial_hex()},
                    {"subject", certificate.subject_text()},
                    {"not_after", certs::utc_text(certificate.not_after())},
                    {"certificate", file.string()}});
        return;
    }
    std::cout << "Certificate " << certificate.serial_hex() << " for '"
              << certificate.subject_text() << "', until "
              << certs::utc_text(certificate.not_after()) << ": " << file.string() << '\n';
}

}  // namespace scepgate::server::cli

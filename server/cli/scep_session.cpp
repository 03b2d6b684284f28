#include "server/cli/scep_session.hpp"

#include <algorithm>
#include <iostream>

#include "server/cli/support.hpp"

namespace scepgate::server::cli {
namespace {

std::string bare_fingerprint(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c != ':' && c != ' ')
            out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return out;
}

CLI::Validator a_fingerprint() {
    return {[](std::string& text) {
                const auto octets = from_hex(bare_fingerprint(text));
                return octets && octets->size() == Sha256().size()
                           ? std::string()
                           : std::string("a SHA-256 fingerprint has 64 hexadecimal digits");
            },
            "SHA256"};
}

void note(const std::string& text) {
    std::cerr << "note: " << text << '\n';
}

}  // namespace

void ConnectionOptions::add_to(CLI::App& command) {
    command.add_option("--url", url, "The SCEP URL: http://HOST/PATH")
        ->required()
        ->check(a_web_url());
    command
        .add_option("--ca-fingerprint,--fingerprint", fingerprint,
                    "SHA-256 of a CA certificate that the server must have (colons allowed)")
        ->check(a_fingerprint());
    command.add_option("--tls-ca", web.ca_file, "PEM to trust for https")->type_name("FILE");
    command
        .add_option("--trace", trace,
                    "Write every exchange to numbered files in DIR: as sent and received, and in "
                    "words; no secrets")
        ->type_name("DIR");
}

void ConnectionOptions::add_method_to(CLI::App& command) {
    command.add_option("--method", method, "auto (POST when the server offers it), get or post")
        ->check(CLI::IsMember({"auto", "get", "post"}))
        ->capture_default_str();
}

Result<std::unique_ptr<ScepSession>> ScepSession::open(const ConnectionOptions& options,
                                                       std::int64_t now) {
    auto trace = Trace::open(options.trace);
    if (!trace) return trace.error();
    std::unique_ptr<ScepSession> session(new ScepSession(options, std::move(*trace)));
    const auto fetched = session->fetch_ca(options.fingerprint, now);
    if (!fetched) return fetched.error();
    return session;
}

Result<void> ScepSession::fetch_ca(std::string_view fingerprint, std::int64_t now) {
    const auto body = body_of(web_.get("GetCACert"), "GetCACert");
    if (!body) return body.error();
    auto certificates = scep::parse_ca_certificates(*body, now);
    if (!certificates) return in_context("GetCACert", certificates.error());
    ca_ = std::move(*certificates);
    pinned_ = !fingerprint.empty();
    if (!pinned_) return {};
    const std::string wanted = bare_fingerprint(fingerprint);
    const bool known = std::any_of(ca_.chain.begin(), ca_.chain.end(), [&](const auto& candidate) {
        return to_hex(candidate.fingerprint()) == wanted;
    });
    if (known) return {};
    return Error{Errc::kDenied, "no CA certificate of " + url() + " has the fingerprint " + wanted +
                                    "; its issuing CA has " + to_hex(ca_.ca.fingerprint()) +
                                    ": another server, or the CA was replaced"};
}

void ScepSession::note_unknown_ca() const {
    if (pinned_) return;
    note("whether this is the right CA was not checked: '" + ca_.ca.subject_text() + "', SHA-256 " +
         to_hex(ca_.ca.fingerprint()) + "; --ca-fingerprint checks it");
}

Result<void> ScepSession::negotiate() {
    note_unknown_ca();
    const auto reply = web_.get("GetCACaps");
    if (!reply) return reply.error();
    if (reply->status == 200) {
        caps_ = scep::parse_capabilities(as_text(reply->body));
    } else {
        note("GetCACaps is answered with HTTP " + std::to_string(reply->status) +
             ": an old server, or a proxy that does not let it through");
    }
    if (!caps_.aes) note("the server offers no AES: using 3DES");
    if (!caps_.sha256) {
        note("the server offers no SHA-256: using " + std::string(certs::to_text(caps_.digest())));
    }
    post_ = method_ == "post" || (method_ == "auto" && caps_.post);
    if (!caps_.post && method_ == "auto") note("the server offers no POST: using GET");
    if (!caps_.post && post_) note("the server offers no POST; sending it all the same");
    return {};
}

scep::ClientRequest ScepSession::request_by(certs::Certificate signer,
                                            certs::PrivateKey key) const {
    scep::ClientRequest request;
    request.signer = std::move(signer);
    request.signer_key = std::move(key);
    request.recipient = ca_.encryption;
    request.cipher = caps_.cipher();
    request.digest = caps_.digest();
    return request;
}

Result<Bytes> ScepSession::send(scep::ClientRequest& request, std::int64_t now) {
    request.sender_nonce = random_bytes(16);
    request.now = now;
    const auto message = scep::encode_request(request);
    if (!message) return message.error();
    trace_.set_content(request.content);
    trace_.set_key({request.signer, request.signer_key});
    return body_of(post_ ? web_.post_message(*message) : web_.get_message(*message),
                   "PKIOperation");
}

Result<Bytes> ScepSession::next_ca() {
    note_unknown_ca();
    return body_of(web_.get("GetNextCACert"), "GetNextCACert");
}

Result<Bytes> ScepSession::body_of(Result<WebReply> reply, const std::string& operation) const {
    if (!reply) return reply.error();
    if (reply->status == 200) return std::move(reply->body);
    std::string why = operation + ": " + url() + " answers HTTP " + std::to_string(reply->status);
    if (reply->status >= 300 && reply->status < 400) {
        why += ", a redirect: a login page in front, or the wrong path";
    } else if (reply->status == 400) {
        why += ": it could not read the message, or a proxy changed it";
    } else if (reply->status == 403 || reply->status == 404) {
        why += ": check the path of the URL";
    } else if (reply->status == 413 || reply->status == 414) {
        why += ": too long for the server or a proxy in front; try --method " +
               std::string(post_ ? "get" : "post");
    } else if (reply->status == 502 || reply->status == 503 || reply->status == 504) {
        why += ": it is down or busy; try again later";
    } else {
        why += ": look into the server's log";
    }
    return Error{Errc::kUnavailable, why};
}

std::string explain_failure(const scep::ReplyStatus& status) {
    std::string text = "the server refuses: ";
    text += status.fail_info ? to_text(*status.fail_info) : "no failInfo";
    if (!status.fail_info_text.empty()) text += " (\"" + status.fail_info_text + "\")";
    switch (status.fail_info.value_or(FailInfo::kBadRequest)) {
        case FailInfo::kBadAlg:
            return text +
                   ". It does not take an algorithm or key of the request: compare the key's type "
                   "and size, digest and cipher with what GetCACaps lists and its templates ask "
                   "for. Its log names the algorithm";
        case FailInfo::kBadMessageCheck:
            return text +
                   ". The challenge is wrong, expired or used, or the message did not verify or "
                   "open: make a new challenge; check that GetCACert's certificates are this "
                   "server's own. Its log and audit file name the reason";
        case FailInfo::kBadRequest:
            return text +
                   ". It understood the request and does not allow it: compare subject, SAN, key "
                   "usage and key with what the challenge or policy grants. Its log and audit file "
                   "name the difference";
        case FailInfo::kBadTime:
            return text + ". Times are too far apart: compare the clocks of client and server";
        case FailInfo::kBadCertId:
            return text +
                   ". It knows no certificate or request of this name: check serial number, "
                   "issuer or transactionID, and that this server issued it";
    }
    return text;
}

Result<Identity> load_identity(const std::string& directory) {
    const std::filesystem::path folder = directory;
    auto certificate = certs::Certificate::from_file(folder / "cert.pem");
    if (!certificate) return certificate.error();
    auto key = certs::PrivateKey::from_file(folder / "key.pem");
    if (!key) return key.error();
    const auto certified = certificate->public_key();
    if (!certified || *certified != key->public_key()) {
        return Error{Errc::kConfig, directory + ": cert.pem is not the certificate of key.pem"};
    }
    return Identity{std::move(*certificate), std::move(*key)};
}

Result<void> trust_known_ca(ConnectionOptions& options, const std::string& directory) {
    const std::filesystem::path file = std::filesystem::path(directory) / "ca.pem";
    std::error_code error;
    if (!options.fingerprint.empty()) return {};
    if (std::filesystem::status(file, error).type() == std::filesystem::file_type::not_found) {
        return {};
    }
    const auto known = certs::Certificate::from_file(file);
    if (!known) return Error{Errc::kConfig, known.error().detail};
    options.fingerprint = to_hex(known->fingerprint());
    return {};
}

}  // namespace scepgate::server::cli

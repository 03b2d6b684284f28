#include "server/cli/scep_session.hpp"

#include <algorithm>
#include <iostream>

#include "server/cli/explain.hpp"

namespace scepgate::server::cli {
namespace {

void note(const std::string& text) {
    std::cerr << "note: " << text << '\n';
}

void warn_of_unseen(const certs::Certificate& ca) {
    std::cerr << "warning: the CA certificate was accepted unseen, over http, where anybody in "
                 "between can put another in its place: '"
              << ca.subject_text() << "', SHA-256 " << to_hex(ca.fingerprint())
              << ". Compare that with what the CA's operator says; --ca-fingerprint or --ca-file "
                 "has it checked\n";
}

}  // namespace

Result<std::unique_ptr<ScepSession>> ScepSession::open(const ConnectionOptions& options,
                                                       std::int64_t now) {
    auto trace = Trace::open(options.trace);
    if (!trace) return trace.error();
    std::unique_ptr<ScepSession> session(new ScepSession(options, std::move(*trace)));
    if (const auto fetched = session->fetch_ca(now); !fetched) return fetched.error();
    return session;
}

Result<void> ScepSession::fetch_ca(std::int64_t now) {
    const auto trusted = options_.trusted_fingerprints();
    if (!trusted) return trusted.error();
    const auto body = body_of(web_.get("GetCACert"), "GetCACert");
    if (!body) return body.error();
    auto certificates = scep::parse_ca_certificates(*body, now);
    if (!certificates) return in_context("GetCACert of " + url(), certificates.error());
    ca_ = std::move(*certificates);
    if (options_.blind()) warn_of_unseen(ca_.ca);
    if (trusted->empty()) return {};
    const bool known = std::any_of(ca_.chain.begin(), ca_.chain.end(), [&](const auto& candidate) {
        const std::string fingerprint = to_hex(candidate.fingerprint());
        return std::find(trusted->begin(), trusted->end(), fingerprint) != trusted->end();
    });
    if (known) return {};
    const std::string wanted = options_.ca_files.empty()
                                   ? trusted->front()
                                   : "of a certificate in " + options_.ca_files[0];
    return Error{Errc::kDenied, "no CA certificate of " + url() + " has the fingerprint " + wanted +
                                    "; its issuing CA, '" + ca_.ca.subject_text() + "', has " +
                                    to_hex(ca_.ca.fingerprint()) +
                                    ": another server answers, or the CA was replaced ('scepgate "
                                    "getnextca --in DIR --out DIR', before that, keeps the next "
                                    "one). Ask its operator which fingerprint is right"};
}

Result<certs::Certificate> ScepSession::issuer_of(const certs::Certificate& certificate) const {
    auto candidates = options_.known_certificates();
    if (!candidates) return candidates.error();
    candidates->insert(candidates->begin(), ca_.chain.begin(), ca_.chain.end());
    for (const certs::Certificate& candidate : *candidates) {
        const auto key = candidate.public_key();
        if (key && equal(candidate.subject_der(), certificate.issuer_der()) &&
            certificate.signed_by(*key)) {
            return candidate;
        }
    }
    return Error{Errc::kConfig, "the certificate of the CA '" + certificate.issuer_text() +
                                    "' is neither among what " + url() +
                                    " answers to GetCACert nor in a --ca-file; give it there"};
}

Result<void> ScepSession::negotiate() {
    if (options_.assumed) {
        caps_ = scep::parse_capabilities(*options_.assumed);
        note("GetCACaps is not asked: what the server can is what --assume-caps says");
    } else if (const auto asked = ask_capabilities(); !asked) {
        return asked.error();
    }
    if (options_.require_standard && !caps_.standard) {
        return Error{Errc::kDenied,
                     url() +
                         " does not list SCEPStandard in GetCACaps: an older server, or "
                         "somebody in between shortens its list (RFC 8894 section 7.5); "
                         "--require-scepstandard is for servers that list it"};
    }
    if (!caps_.aes) note("the server offers no AES: using 3DES");
    if (!caps_.sha256) {
        note("the server offers no SHA-256: using " + std::string(certs::to_text(caps_.digest())));
    }
    const std::string& method = options_.method;
    post_ = method == "post" || (method == "auto" && caps_.post);
    if (!caps_.post && method == "auto") note("the server offers no POST: using GET");
    if (!caps_.post && post_) note("the server offers no POST; sending it all the same");
    return {};
}

Result<void> ScepSession::ask_capabilities() {
    auto reply = web_.get("GetCACaps");
    // A connection can break for many reasons: only who does it again means it.
    if (!reply && reply.error().code == Errc::kMalformed) reply = web_.get("GetCACaps");
    const std::string taken =
        ": taken for an old server without capabilities; --assume-caps says "
        "what it can";
    if (!reply) {
        // It was there for GetCACert: old servers hang up on what they do not know.
        if (reply.error().code != Errc::kMalformed) return reply.error();
        note("GetCACaps: the server hangs up or answers what is no HTTP" + taken);
        return {};
    }
    if (reply->status != 200) {
        note("GetCACaps is answered with HTTP " + std::to_string(reply->status) + taken);
        return {};
    }
    caps_ = scep::parse_capabilities(as_text(reply->body));
    if (caps_ == scep::ServerCapabilities{} && !reply->body.empty()) {
        note("GetCACaps is answered with no word that is known" + taken);
    }
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
    return body_of(web_.get("GetNextCACert"), "GetNextCACert");
}

Result<Bytes> ScepSession::body_of(Result<WebReply> reply, const std::string& operation) const {
    if (!reply) return in_context(operation, reply.error());
    if (auto fault = explain_answer(*reply, operation, url(), post_)) return *std::move(fault);
    return std::move(reply->body);
}

}  // namespace scepgate::server::cli

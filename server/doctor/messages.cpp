#include "server/doctor/messages.hpp"

#include <algorithm>

#include "server/doctor/judge_answer.hpp"

namespace scepgate::server::doctor {
namespace {

constexpr std::size_t kLineLength = 64;

std::string escaped(std::string_view base64, const char* plus, const char* slash,
                    const char* equals) {
    std::string text;
    text.reserve(base64.size() + base64.size() / 8);
    for (const char c : base64) {
        if (c == '+') {
            text += plus;
        } else if (c == '/') {
            text += slash;
        } else if (c == '=') {
            text += equals;
        } else {
            text += c;
        }
    }
    return text;
}

bool says_the_same(const Reply& reply, const Reply& first) {
    return reply.came() && first.came() && reply.status == first.status &&
           reply.content_type() == first.content_type() && equal(reply.body, first.body);
}

bool is_unverified(const Reply& reply) {
    return reply.came() && reply.status == 200 &&
           reply.content_type().starts_with("application/x-pki-message");
}

}  // namespace

Result<Messages> Messages::make(std::int64_t now) {
    auto key = certs::PrivateKey::generate({});
    if (!key) return key.error();
    const auto name = certs::Name::from_text("CN=scepgate doctor");
    if (!name) return name.error();
    auto certificate = scep::transient_certificate(*name, *key, now);
    if (!certificate) return certificate.error();
    Messages messages;
    messages.template_.signer = *certificate;
    messages.template_.recipient = *certificate;
    messages.template_.signer_key = std::move(*key);
    messages.template_.now = now;
    return messages;
}

void Messages::use(const scep::ServerCapabilities& capabilities) {
    template_.cipher = capabilities.cipher();
    template_.digest = capabilities.digest();
}

Result<Sealed> Messages::seal(std::size_t content) const {
    constexpr int kTries = 64;
    for (int tries = 0; tries < kTries; ++tries) {
        Sealed sealed{template_, {}};
        sealed.request.transaction_id = scep::new_transaction_id();
        sealed.request.sender_nonce = random_bytes(16);
        sealed.request.content = random_bytes(content);
        auto der = scep::encode_request(sealed.request);
        if (!der) return der.error();
        const std::string text = to_base64(*der);
        if (text.find('+') == std::string::npos || text.find('/') == std::string::npos) continue;
        sealed.der = std::move(*der);
        return sealed;
    }
    return Error{Errc::kInternal, "base64 without '+' or '/', 64 times"};
}

Result<Sealed> Messages::seal_to(std::size_t octets, Spelling spell) const {
    constexpr int kTries = 8;
    constexpr std::size_t kLeast = 16;
    std::size_t content = octets / 2;
    for (int tries = 0; tries < kTries; ++tries) {
        auto sealed = seal(content);
        if (!sealed) return sealed.error();
        const std::size_t length = spell(to_base64(sealed->der)).size();
        if (length <= octets && length + octets / 25 >= octets) return sealed;
        // What the message has around its content stays; 2 % below is what is aimed at.
        const auto aim = static_cast<double>(octets) * 0.98;
        const double change = (aim - static_cast<double>(length)) / 1.39;
        content = static_cast<std::size_t>(
            std::max(static_cast<double>(content) + change, static_cast<double>(kLeast)));
    }
    return seal(content);
}

std::string spell_escaped(std::string_view base64) {
    return escaped(base64, "%2B", "%2F", "%3D");
}
std::string spell_lower_case(std::string_view base64) {
    return escaped(base64, "%2b", "%2f", "%3d");
}
std::string spell_raw(std::string_view base64) {
    return std::string(base64);
}
std::string spell_lines(std::string_view base64) {
    std::string text;
    for (std::size_t at = 0; at < base64.size(); at += kLineLength)
        text += spell_escaped(base64.substr(at, kLineLength)) + "%0A";
    return text;
}

Arrived judge_arrival(const Reply& reply, const scep::ClientRequest& request,
                      const std::vector<scep::CaCertificates>& cas, const Reply* first) {
    if (reply.came() && reply.status == 200 && !is_page(reply)) {
        std::optional<Error> why;
        for (const scep::CaCertificates& ca : cas) {
            const auto opened =
                scep::decode_reply(reply.body, request, ca, request.signer_key.public_key());
            if (opened && opened->fail_info) {
                return {Arrival::kProven, "a signed refusal of this message"};
            }
            if (opened) return {Arrival::kProven, "a signed reply to this message"};
            if (opened.error().code == Errc::kConflict) {
                return {Arrival::kStale, opened.error().detail};
            }
            // The one that knows the signer says more.
            if (!why || opened.error().code != Errc::kBadSignature) why = opened.error();
        }
        if (why && why->code == Errc::kBadSignature) return {Arrival::kStranger, why->detail};
    }
    if (cas.empty() && is_unverified(reply) && (first == nullptr || is_unverified(*first))) {
        return {Arrival::kAlike, "a message of SCEP; who signed it is not known without GetCACert"};
    }
    if (first != nullptr && says_the_same(reply, *first)) {
        return {Arrival::kAlike, in_words(reply) + ", as to the first message"};
    }
    return {Arrival::kLost, in_words(reply)};
}

}  // namespace scepgate::server::doctor

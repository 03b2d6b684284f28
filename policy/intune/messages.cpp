#include "policy/intune/messages.hpp"

#include <nlohmann/json.hpp>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "certs/clock.hpp"
#include "policy/strict_json.hpp"

namespace scepgate::policy::intune {
namespace {

/// E_FAIL as the service reads it: a signed 32-bit number.
constexpr std::int32_t kFailed = static_cast<std::int32_t>(0x80004005U);

/// No word of a description is as long; a challenge or a CSR is.
constexpr std::size_t kLongestWord = 64;

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return text;
}

std::string sha1_hex(ByteView bytes) {
    std::array<std::uint8_t, 20> digest{};
    std::size_t size = 0;
    if (EVP_Q_digest(nullptr, "SHA1", nullptr, bytes.data(), bytes.size(), digest.data(), &size) !=
        1) {
        throw std::runtime_error("OpenSSL has no SHA-1");
    }
    return upper(to_hex(digest));
}

/// "2026-11-21T04:26:07.000Z"
std::string expiration_text(std::int64_t time) {
    std::string text = certs::utc_text(time);
    if (!text.empty() && text.back() == 'Z') text.insert(text.size() - 1, ".000");
    return text;
}

/// One JSON object in an object, written by hand: the CSR holds a secret, and is in no octets but
/// those that are wiped.
class Body {
public:
    Body(const char* name, const EnrollmentRequest& request) {
        const ByteView csr = request.csr.der();
        text_.reserve(csr.size() * 4 / 3 + 8192);
        append(std::string("{\"") + name + "\":{");
        add("transactionId", request.transaction_id);
        std::string base64 = to_base64(csr);
        append(",\"certificateRequest\":\"");
        append(base64);
        append("\"");
        OPENSSL_cleanse(base64.data(), base64.size());
    }
    Body& add(const char* name, const nlohmann::json& value) {
        if (text_.back() != '{') append(",");
        append('"' + std::string(name) +
               "\":" + value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        return *this;
    }
    Secret end() {
        append("}}");
        return Secret(std::move(text_));
    }

private:
    void append(std::string_view text) { text_.insert(text_.end(), text.begin(), text.end()); }
    Bytes text_;
};

/// Cut where a character ends.
std::string cut(std::string text, std::size_t most) {
    if (text.size() <= most) return text;
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80)
        --most;
    text.resize(most);
    return text;
}

/// With its longest words left out.
std::string without_blobs(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
        const std::string_view word = text.substr(0, end);
        out += word.size() > kLongestWord ? "[...]" : std::string(word);
        if (end == text.size()) break;
        out += ' ';
        text.remove_prefix(end + 1);
    }
    return out;
}

}  // namespace

std::string serial_text(const certs::Certificate& certificate) {
    std::string text = upper(certificate.serial_hex());
    const auto first = text.find_first_not_of('0');
    return first == std::string::npos ? "0" : text.substr(first);
}

Secret validation_body(const EnrollmentRequest& request, const std::string& provider) {
    return Body("request", request).add("callerInfo", provider).end();
}

Secret success_body(const EnrollmentRequest& request, const certs::Certificate& issued,
                    const std::string& provider) {
    const std::string issuer = issued.issuer_text();
    return Body("notification", request)
        .add("certificateThumbprint", sha1_hex(issued.der()))
        .add("certificateSerialNumber", serial_text(issued))
        .add("certificateExpirationDateUtc", expiration_text(issued.not_after()))
        .add("issuingCertificateAuthority", issuer)
        .add("callerInfo", provider)
        // Comes back in revocation requests, and is what their filter looks at.
        .add("caConfiguration", issuer)
        .add("certificateAuthority", issuer)
        .end();
}

Secret failure_body(const EnrollmentRequest& request, const Refusal& refusal,
                    const std::string& provider) {
    return Body("notification", request)
        .add("hResult", kFailed)
        .add("errorDescription", cut(refusal.code + ": " + refusal.text, kLongestDescription))
        .add("callerInfo", provider)
        .end();
}

Result<Verdict> read_verdict(std::string_view body) {
    const auto json = parse_strict_json(body);
    if (!json || !json->root.is_object())
        return Error{Errc::kUnavailable, "Intune's answer is no JSON object"};
    const auto code = json->root.find("code");
    if (code == json->root.end() || !code->is_string() ||
        code->get_ref<const std::string&>().empty()) {
        return Error{Errc::kUnavailable, "there is no code in Intune's answer"};
    }
    Verdict verdict{code->get<std::string>(), {}};
    const auto text = json->root.find("errorDescription");
    if (text != json->root.end() && text->is_string())
        verdict.description = cut(without_blobs(text->get<std::string>()), kLongestDescription);
    return verdict;
}

}  // namespace scepgate::policy::intune

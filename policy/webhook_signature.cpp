#include "policy/webhook_signature.hpp"

#include <stdexcept>

#include <openssl/crypto.h>

#include "certs/hmac.hpp"

namespace scepgate::policy {
namespace {

constexpr std::string_view kSignatureVersion = "v1=";
constexpr std::size_t kMostSignatures = 8;

/// The parts one behind the other; a body may hold a challenge, so it is wiped.
Secret joined(std::initializer_list<std::string_view> parts) {
    std::size_t size = 0;
    for (const std::string_view part : parts)
        size += part.size();
    Bytes all;
    all.reserve(size);
    for (const std::string_view part : parts)
        all.insert(all.end(), part.begin(), part.end());
    return Secret(std::move(all));
}

Secret signed_text(std::int64_t timestamp, std::string_view body) {
    return joined({std::to_string(timestamp), ".", body});
}

Secret signed_answer(std::int64_t timestamp, std::string_view id, std::string_view body) {
    return joined({"answer.", std::to_string(timestamp), ".", id, ".", body});
}

std::string signature(const Secret& key, const Secret& text) {
    return std::string(kSignatureVersion) + to_hex(hmac_sha256(key.view(), text.view()));
}

/// In a time that does not tell how much of it was right.
bool is_signature(std::string_view found, std::string_view expected) {
    return found.size() == expected.size() &&
           CRYPTO_memcmp(found.data(), expected.data(), expected.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

}  // namespace

WebhookKeys::WebhookKeys(std::vector<Secret> keys) : keys_(std::move(keys)) {
    if (keys_.empty() || keys_.size() > kMost) throw std::logic_error("WebhookKeys: one or two");
    for (const Secret& key : keys_) {
        if (key.view().size() < kLeastOctets) throw std::logic_error("WebhookKeys: too short");
    }
}

std::string WebhookKeys::sign(std::int64_t timestamp, std::string_view body) const {
    const Secret text = signed_text(timestamp, body);
    std::string all;
    for (const Secret& key : keys_)
        all += (all.empty() ? "" : ",") + signature(key, text);
    return all;
}

bool WebhookKeys::verifies_answer(std::string_view header, std::int64_t timestamp,
                                  std::string_view id, std::string_view body) const {
    const Secret text = signed_answer(timestamp, id, body);
    std::vector<std::string> expected;
    for (const Secret& key : keys_)
        expected.push_back(signature(key, text));
    bool good = false;
    for (std::size_t i = 0; i < kMostSignatures && !header.empty(); ++i) {
        const std::size_t comma = std::min(header.find(','), header.size());
        const std::string_view found = trimmed(header.substr(0, comma));
        for (const std::string& each : expected)
            good = is_signature(found, each) || good;
        header.remove_prefix(std::min(comma + 1, header.size()));
    }
    return good;
}

std::string WebhookKeys::sign_answer(std::int64_t timestamp, std::string_view id,
                                     std::string_view body) const {
    return signature(keys_.front(), signed_answer(timestamp, id, body));
}

}  // namespace scepgate::policy

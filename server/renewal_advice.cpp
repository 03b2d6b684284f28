#include "server/renewal_advice.hpp"

#include <algorithm>
#include <cctype>

#include "certs/clock.hpp"

namespace scepgate::server {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kDay = 86'400;

/// As one word of a shell.
std::string word(const std::string& text) {
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 ||
               std::string_view("/._-+=:,@%").find(static_cast<char>(c)) != std::string_view::npos;
    });
    if (plain) return text;
    std::string quoted = "'";
    for (const char c : text)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

/// KEY where the key is no file.
std::string key_word(const KeySource& key) {
    return key.pem.file ? word(key.pem.file->string()) : "KEY";
}

std::string request_for(const fs::path& certificate, const KeySource& key) {
    return "openssl x509 -x509toreq -copy_extensions copyall -in " + word(certificate.string()) +
           " -signkey " + key_word(key);
}

/// The new certificate takes the old one's place when it is whole.
std::string into(const fs::path& file) {
    const std::string made = word(file.string() + ".new");
    return " -days 730 -out " + made + " && mv " + made + " " + word(file.string());
}

std::string by_another(const fs::path& file, const KeySource& key) {
    return "have its issuer sign the same key again and put the certificate into " + file.string() +
           "; for the request, run: " + request_for(file, key) + " -out " +
           word(file.string() + ".csr");
}

bool is_next_at_hand(const Config& config, const std::string& ca) {
    return std::any_of(config.endpoints.begin(), config.endpoints.end(),
                       [&](const auto& endpoint) { return endpoint.ca == ca && endpoint.next; });
}

}  // namespace

RenewalAdvice renewal_of_ca(const Config& config, const std::string& name, std::int64_t now) {
    const KeySource& key = config.cas.at(name).key;
    const bool next = is_next_at_hand(config, name);
    return [=, file = config.file](const certs::Certificate& ca, const fs::path& at) {
        if (next) return std::string("let 'from' of 'next' come before that");
        if (!ca.self_issued()) return by_another(at, key);
        // A date to be filled in would be forgotten; a day before the end, or at once.
        const std::int64_t from = ca.not_after() - kDay;
        const std::string when =
            from > now + kDay ? certs::utc_text(from) : "$(date -ud '1 minute' +%FT%TZ)";
        return "run: scepgate ca rollover --config " + word(file.string()) + " --ca " + word(name) +
               " --from " + when + " (docs/rollover.md)";
    };
}

RenewalAdvice renewal_of_pair(const KeyPairConfig& pair, const KeyPairConfig* ca) {
    const KeySource key = pair.key;
    const std::optional<KeyPairConfig> issuer =
        ca == nullptr ? std::nullopt : std::optional<KeyPairConfig>(*ca);
    return [=](const certs::Certificate& certificate, const fs::path& at) {
        if (certificate.self_issued()) {
            return "run: openssl x509 -in " + word(at.string()) + " -signkey " + key_word(key) +
                   into(at);
        }
        const auto above = issuer ? certs::Certificate::from_file(issuer->certificate)
                                  : Result<certs::Certificate>(Error{Errc::kNotFound, "no issuer"});
        const auto above_key =
            above ? above->public_key() : Result<certs::PublicKey>(Error{Errc::kNotFound, ""});
        if (!above_key || !certificate.signed_by(*above_key)) return by_another(at, key);
        return "run: " + request_for(at, key) + " | openssl x509 -req -copy_extensions copyall" +
               " -CA " + word(issuer->certificate.string()) + " -CAkey " + key_word(issuer->key) +
               into(at);
    };
}

}  // namespace scepgate::server

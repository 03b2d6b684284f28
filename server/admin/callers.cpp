#include "server/admin/callers.hpp"

#include <openssl/crypto.h>

#include "certs/asn1_string.hpp"

namespace scepgate::server::admin {
namespace {

unsigned same(const Sha256& left, const Sha256& right) noexcept {
    return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0 ? 1U : 0U;
}

/// Without an early end.
unsigned is_one_of(const Sha256& hash, const std::vector<Sha256>& accepted) noexcept {
    unsigned hit = 0;
    for (const Sha256& each : accepted)
        hit |= same(hash, each);
    return hit;
}

/// What follows "Basic " or "Bearer " (RFC 9110 section 11.4: the scheme has no case).
std::optional<std::string_view> after_scheme(std::string_view field, std::string_view scheme) {
    if (field.size() <= scheme.size() || field[scheme.size()] != ' ') return std::nullopt;
    if (!certs::equal_ignoring_ascii_case(field.substr(0, scheme.size()), scheme))
        return std::nullopt;
    field.remove_prefix(scheme.size());
    field.remove_prefix(std::min(field.find_first_not_of(' '), field.size()));
    return field;
}

}  // namespace

Identification Callers::identify(const HttpDetails& details) const {
    const std::string_view field = details.authorization.text();
    if (!field.empty()) {
        if (const auto credentials = after_scheme(field, "Basic")) return by_password(*credentials);
        Identification found;
        if (const auto token = after_scheme(field, "Bearer"))
            found = by_hash(sha256(as_bytes(*token)), &Caller::tokens);
        found.tried = true;
        found.method = "token";
        return found;
    }
    if (details.client_certificate.empty()) return {};
    Identification found = by_hash(sha256(details.client_certificate), &Caller::certificates);
    found.tried = true;
    found.method = "certificate";
    return found;
}

Identification Callers::by_password(std::string_view credentials) const {
    Identification found;
    found.tried = true;
    found.method = "password";
    auto octets = from_base64(credentials);
    if (!octets) return found;
    const Secret decoded(*std::move(octets));
    const std::string_view text = decoded.text();
    const auto colon = text.find(':');  // RFC 7617: a name has none
    if (colon == std::string_view::npos) return found;
    const Sha256 name = sha256(as_bytes(text.substr(0, colon)));
    const Sha256 password = sha256(as_bytes(text.substr(colon + 1)));
    for (const Caller& caller : callers_) {
        const unsigned named = same(name, sha256(as_bytes(caller.name)));
        const unsigned known = is_one_of(password, caller.passwords);
        if (named != 0) found.claimed = caller.name;
        if ((named & known) != 0) found.caller = &caller;
    }
    return found;
}

Identification Callers::by_hash(const Sha256& hash, std::vector<Sha256> Caller::*accepted) const {
    Identification found;
    for (const Caller& caller : callers_) {
        if (is_one_of(hash, caller.*accepted) != 0) found.caller = &caller;
    }
    return found;
}

}  // namespace scepgate::server::admin

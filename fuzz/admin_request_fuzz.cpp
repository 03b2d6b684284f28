// What a caller sends is taken whole or refused: an order that is taken is within its bounds and
// has only names that a certificate can have; a form comes out of an encoder as it went in; a
// foreign origin is never taken for ours; a caller is who has this name and password, or this
// token, and nobody else. Input: a body, a query, an origin and credentials in one.
#include "certs/asn1_string.hpp"
#include "fuzz/fuzz.hpp"
#include "server/admin/callers.hpp"
#include "server/admin/challenge_order.hpp"
#include "server/admin/cross_site.hpp"
#include "server/admin/form.hpp"

namespace scepgate::fuzz {
namespace {

using namespace server::admin;

void require_sound(const policy::ChallengeParameters& parameters) {
    for (const auto& name : parameters.subject_alt_name)
        FUZZ_REQUIRE(certs::GeneralName::make(name.type, name.value));
    FUZZ_REQUIRE(certs::Name::from_der(parameters.subject.der()));
    FUZZ_REQUIRE(!parameters.lifetime || *parameters.lifetime > 0);
    FUZZ_REQUIRE(!parameters.max_validity || *parameters.max_validity > 0);
    FUZZ_REQUIRE(!(parameters.template_name && parameters.purpose));
}

void read_as_order(std::string_view text) {
    const auto order = read_order(text);
    if (!order) {
        const Problem& problem = order.error();
        FUZZ_REQUIRE(problem.status == 400);
        FUZZ_REQUIRE(problem.code == "malformed" || problem.code == "unknown_member" ||
                     problem.code == "bad_value");
        return;
    }
    FUZZ_REQUIRE(!order->count || (*order->count >= 1 && *order->count <= kMostChallenges));
    require_sound(order->parameters);
}

std::string encode(const Form& form) {
    std::string text;
    for (const auto& [name, value] : form) {
        if (!text.empty()) text += '&';
        for (const char c : name)
            text += "%" + to_hex(as_bytes({&c, 1}));
        text += '=';
        for (const char c : value)
            text += "%" + to_hex(as_bytes({&c, 1}));
    }
    return text;
}

void read_as_form(std::string_view text) {
    if (const auto form = parse_form(text)) {
        FUZZ_REQUIRE(form->size() <= 64);
        const auto again = parse_form(encode(*form));
        FUZZ_REQUIRE(again && *again == *form);
    }
    if (const auto segment = decode_segment(text)) FUZZ_REQUIRE(segment->size() <= text.size());
    if (const auto parameters = read_ndes_order("", text)) require_sound(*parameters);
}

void read_as_origin(std::string_view text) {
    server::HttpDetails details;
    details.host = "admin.example";
    details.origin = text;
    if (text.empty() || !cross_site_evidence(details).empty()) return;
    const auto host = text.find("://");
    FUZZ_REQUIRE(host != std::string_view::npos);
    std::string lower(text.substr(host + 3, details.host.size()));
    for (char& c : lower)
        c = certs::ascii_lower(c);
    FUZZ_REQUIRE(lower == details.host);
}

Identification identify(const Callers& callers, std::string_view authorization) {
    server::HttpDetails details;
    details.authorization = Secret(authorization);
    return callers.identify(details);
}

/// As the whole field, before callers that are not changed.
void read_as_authorization(std::string_view text) {
    static const Callers callers = [] {
        Caller mdm, other;
        mdm.name = "mdm";
        mdm.passwords = {sha256(as_bytes("password"))};
        mdm.tokens = {sha256(as_bytes("token"))};
        other.name = "other";
        other.passwords = {sha256(as_bytes("another"))};
        return Callers({mdm, other});
    }();
    const auto found = identify(callers, text);
    FUZZ_REQUIRE(found.tried == !text.empty());
    FUZZ_REQUIRE(found.claimed.empty() || found.claimed == "mdm" || found.claimed == "other");
    if (found.caller == nullptr) return;
    const std::string_view credentials = text.substr(text.rfind(' ') + 1);
    if (found.method == std::string_view("token")) {
        FUZZ_REQUIRE(found.caller->name == "mdm" && credentials == "token");
    } else {
        const bool mdm = found.caller->name == "mdm";
        const std::string_view known = mdm ? "mdm:password" : "other:another";
        FUZZ_REQUIRE(credentials == to_base64(as_bytes(known)));
    }
}

/// As "name:password" and as a token, of the caller who has just these.
void read_as_credentials(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return;
    Caller owner, other;
    owner.name = text.substr(0, colon);
    owner.passwords = {sha256(as_bytes(text.substr(colon + 1)))};
    owner.tokens = {sha256(as_bytes(text))};
    other.name = owner.name + "x";
    other.passwords = {sha256(as_bytes(text))};
    const Callers callers({other, owner});
    const auto name_of = [&](const std::string& authorization) {
        const auto found = identify(callers, authorization);
        return found.caller == nullptr ? std::optional<std::string>() : found.caller->name;
    };
    FUZZ_REQUIRE(name_of("Basic " + to_base64(as_bytes(text))) == owner.name);
    FUZZ_REQUIRE(!name_of("Basic " + to_base64(as_bytes(std::string(text) + "x"))));
    FUZZ_REQUIRE(!name_of("Basic " + to_base64(as_bytes("x" + std::string(text)))));
    if (text.front() != ' ') FUZZ_REQUIRE(name_of("Bearer " + std::string(text)) == owner.name);
    FUZZ_REQUIRE(!name_of("Bearer " + std::string(text) + "x"));
}

}  // namespace

void run(ByteView input) {
    const std::string_view text = as_text(input);
    read_as_order(text);
    read_as_form(text);
    read_as_origin(text);
    read_as_authorization(text);
    read_as_credentials(text);
}

}  // namespace scepgate::fuzz

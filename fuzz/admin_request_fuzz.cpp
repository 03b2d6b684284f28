// What a caller sends is taken whole or refused: an order that is taken is within its bounds and
// has only names that a certificate can have; a form comes out of an encoder as it went in; a
// foreign origin is never taken for ours. Input: a body, a query and an origin in one.
#include "certs/asn1_string.hpp"
#include "fuzz/fuzz.hpp"
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

}  // namespace

void run(ByteView input) {
    const std::string_view text = as_text(input);
    read_as_order(text);
    read_as_form(text);
    read_as_origin(text);
}

}  // namespace scepgate::fuzz

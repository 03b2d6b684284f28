// Whoever writes what into the fields that name clients: what comes out is the proxy, or an address
// in canonical text, and what a trusted proxy appends is not undone by anything that stands before
// it (attacks.md H15). Input: field lines.
#include <boost/beast/core/string.hpp>

#include "fuzz/fuzz.hpp"
#include "server/http_address.hpp"
#include "server/http_forwarded.hpp"

namespace scepgate::fuzz {
namespace {

using boost::beast::iequals;
using server::HeaderField;
using Fields = std::vector<HeaderField>;

constexpr std::string_view kPeer = "10.0.0.1";
/// Whom the proxy saw.
constexpr std::string_view kSeen = "203.0.113.9";

const std::vector<server::AddressPrefix>& trusted() {
    static const std::vector<server::AddressPrefix> prefixes = [] {
        std::vector<server::AddressPrefix> made;
        for (const char* text : {"10.0.0.0/8", "2001:db8:1::/48"})
            made.push_back(*server::AddressPrefix::parse(text));
        return made;
    }();
    return prefixes;
}

/// More than a parser lets through: any octets but line breaks.
Fields fields_in(std::string_view text) {
    Fields fields;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        fields.push_back({{}, line.substr(0, colon), line.substr(colon + 1)});
    }
    return fields;
}

bool has(const Fields& fields, std::string_view name) {
    return std::any_of(fields.begin(), fields.end(),
                       [&](const HeaderField& field) { return iequals(field.name, name); });
}

std::string client(const Fields& fields) {
    server::ParsedHeader header;
    header.fields = fields;
    return server::forwarded_client(header, kPeer, trusted());
}

/// A proxy writes fields of this name, and hands on those of the `other`: with both, they agree or
/// neither counts.
void require_what_the_proxy_saw(const Fields& sent, std::string_view name, std::string_view other,
                                const std::string& entry) {
    const auto is_right = [&](const Fields& fields) {
        const std::string address = client(fields);
        return address == kSeen || (has(sent, other) && address == kPeer);
    };
    Fields fields = sent;
    fields.push_back({{}, name, entry});
    FUZZ_REQUIRE(is_right(fields));

    fields = sent;
    const auto last = std::find_if(fields.rbegin(), fields.rend(), [&](const HeaderField& field) {
        return iequals(field.name, name);
    });
    if (last == fields.rend()) return;
    const std::string longer = std::string(last->value) + ", " + entry;
    last->value = longer;
    FUZZ_REQUIRE(is_right(fields));
}

}  // namespace

void run(ByteView input) {
    constexpr std::string_view kPlain = "X-Forwarded-For";
    constexpr std::string_view kStandard = "Forwarded";
    const Fields sent = fields_in(as_text(input));
    const std::string address = client(sent);
    if (address != kPeer) {
        FUZZ_REQUIRE(has(sent, kPlain) || has(sent, kStandard));
        const auto parsed = server::parse_address(address);
        FUZZ_REQUIRE(parsed && parsed->to_string() == address);
    }
    const std::string seen(kSeen);
    for (const auto& entry : {seen, seen + ":4711", seen + " , 10.2.3.4"})
        require_what_the_proxy_saw(sent, kPlain, kStandard, entry);
    for (const auto& entry : {"for=" + seen, "proto=https;For=\"" + seen + ":1\";by=_x",
                              "for=" + seen + ",for=\"[2001:db8:1::7]:80\";host=a"})
        require_what_the_proxy_saw(sent, kStandard, kPlain, entry);
}

}  // namespace scepgate::fuzz

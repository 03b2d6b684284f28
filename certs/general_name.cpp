#include "certs/general_name.hpp"

#include <arpa/inet.h>
#include <optional>

#include "certs/asn1_string.hpp"
#include "certs/der.hpp"
#include "certs/host_name.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

constexpr std::size_t kMaxNames = 100;
constexpr std::size_t kMaxNameOctets = 4096;

constexpr struct {
    GeneralNameType type;
    std::string_view text;
} kTypes[] = {
    {GeneralNameType::kDns, "dns"}, {GeneralNameType::kEmail, "email"},
    {GeneralNameType::kUri, "uri"}, {GeneralNameType::kIp, "ip"},
    {GeneralNameType::kUpn, "upn"},
};

/// nullptr when the value is good, else what is wrong with it.
using Fault = const char*;

Fault fault_in_email(std::string_view value) {
    constexpr std::size_t kMaxLocalPart = 64;  // RFC 5321 section 4.5.3.1
    constexpr std::size_t kMaxMailbox = 254;
    const std::size_t at = value.find('@');
    if (at == std::string_view::npos || value.find('@', at + 1) != std::string_view::npos) {
        return "it needs exactly one '@'";
    }
    const std::string_view local = value.substr(0, at);
    if (local.empty() || local.size() > kMaxLocalPart || value.size() > kMaxMailbox) {
        return "the part before '@' takes 1 to 64 characters, the whole 254";
    }
    // RFC 5322 atext and dots; the quoted forms serve to confuse.
    const bool atoms = std::all_of(local.begin(), local.end(), [](char c) {
        return is_letter_or_digit(c) ||
               (c != '\0' &&
                std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos);
    });
    if (!atoms) return "a character before '@' is not allowed in a mail address";
    return fault_in_host_name(value.substr(at + 1));
}

Fault fault_in_uri(std::string_view value) {
    const std::size_t colon = value.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == value.size() ||
        !is_letter(value[0])) {
        return "it needs a scheme as in https: and something after it";
    }
    const std::string_view scheme = value.substr(0, colon);
    const bool scheme_fits = std::all_of(scheme.begin(), scheme.end(), [](char c) {
        return is_letter_or_digit(c) || c == '+' || c == '-' || c == '.';
    });
    if (!scheme_fits) return "its scheme takes letters, digits, '+', '-' and '.'";
    const bool visible =
        std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < '\x7F'; });
    return visible ? nullptr : "it takes no white space, control or non-ASCII characters";
}

/// An address's octets from its text, 4 or 16 of them.
std::optional<Bytes> ip_octets(const std::string& text) {
    if (text.find('\0') != std::string::npos) return std::nullopt;
    Bytes octets(16);
    if (inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) return octets;
    octets.resize(4);
    if (inet_pton(AF_INET, text.c_str(), octets.data()) == 1) return octets;
    return std::nullopt;
}

std::optional<std::string> ip_text(ByteView octets) {
    if (octets.size() != 4 && octets.size() != 16) return std::nullopt;
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = octets.size() == 4 ? AF_INET : AF_INET6;
    if (inet_ntop(family, octets.data(), text.data(), text.size()) == nullptr) return std::nullopt;
    return std::string(text.data());
}

std::string for_message(std::string_view value) {
    constexpr std::size_t kShown = 100;
    std::string shown;
    for (const char c : value.substr(0, kShown))
        shown += c >= ' ' && c < '\x7F' ? c : '?';
    return value.size() > kShown ? shown + "..." : shown;
}

Error refuse(GeneralNameType type, std::string_view value, std::string_view why) {
    return malformed("subject alternative name " + std::string(to_text(type)) + ":" +
                     for_message(value) + ": " + std::string(why));
}

//   OtherName ::= SEQUENCE {
//        type-id    OBJECT IDENTIFIER,
//        value      [0] EXPLICIT ANY DEFINED BY type-id }
Result<GeneralName> parse_other_name(ByteView content) {
    DerReader fields(content);
    const auto type = fields.read_oid();
    if (!type) return in_context("subject alternative name: otherName", type.error());
    if (!equal(*type, oid::kUserPrincipalName)) {
        return unsupported("subject alternative name: otherName " + oid_to_text(*type) +
                           " cannot be in a certificate of ours");
    }
    const auto wrapped = fields.read(context_constructed(0));
    if (!wrapped) return in_context("subject alternative name: UPN", wrapped.error());
    if (const auto end = fields.finish("subject alternative name: UPN"); !end) return end.error();
    DerReader inner(*wrapped);
    const auto value = inner.next();
    if (!value) return in_context("subject alternative name: UPN", value.error());
    if (const auto end = inner.finish("subject alternative name: UPN"); !end) return end.error();
    // MS-WCCE has UTF8String; some clients write IA5String.
    if (value->tag != DerTag::kUtf8String && value->tag != DerTag::kIa5String) {
        return malformed("subject alternative name: a UPN is a UTF8String");
    }
    const auto text = to_utf8(value->tag, value->content);
    if (!text) return in_context("subject alternative name: UPN", text.error());
    return GeneralName::make(GeneralNameType::kUpn, *text);
}

//   GeneralName ::= CHOICE {
//        otherName                 [0]  OtherName,
//        rfc822Name                [1]  IA5String,
//        dNSName                   [2]  IA5String,
//        x400Address               [3]  ORAddress,
//        directoryName             [4]  Name,
//        ediPartyName              [5]  EDIPartyName,
//        uniformResourceIdentifier [6]  IA5String,
//        iPAddress                 [7]  OCTET STRING,
//        registeredID              [8]  OBJECT IDENTIFIER }
Result<GeneralName> parse_general_name(const DerElement& element) {
    const auto refuse_type = [](std::string_view name) {
        return unsupported("subject alternative name: " + std::string(name) +
                           " cannot be in a certificate of ours");
    };
    switch (static_cast<unsigned>(element.tag)) {
        case 0xA0:
            return parse_other_name(element.content);
        case 0x81:
            return GeneralName::make(GeneralNameType::kEmail, as_text(element.content));
        case 0x82:
            return GeneralName::make(GeneralNameType::kDns, as_text(element.content));
        case 0xA3:
            return refuse_type("x400Address");
        case 0xA4:
            return refuse_type("directoryName");
        case 0xA5:
            return refuse_type("ediPartyName");
        case 0x86:
            return GeneralName::make(GeneralNameType::kUri, as_text(element.content));
        case 0x87: {
            auto text = ip_text(element.content);
            if (!text) {
                return malformed("subject alternative name: an IP address of " +
                                 std::to_string(element.content.size()) +
                                 " octets; it has 4 or 16");
            }
            return GeneralName{GeneralNameType::kIp, std::move(*text)};
        }
        case 0x88:
            return refuse_type("registeredID");
        default:
            return malformed("subject alternative name: not a GeneralName");
    }
}

Bytes encode_general_name(const GeneralName& name) {
    const ByteView value = as_bytes(name.value);
    switch (name.type) {
        case GeneralNameType::kEmail:
            return der::element(context_primitive(1), value);
        case GeneralNameType::kDns:
            return der::element(context_primitive(2), value);
        case GeneralNameType::kUri:
            return der::element(context_primitive(6), value);
        case GeneralNameType::kIp: {
            const auto octets = ip_octets(name.value);
            if (!octets) throw std::logic_error("GeneralName: an IP address not made by make()");
            return der::element(context_primitive(7), *octets);
        }
        case GeneralNameType::kUpn:
            return der::element(
                context_constructed(0),
                der::concat({der::oid(oid::kUserPrincipalName),
                             der::element(context_constructed(0), der::utf8_string(name.value))}));
    }
    throw std::logic_error("GeneralName: no such type");
}

}  // namespace

std::string_view to_text(GeneralNameType type) noexcept {
    for (const auto& known : kTypes) {
        if (known.type == type) return known.text;
    }
    return "?";
}

Result<GeneralNameType> general_name_type(std::string_view text) {
    for (const auto& known : kTypes) {
        if (known.text == text) return known.type;
    }
    return malformed("'" + for_message(text) +
                     "' is no type of alternative name: dns, email, uri, ip, upn");
}

Result<GeneralName> GeneralName::make(GeneralNameType type, std::string_view value) {
    if (value.empty()) return refuse(type, value, "it is empty");
    if (value.size() > kMaxNameOctets) return refuse(type, value, "it is over 4096 octets");
    Fault fault = nullptr;
    switch (type) {
        case GeneralNameType::kDns:
            fault = fault_in_host_name(value.starts_with("*.") ? value.substr(2) : value);
            // RFC 5280 section 4.2.1.6: the whole name counts, with the wildcard.
            if (fault == nullptr && value.size() > kMaxHostName)
                fault = "it is over 253 characters";
            break;
        case GeneralNameType::kEmail:
            fault = fault_in_email(value);
            break;
        case GeneralNameType::kUri:
            fault = fault_in_uri(value);
            break;
        case GeneralNameType::kIp: {
            const auto octets = ip_octets(std::string(value));
            if (!octets) return refuse(type, value, "it is not an IPv4 or IPv6 address");
            return GeneralName{type, *ip_text(*octets)};
        }
        case GeneralNameType::kUpn:
            if (const auto readable = check_readable(value); !readable) {
                return refuse(type, value, readable.error().detail);
            }
            break;
    }
    if (fault != nullptr) return refuse(type, value, fault);
    return GeneralName{type, std::string(value)};
}

std::string GeneralName::text() const {
    return std::string(to_text(type)) + ":" + value;
}

Result<GeneralNames> parse_general_names(ByteView der) {
    DerReader outer(der);
    const auto sequence = outer.read(DerTag::kSequence);
    if (!sequence) return in_context("subject alternative name", sequence.error());
    if (const auto end = outer.finish("subject alternative name"); !end) return end.error();
    if (sequence->empty()) return malformed("subject alternative name: an empty list");

    GeneralNames names;
    for (DerReader reader(*sequence); !reader.empty();) {
        if (names.size() == kMaxNames) {
            return malformed("subject alternative name: more than 100 names");
        }
        const auto element = reader.next();
        if (!element) return in_context("subject alternative name", element.error());
        auto name = parse_general_name(*element);
        if (!name) return name.error();
        names.push_back(std::move(*name));
    }
    return names;
}

Bytes encode_general_names(const GeneralNames& names) {
    Bytes content;
    for (const GeneralName& name : names) {
        const Bytes encoded = encode_general_name(name);
        content.insert(content.end(), encoded.begin(), encoded.end());
    }
    return der::element(DerTag::kSequence, content);
}

bool matches(const GeneralName& left, const GeneralName& right) {
    if (left.type != right.type) return false;
    if (left.type == GeneralNameType::kDns) {
        return equal_ignoring_ascii_case(left.value, right.value);
    }
    if (left.type == GeneralNameType::kEmail) {
        const std::size_t at = left.value.find('@');
        if (at == std::string::npos || at != right.value.find('@')) return false;
        const std::string_view a = left.value;
        const std::string_view b = right.value;
        return a.substr(0, at) == b.substr(0, at) &&
               equal_ignoring_ascii_case(a.substr(at), b.substr(at));
    }
    return left.value == right.value;
}

GeneralNamesDifference difference(const GeneralNames& expected, const GeneralNames& found) {
    GeneralNamesDifference result;
    result.extra = found;
    for (const GeneralName& name : expected) {
        const auto same = std::find_if(result.extra.begin(), result.extra.end(),
                                       [&name](const auto& other) { return matches(name, other); });
        if (same == result.extra.end()) {
            result.missing.push_back(name);
        } else {
            result.extra.erase(same);
        }
    }
    return result;
}

std::string to_text(const GeneralNames& names) {
    if (names.empty()) return "none";
    std::string text;
    for (const GeneralName& name : names) {
        if (!text.empty()) text += ", ";
        text += name.text();
    }
    return text;
}

}  // namespace scepgate::certs

#include "certs/pkcs11_uri.hpp"

#include <array>
#include <charconv>

namespace scepgate::certs {
namespace {

Result<std::string> decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
        const auto low = high ? hex_digit(text[i + 2]) : std::nullopt;
        if (!low) return malformed("'%' without two hexadecimal digits");
        out += static_cast<char>(*high * 16 + *low);
        i += 2;
    }
    return out;
}

std::string encoded(std::string_view text) {
    constexpr std::string_view kPlain = "-._~:[]@!$'()*+,=&";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                           (c >= 'a' && c <= 'z') || kPlain.find(c) != std::string_view::npos;
        out += plain ? std::string(1, c) : "%" + to_hex(as_bytes(std::string_view(&c, 1)));
    }
    return out;
}

std::string* text_of(Pkcs11Uri& uri, std::string_view name) {
    if (name == "token") return &uri.token;
    if (name == "serial") return &uri.serial;
    if (name == "manufacturer") return &uri.manufacturer;
    if (name == "model") return &uri.model;
    if (name == "object") return &uri.object;
    return nullptr;
}

Result<void> read_attribute(Pkcs11Uri& uri, std::string_view name, const std::string& value) {
    if (std::string* text = text_of(uri, name)) {
        if (value.empty()) return malformed("'" + std::string(name) + "' is empty");
        *text = value;
        return {};
    }
    if (name == "id") {
        uri.id = to_bytes(as_bytes(value));
        return uri.id.empty() ? Result<void>(malformed("'id' is empty")) : Result<void>();
    }
    if (name == "slot-id") {
        std::uint64_t slot = 0;
        const char* const end = value.data() + value.size();
        const auto [stop, failure] = std::from_chars(value.data(), end, slot);
        if (failure != std::errc{} || stop != end) return malformed("'slot-id' is no number");
        uri.slot = slot;
        return {};
    }
    if (name == "type") {
        if (value == "private") return {};
        return malformed("'type' is not \"private\"");
    }
    return malformed("'" + std::string(name) +
                     "' is not known; known are token, serial, manufacturer, model, slot-id, "
                     "object, id");
}

}  // namespace

// pk11-URI = "pkcs11:" pk11-path [ "?" pk11-query ]
Result<Pkcs11Uri> Pkcs11Uri::parse(std::string_view text) {
    constexpr std::string_view kScheme = "pkcs11:";
    if (!text.starts_with(kScheme)) {
        return malformed("no PKCS#11 URI: it begins with pkcs11:, as pkcs11:token=ca;object=key");
    }
    text.remove_prefix(kScheme.size());
    if (text.find('?') != std::string_view::npos) {
        return malformed(
            "it has a query: the module and the PIN have keys of their own, 'module' and 'pin'");
    }
    Pkcs11Uri uri;
    std::string seen = ";";
    while (!text.empty()) {
        const std::string_view attribute = text.substr(0, text.find(';'));
        text.remove_prefix(std::min(attribute.size() + 1, text.size()));
        const auto equals = attribute.find('=');
        if (equals == std::string_view::npos) return malformed("an attribute without '='");
        const std::string name(attribute.substr(0, equals));
        if (seen.find(";" + name + ";") != std::string::npos)
            return malformed("'" + name + "' comes twice");
        seen += name + ";";
        const auto value = decoded(attribute.substr(equals + 1));
        if (!value) return in_context("'" + name + "'", value.error());
        if (const auto read = read_attribute(uri, name, *value); !read) return read.error();
    }
    if (uri.object.empty() && uri.id.empty()) {
        return malformed("it names no key: give 'object' (its label), 'id', or both");
    }
    return uri;
}

std::string Pkcs11Uri::text() const {
    std::string out = "pkcs11:";
    const auto add = [&out](const char* name, const std::string& value) {
        if (value.empty()) return;
        if (out.back() != ':') out += ';';
        out += std::string(name) + "=" + value;
    };
    add("token", encoded(token));
    add("serial", encoded(serial));
    add("manufacturer", encoded(manufacturer));
    add("model", encoded(model));
    if (slot) add("slot-id", std::to_string(*slot));
    add("object", encoded(object));
    std::string octets;
    for (const std::uint8_t octet : id)
        octets += "%" + to_hex({&octet, 1});
    add("id", octets);
    return out;
}

}  // namespace scepgate::certs

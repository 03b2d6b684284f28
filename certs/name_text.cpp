// Name's text forms: RFC 4514 (with what RFC 2253 section 4 tolerates) and OpenSSL's slash form.
#include "certs/asn1_string.hpp"
#include "certs/name.hpp"
#include "certs/name_types.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

constexpr std::string_view kEscaped = "\"+,;<>\\";

/// A cursor over the text; an error tells its place in characters, from 1.
class TextParser {
public:
    explicit TextParser(std::string_view text) : text_(text) {}

    /// RDNs, DER-encoded, in the order of the text.
    Result<std::vector<Bytes>> rfc4514() {
        std::vector<Bytes> rdns;
        skip_spaces();
        while (!at_end()) {
            auto rdn = read_rdn(&TextParser::rfc4514_value);
            if (!rdn) return rdn.error();
            rdns.push_back(std::move(*rdn));
            if (at_end()) break;
            ++at_;  // ',' or ';': values end only there, at '+' or at the end
            skip_spaces();
            if (at_end()) return error("an attribute should follow the separator");
        }
        return rdns;
    }

    Result<std::vector<Bytes>> slash_form() {
        std::vector<Bytes> rdns;
        while (!at_end()) {
            ++at_;  // '/'
            if (at_end()) break;
            auto rdn = read_rdn(&TextParser::slash_value);
            if (!rdn) return rdn.error();
            rdns.push_back(std::move(*rdn));
        }
        return rdns;
    }

private:
    /// An AttributeValue, whole DER.
    using ValueReader = Result<Bytes> (TextParser::*)(const NameType*);

    [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
    [[nodiscard]] char peek() const { return text_[at_]; }
    void skip_spaces() {
        while (!at_end() && peek() == ' ')
            ++at_;
    }

    [[nodiscard]] Error error(std::string_view what) const {
        return malformed("name, at character " +
                         std::to_string(count_characters(text_.substr(0, at_)) + 1) + ": " +
                         std::string(what));
    }

    Result<Bytes> read_rdn(ValueReader read_value) {
        std::vector<Bytes> attributes;
        for (;;) {
            const NameType* known = nullptr;
            auto type = read_type(known);
            if (!type) return type.error();
            auto value = (this->*read_value)(known);
            if (!value) return value.error();
            attributes.push_back(der::sequence({der::oid(*type), *value}));
            if (at_end() || peek() != '+') break;
            ++at_;
        }
        return der::set_of(std::move(attributes));
    }

    Result<Bytes> read_type(const NameType*& known) {
        skip_spaces();
        const std::size_t end = text_.find_first_of("=,;+/\"\\", at_);
        if (end == std::string_view::npos || text_[end] != '=') {
            return error("an attribute as in CN=device is expected");
        }
        std::string_view type = text_.substr(at_, end - at_);
        type = type.substr(0, type.find_last_not_of(' ') + 1);
        if (type.empty()) return error("an attribute type is missing before '='");

        Bytes oid;
        known = find_name_type(type);
        if (known != nullptr) {
            oid = to_bytes(known->oid);
        } else {
            auto parsed = oid_from_text(type);
            if (!parsed) {
                return error("'" + std::string(type.substr(0, 64)) +
                             "' is not an attribute type (CN, O, OU, C, ... or a dotted OID)");
            }
            oid = std::move(*parsed);
            known = find_name_type(oid);
        }
        at_ = end + 1;
        return oid;
    }

    Result<Bytes> rfc4514_value(const NameType* type) {
        skip_spaces();
        if (!at_end() && peek() == '#') return hex_value();
        if (!at_end() && peek() == '"') return quoted_value(type);

        std::string value;
        std::size_t significant = 0;  // up to the last character that is not a bare space
        for (; !at_end() && kValueEnds.find(peek()) == std::string_view::npos;) {
            const bool space = peek() == ' ';
            if (peek() == '\\') {
                if (const auto unescaped = read_escape(value); !unescaped) {
                    return unescaped.error();
                }
            } else if (kEscaped.find(peek()) != std::string_view::npos) {
                return error("this character needs a '\\' before it");
            } else {
                value += peek();
                ++at_;
            }
            if (!space) significant = value.size();
        }
        value.resize(significant);
        return encode(type, value);
    }

    /// '\' and one character that has a meaning, or two hexadecimal digits: an octet of UTF-8.
    Result<void> read_escape(std::string& value) {
        const std::string_view after = text_.substr(at_ + 1);
        if (after.size() >= 2 && hex_digit(after[0]) && hex_digit(after[1])) {
            const auto octet = from_hex(after.substr(0, 2));
            if (!octet) return octet.error();
            value += as_text(*octet);
            at_ += 3;
            return {};
        }
        if (after.empty() ||
            std::string_view("\"+,;<>\\ #=/").find(after[0]) == std::string_view::npos) {
            return error("'\\' must come before a special character or two hexadecimal digits");
        }
        value += after[0];
        at_ += 2;
        return {};
    }

    Result<Bytes> hex_value() {
        const std::size_t start = ++at_;
        while (!at_end() && hex_digit(peek()))
            ++at_;
        const auto der = from_hex(text_.substr(start, at_ - start));
        if (!der || der->empty()) return error("'#' takes pairs of hexadecimal digits");
        DerReader reader(*der);
        const auto element = reader.next();
        if (!element || !reader.empty() || !is_string(element->tag)) {
            return error("'#' takes the DER of one character string");
        }
        if (const auto end = expect_end_of_value(); !end) return end.error();
        return *der;
    }

    Result<Bytes> quoted_value(const NameType* type) {
        ++at_;
        std::string value;
        while (!at_end() && peek() != '"') {
            if (peek() == '\\') {
                if (const auto unescaped = read_escape(value); !unescaped) {
                    return unescaped.error();
                }
            } else {
                value += peek();
                ++at_;
            }
        }
        if (at_end()) return error("the closing '\"' is missing");
        ++at_;
        if (const auto end = expect_end_of_value(); !end) return end.error();
        return encode(type, value);
    }

    Result<void> expect_end_of_value() {
        skip_spaces();
        if (!at_end() && kValueEnds.find(peek()) == std::string_view::npos) {
            return error("',' or '+' is expected after the value");
        }
        return {};
    }

    /// As `openssl req -subj`: '\' takes the next character as it is.
    Result<Bytes> slash_value(const NameType* type) {
        std::string value;
        while (!at_end() && peek() != '/' && peek() != '+') {
            if (peek() == '\\' && ++at_ == text_.size()) {
                return error("a character is missing after '\\'");
            }
            value += peek();
            ++at_;
        }
        return encode(type, value);
    }

    Result<Bytes> encode(const NameType* type, std::string_view value) const {
        if (const auto readable = check_readable(value); !readable) {
            return error("the value before here: " + readable.error().detail);
        }
        const auto encoding = encoding_for(type, value);
        if (!encoding) return error("before here: " + encoding.error().detail);
        return der::element(*encoding, as_bytes(value));
    }

    static constexpr std::string_view kValueEnds = ",;+";
    std::string_view text_;
    std::size_t at_ = 0;
};

// RFC 4514 section 2.4: a type that has no name takes its value as '#' and the DER, here always as
// UTF8String, which is the same name to matches().
void append_attribute(std::string& out, const NameAttribute& attribute) {
    const NameType* type = find_name_type(attribute.type);
    if (type == nullptr) {
        out += oid_to_text(attribute.type) + "=#" + to_hex(der::utf8_string(attribute.value));
        return;
    }
    out += std::string(type->name) + "=" + escape_name_value(attribute.value);
}

}  // namespace

std::string escape_name_value(std::string_view value) {
    std::string out;
    for (std::size_t at = 0; at < value.size(); ++at) {
        const char c = value[at];
        const bool first = at == 0;
        const bool last = at + 1 == value.size();
        if (kEscaped.find(c) != std::string_view::npos || (c == ' ' && (first || last)) ||
            (c == '#' && first)) {
            out += '\\';
        }
        out += c;
    }
    return out;
}

Result<Name> Name::from_text(std::string_view text) {
    const bool slashes = text.starts_with('/');
    TextParser parser(text);
    auto rdns = slashes ? parser.slash_form() : parser.rfc4514();
    if (!rdns) return rdns.error();
    if (!slashes) std::reverse(rdns->begin(), rdns->end());

    Bytes content;
    for (const Bytes& rdn : *rdns)
        content.insert(content.end(), rdn.begin(), rdn.end());
    auto name = from_der(der::element(DerTag::kSequence, content));
    if (!name) return name.error();
    // A value in hexadecimal has any string type.
    if (const auto legal = name->check_legal_form(); !legal) return malformed(legal.error().detail);
    return in_legal_form(*std::move(name));
}

std::string Name::text() const {
    std::string text;
    for (auto rdn = rdns_.rbegin(); rdn != rdns_.rend(); ++rdn) {
        if (rdn != rdns_.rbegin()) text += ',';
        for (auto attribute = rdn->begin(); attribute != rdn->end(); ++attribute) {
            if (attribute != rdn->begin()) text += '+';
            append_attribute(text, *attribute);
        }
    }
    return text;
}

}  // namespace scepgate::certs

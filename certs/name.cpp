#include "certs/name.hpp"

#include "certs/asn1_string.hpp"
#include "certs/name_types.hpp"
#include "certs/oids.hpp"

namespace scepgate::certs {
namespace {

// More than any client sends; matching a multi-valued RDN takes the square of its size.
constexpr std::size_t kMaxAttributes = 64;
constexpr std::size_t kMaxValueOctets = 4096;

std::string type_text(ByteView oid) {
    const NameType* type = find_name_type(oid);
    return type != nullptr ? std::string(type->name) : oid_to_text(oid);
}

//   AttributeTypeAndValue ::= SEQUENCE {
//     type     AttributeType,
//     value    AttributeValue }
Result<NameAttribute> read_attribute(ByteView content) {
    DerReader fields(content);
    const auto type = fields.read_oid();
    if (!type) return type.error();
    const auto value = fields.next();
    if (!value) return value.error();
    if (const auto end = fields.finish("attribute"); !end) return end.error();

    if (value->content.size() > kMaxValueOctets) {
        return malformed(type_text(*type) + ": " + std::to_string(value->content.size()) +
                         " octets, over the limit of " + std::to_string(kMaxValueOctets));
    }
    // In no attribute's syntax (RFC 5280 appendix A); OpenSSL parses no certificate that has one.
    if (value->tag == DerTag::kVisibleString) {
        return malformed(type_text(*type) + ": VisibleString, which names cannot hold");
    }
    auto text = to_utf8(value->tag, value->content);
    if (!text) return in_context(type_text(*type), text.error());
    if (const auto readable = check_readable(*text); !readable) {
        return in_context(type_text(*type), readable.error());
    }
    return NameAttribute{to_bytes(*type), value->tag, std::move(*text)};
}

/// The characters that matching looks at: spaces trimmed and folded, one by one.
class Folded {
public:
    explicit Folded(std::string_view text) : rest_(text) { skip_spaces(); }

    /// '\0' at the end: names hold no NUL.
    char next() {
        if (rest_.empty()) return '\0';
        const char taken = rest_.front();
        rest_.remove_prefix(1);
        if (taken == ' ') {
            skip_spaces();
            if (rest_.empty()) return '\0';
        }
        return ascii_lower(taken);
    }

private:
    // Tabs and the like are refused in names, so U+0020 is all the white space there is.
    void skip_spaces() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
    }
    std::string_view rest_;
};

// UTF-8 has one encoding for a code point, so octets decide as code points would.
bool values_match(std::string_view left, std::string_view right) {
    Folded a(left);
    Folded b(right);
    for (;;) {
        const char x = a.next();
        if (x != b.next()) return false;
        if (x == '\0') return true;
    }
}

// Matching of attributes is an equivalence, so a multiset is compared by pairing greedily.
bool rdns_match(const Rdn& left, const Rdn& right) {
    return left.size() == right.size() &&
           std::is_permutation(left.begin(), left.end(), right.begin(),
                               [](const auto& a, const auto& b) { return matches(a, b); });
}

}  // namespace

//   Name ::= CHOICE { rdnSequence  RDNSequence }
//   RDNSequence ::= SEQUENCE OF RelativeDistinguishedName
//   RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
Result<Name> Name::from_der(ByteView der) {
    DerReader outer(der);
    const auto sequence = outer.read(DerTag::kSequence);
    if (!sequence) return in_context("name", sequence.error());
    if (const auto end = outer.finish("name"); !end) return end.error();

    Name name;
    std::size_t count = 0;
    for (DerReader rdns(*sequence); !rdns.empty();) {
        const auto set = rdns.read(DerTag::kSet);
        if (!set) return in_context("name", set.error());
        if (set->empty()) return malformed("name: a RelativeDistinguishedName without attributes");
        Rdn rdn;
        for (DerReader attributes(*set); !attributes.empty();) {
            if (++count > kMaxAttributes) {
                return malformed("name: more than " + std::to_string(kMaxAttributes) +
                                 " attributes");
            }
            const auto content = attributes.read(DerTag::kSequence);
            if (!content) return in_context("name", content.error());
            auto attribute = read_attribute(*content);
            if (!attribute) return in_context("name", attribute.error());
            rdn.push_back(std::move(*attribute));
        }
        name.rdns_.push_back(std::move(rdn));
    }
    name.der_ = to_bytes(der);
    return name;
}

std::string_view Name::common_name() const noexcept {
    for (const Rdn& rdn : rdns_) {
        for (const NameAttribute& attribute : rdn) {
            if (equal(attribute.type, oid::kCommonName)) return attribute.value;
        }
    }
    return {};
}

Result<void> Name::check_upper_bounds() const {
    for (const Rdn& rdn : rdns_) {
        for (const NameAttribute& attribute : rdn) {
            if (is_blank(attribute.value)) {
                return Error{Errc::kDenied, "name: " + type_text(attribute.type) + " is " +
                                                (attribute.value.empty() ? "empty" : "blank")};
            }
            const NameType* type = find_name_type(attribute.type);
            if (type == nullptr || type->upper_bound == 0) continue;
            const std::size_t length = count_characters(attribute.value);
            if (length > type->upper_bound) {
                return Error{Errc::kDenied, "name: " + std::string(type->name) + " has " +
                                                std::to_string(length) +
                                                " characters, RFC 5280 allows " +
                                                std::to_string(type->upper_bound)};
            }
        }
    }
    return {};
}

bool matches(const NameAttribute& left, const NameAttribute& right) {
    return left.type == right.type && values_match(left.value, right.value);
}

std::string folded_value(std::string_view value) {
    std::string folded;
    folded.reserve(value.size());
    Folded from(value);
    for (char c = from.next(); c != '\0'; c = from.next())
        folded += c;
    return folded;
}

bool matches(const Name& left, const Name& right) {
    return std::equal(left.rdns().begin(), left.rdns().end(), right.rdns().begin(),
                      right.rdns().end(), rdns_match);
}

bool same_name(ByteView left_der, ByteView right_der) {
    // Matching takes quadratic time, and this is done before anything is verified.
    constexpr std::size_t kLongestMatchedName = 2048;
    if (equal(left_der, right_der)) return true;
    if (left_der.size() > kLongestMatchedName || right_der.size() > kLongestMatchedName)
        return false;
    const auto left = Name::from_der(left_der);
    if (!left) return false;
    const auto right = Name::from_der(right_der);
    return right && matches(*left, *right);
}

bool matches_reversed(const Name& left, const Name& right) {
    return std::equal(left.rdns().begin(), left.rdns().end(), right.rdns().rbegin(),
                      right.rdns().rend(), rdns_match) &&
           !matches(left, right);
}

}  // namespace scepgate::certs

// Distinguished names: reading, writing and RFC 5280 section 7.1 matching.
#pragma once

#include <string>
#include <vector>

#include "certs/bytes.hpp"
#include "certs/der.hpp"

namespace scepgate::certs {

/// AttributeTypeAndValue with its value decoded to UTF-8.
struct NameAttribute {
    Bytes type;         ///< OID content octets
    DerTag encoding{};  ///< string type as sent
    std::string value;  ///< UTF-8
};

using Rdn = std::vector<NameAttribute>;  ///< RelativeDistinguishedName: a set, at least one

/// An immutable Name. Values keep their encoding; text() and matching look at code points.
class Name {
public:
    Name() = default;  ///< the empty name

    /// Reads a DER Name. Refused (kMalformed): trailing octets, an empty RDN, a value that is not a
    /// string or is a VisibleString (no attribute takes it), invalid UTF-8 / BMP / Universal
    /// encodings, overlong forms and surrogates, NUL, control, bidirectional-control and zero-width
    /// characters, over 64 attributes in all, over 4096 octets a value. T61String is read as
    /// Latin-1 with the same rules.
    static Result<Name> from_der(ByteView der);

    /// Reads an RFC 4514 string ("CN=device,O=Example": the *last* RDN comes first, as that RFC
    /// says), or OpenSSL's slash form ("/O=Example/CN=device": encoded order). Attribute types by
    /// their RFC 4514 names (CN, SN, serialNumber, C, L, ST, street, O, OU, title, GN/givenName,
    /// DC, UID, emailAddress/E, unstructuredName, unstructuredAddress; any case) or dotted OIDs.
    /// Values are encoded as in_legal_form() has them; one that has no legal form is refused. ""
    /// and
    /// "/" are the empty name. Errors say at which character.
    static Result<Name> from_text(std::string_view text);

    [[nodiscard]] const Bytes& der() const noexcept { return der_; }
    [[nodiscard]] const std::vector<Rdn>& rdns() const noexcept { return rdns_; }
    [[nodiscard]] bool empty() const noexcept { return rdns_.empty(); }
    /// RFC 4514, escaped; "" for the empty name.
    [[nodiscard]] std::string text() const;
    /// The first commonName's value, or "".
    [[nodiscard]] std::string_view common_name() const noexcept;

    /// Fails (kDenied) on a value over its upper bound in RFC 5280 appendix A (CN 64, O 64, …), and
    /// on one without a character to be seen: there is at least one in each.
    [[nodiscard]] Result<void> check_upper_bounds() const;
    /// Fails (kDenied) on what no certificate can hold, in whatever string type (RFC 5280 appendix
    /// A): a C other than two ASCII letters, a character beyond ASCII in a DC, emailAddress or
    /// serialNumber, an attribute that stands twice in one RDN. See in_legal_form().
    [[nodiscard]] Result<void> check_legal_form() const;
    /// Both: what is asked of a name before it is certified.
    [[nodiscard]] Result<void> check_certifiable() const;

private:
    Bytes der_ = {0x30, 0x00};
    std::vector<Rdn> rdns_;
};

/// The same name as a certificate may have it: RDNs whose set is in DER's order (X.690 11.6), and
/// values in a string type that their attribute takes, within its alphabet (RFC 5280 section
/// 4.1.2.4, appendix A). What is so already stays octet for octet. The rest becomes a UTF8String,
/// in DC and emailAddress an IA5String, in C and serialNumber a PrintableString (a serialNumber
/// with ASCII characters that this lacks: a UTF8String). What has no legal form
/// (Name::check_legal_form) stays.
[[nodiscard]] Name in_legal_form(Name name);

/// A value as it stands in an RFC 4514 name: special characters, a leading "#" and spaces at either
/// end escaped.
[[nodiscard]] std::string escape_name_value(std::string_view value);

/// RFC 5280 section 7.1: RDN by RDN in order, a multi-valued RDN as a set; values by code points
/// whatever the string type, ASCII letters without case, leading and trailing white space dropped
/// and inner runs folded to one space. Non-ASCII characters match only themselves.
[[nodiscard]] bool matches(const Name& left, const Name& right);
[[nodiscard]] bool matches(const NameAttribute& left, const NameAttribute& right);

/// A value as matches() looks at it: two values of a type match exactly when these are the same.
[[nodiscard]] std::string folded_value(std::string_view value);

/// The same for two DER Names; one that cannot be read, or has over 2048 octets, is the same only
/// octet for octet.
[[nodiscard]] bool same_name(ByteView left_der, ByteView right_der);

/// True when `left` matches `right` with its RDNs in reverse order, and does not match as it
/// stands: the commonest mistake of a client's name settings, worth a hint.
[[nodiscard]] bool matches_reversed(const Name& left, const Name& right);

}  // namespace scepgate::certs

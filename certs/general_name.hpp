// Subject alternative names (RFC 5280 section 4.2.1.6).
#pragma once

#include <string>
#include <vector>

#include "certs/bytes.hpp"

namespace scepgate::certs {

/// The kinds that a certificate of ours can carry.
enum class GeneralNameType { kDns, kEmail, kUri, kIp, kUpn };

/// "dns", "email", "uri", "ip", "upn"; also what claims and the command line use.
[[nodiscard]] std::string_view to_text(GeneralNameType type) noexcept;
[[nodiscard]] Result<GeneralNameType> general_name_type(std::string_view text);

/// One checked name.
struct GeneralName {
    GeneralNameType type = GeneralNameType::kDns;
    std::string value;  ///< text; for kIp the canonical text form ("192.0.2.1", "2001:db8::1")

    /// Checks and canonicalises: dNSName a host name in LDH labels (a "*" label first is kept, no
    /// trailing dot, at most 253 characters, A-labels for IDN), rfc822Name one "@" in printable
    /// ASCII, URI with a scheme and no white space or control characters, an address of 4 or 16
    /// octets, UPN (otherName 1.3.6.1.4.1.311.20.2.3) UTF-8 without control characters. Empty
    /// values and NUL are refused. kMalformed says which name and why.
    static Result<GeneralName> make(GeneralNameType type, std::string_view value);

    /// "dns:host.example"
    [[nodiscard]] std::string text() const;

    friend bool operator==(const GeneralName&, const GeneralName&) = default;
};

using GeneralNames = std::vector<GeneralName>;

/// Reads a DER GeneralNames (the content of the subjectAltName extension). A type that cannot be
/// in a certificate of ours (directoryName, registeredID, another otherName, …) is kUnsupported,
/// an invalid value or a list that is empty or longer than 100 is kMalformed.
[[nodiscard]] Result<GeneralNames> parse_general_names(ByteView der);
[[nodiscard]] Bytes encode_general_names(const GeneralNames& names);

/// Equality for matching: DNS without ASCII case; email with an exact local part and a domain
/// without case; the others exact.
[[nodiscard]] bool matches(const GeneralName& left, const GeneralName& right);

/// How two lists differ as multisets.
struct GeneralNamesDifference {
    GeneralNames missing;  ///< in `expected` only
    GeneralNames extra;    ///< in `found` only
    [[nodiscard]] bool none() const noexcept { return missing.empty() && extra.empty(); }
};
[[nodiscard]] GeneralNamesDifference difference(const GeneralNames& expected,
                                                const GeneralNames& found);

/// "dns:a.example, upn:user@b.example"; "none" for an empty list.
[[nodiscard]] std::string to_text(const GeneralNames& names);

}  // namespace scepgate::certs

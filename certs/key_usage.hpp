// Key usage, extended key usage, and NDES's three purposes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "certs/bytes.hpp"

namespace scepgate::certs {

/// The bits of RFC 5280 section 4.2.1.3, by their number.
enum class KeyUsageBit {
    kDigitalSignature = 0,
    kNonRepudiation = 1,
    kKeyEncipherment = 2,
    kDataEncipherment = 3,
    kKeyAgreement = 4,
    kKeyCertSign = 5,
    kCrlSign = 6,
    kEncipherOnly = 7,
    kDecipherOnly = 8,
};

/// A set of key usage bits.
class KeyUsage {
public:
    KeyUsage() = default;
    KeyUsage(std::initializer_list<KeyUsageBit> bits);

    /// The extension's content: a named-bit BIT STRING. Trailing zero bits are tolerated (clients
    /// send them); more than nine bits, or none set, is kMalformed.
    static Result<KeyUsage> from_der(ByteView der);
    /// Names as RFC 5280 spells them: "digitalSignature", …; "nonRepudiation" too.
    static Result<KeyUsage> from_names(const std::vector<std::string>& names);

    [[nodiscard]] bool has(KeyUsageBit bit) const noexcept;
    [[nodiscard]] bool empty() const noexcept { return bits_ == 0; }
    /// True when every bit of this set is in `other`.
    [[nodiscard]] bool within(KeyUsage other) const noexcept;
    /// The bits that both sets have.
    [[nodiscard]] friend KeyUsage operator&(KeyUsage left, KeyUsage right) noexcept {
        left.bits_ &= right.bits_;
        return left;
    }
    [[nodiscard]] Bytes der() const;
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] std::string text() const;  ///< "digitalSignature, keyEncipherment"; "none"

    friend bool operator==(const KeyUsage&, const KeyUsage&) = default;

private:
    unsigned bits_ = 0;  ///< bit n is KeyUsageBit n
};

/// NDES's choice of template by the CSR's key usage (reference: NDES MSCEP registry values).
enum class Purpose { kSignature, kEncryption, kGeneralPurpose };

[[nodiscard]] std::string_view to_text(
    Purpose purpose) noexcept;  ///< "signature", "encryption", "general_purpose"
[[nodiscard]] Result<Purpose> purpose_from_text(std::string_view text);

/// {digitalSignature} → signature, {keyEncipherment} → encryption, both or no extension → general
/// purpose; anything else is kDenied and names the usages.
[[nodiscard]] Result<Purpose> purpose_of(const std::optional<KeyUsage>& usage);

/// Extended key usages: OIDs (content octets), in order.
using ExtendedKeyUsage = std::vector<Bytes>;

/// SEQUENCE OF OBJECT IDENTIFIER, 1 to 50 of them (an empty one is kMalformed).
[[nodiscard]] Result<ExtendedKeyUsage> parse_extended_key_usage(ByteView der);
[[nodiscard]] Bytes encode_extended_key_usage(const ExtendedKeyUsage& usages);
/// "clientAuth", "serverAuth", "codeSigning", "emailProtection", "ipsecIKE", "timeStamping",
/// "OCSPSigning", "smartcardLogon", or a dotted OID.
[[nodiscard]] Result<Bytes> extended_key_usage_from_text(std::string_view text);
[[nodiscard]] std::string extended_key_usage_to_text(ByteView oid);
[[nodiscard]] std::string to_text(const ExtendedKeyUsage& usages);  ///< comma-separated; "none"
/// Set equality: order and repetition do not count.
[[nodiscard]] bool same_usages(const ExtendedKeyUsage& left, const ExtendedKeyUsage& right);

}  // namespace scepgate::certs
